"""Payments over the whole stack: API, Temporal, worker, database, simulator."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from api.app import create_app
from clearway.db.events import BODY, body_of
from clearway.db.tables import events, idempotency_keys, payments
from clearway.domain.ids import ORDER, PAYMENT, new_id
from clearway.domain.payment import PaymentMethod
from clearway.durable import calls
from clearway.durable.messages import payment_workflow_id
from clearway.payments.creation import create_payment, read_order
from clearway.payments.instruments import Instrument
from clearway.services import Allocation
from clearway.settings import Settings
from tests.services.api.conftest import Caller, Payer, changed, client_of
from tests.services.api.rows import forget_answer
from tests.services.gateways.running import Simulator
from tests.support.database import Databases
from tests.support.forgetting import forget_payment

CARD = {
    "number": "4242 4242 4242 4242",
    "expiry_month": 12,
    "expiry_year": 2031,
    "cvv": "123",
    "holder_name": "Ada Lovelace",
}


async def count_payments(engine: AsyncEngine, merchant_id: str) -> int:
    """Count what really is recorded."""
    async with engine.connect() as connection:
        query = select(func.count()).select_from(payments).where(payments.c.merchant_id == merchant_id)
        return int(await connection.scalar(query) or 0)


async def created_event(engine: AsyncEngine, payment_id: str) -> dict[str, Any]:
    """Return the data of the `payment.created` event."""
    async with engine.connect() as connection:
        mine = (events.c.payment_id == payment_id) & (events.c.type == "payment.created")
        row = (await connection.execute(select(*BODY).where(mine, payments.c.id == events.c.subject_id))).one()
    body = body_of(row)
    return dict(orjson.loads(body or "{}")["data"])


class TestCreate:
    """`POST /payments`."""

    async def test_a_payment_is_recorded_and_then_succeeds(self, payer: Payer) -> None:
        """201 with `pending` at once; the payment is found right after, and ends in success with its order paid."""
        order_id = await payer.order(1_234, "INR")
        made = await payer.post_payment(order_id, customer={"email": "ada@example.com"}, notes={"cart": "c-1"})
        assert made.status_code == 201
        payment = made.json()
        assert payment["status"] == "pending"
        assert (payment["amount"], payment["currency"], payment["order_id"]) == (1_234, "INR", order_id)
        assert payment["vpa"] == "success@razorpay"
        assert payment["customer"]["email"] == "ada@example.com"
        assert payment["notes"] == {"cart": "c-1"}
        assert (await payer.http.get(f"/payments/{payment['id']}")).status_code == 200
        ended = await payer.payment_in(payment["id"], "success")
        assert ended["captured"] is True
        assert ended["amount_captured"] == 1_234
        assert (await payer.http.get(f"/orders/{order_id}")).json()["status"] == "paid"

    async def test_the_answer_is_the_creation_event(self, payer: Payer, api_engine: AsyncEngine) -> None:
        """What the 201 says is what the `payment.created` event says, byte for byte."""
        made = await payer.post_payment()
        data = await created_event(api_engine, made.json()["id"])
        assert made.content == orjson.dumps(data)

    async def test_a_failed_payment_says_why_and_frees_its_order(self, payer: Payer) -> None:
        """A declined payment carries a unified code and words, and its order can be paid again."""
        order_id = await payer.order()
        failed = await payer.payment(order_id, vpa="failure@razorpay", until="failed")
        assert failed["error_code"]
        assert failed["error_description"]
        assert (await payer.payment(order_id))["status"] == "success"

    async def test_a_test_card_is_exchanged_for_a_token(self, payer: Payer) -> None:
        """A raw test card pays, and nothing but brand, last four digits and expiry is ever shown of it."""
        made = await payer.post_payment(method="card", card=CARD)
        assert made.status_code == 201, made.text
        assert made.json()["card"] == {"brand": "visa", "last4": "4242", "expiry_month": 12, "expiry_year": 2031}
        assert "4242424242424242" not in made.text.replace(" ", "")
        await payer.payment_in(made.json()["id"], "success")

    async def test_a_card_the_gateway_refuses_is_a_422(self, payer: Payer, api_engine: AsyncEngine) -> None:
        """A number that is no card number is refused with the decline code, before anything is recorded."""
        refused = await payer.post_payment(method="card", card=CARD | {"number": "4242424242424241"})
        assert refused.status_code == 422
        assert refused.json()["code"] == "incorrect_number"
        assert "4242424242424241" not in refused.text
        assert await count_payments(api_engine, payer.id) == 0

    async def test_netbanking_and_wallets_pay(self, payer: Payer) -> None:
        """The other methods take their own instruments."""
        bank = await payer.post_payment(method="netbanking", bank={"code": "HDFC"})
        wallet = await payer.post_payment(method="wallet", wallet={"code": "paytm"})
        assert bank.json()["bank"] == {"code": "HDFC"}
        assert wallet.json()["wallet"] == {"code": "paytm"}

    async def test_upi_without_a_upi_id_waits_for_the_app(self, payer: Payer, api_simulator: Simulator) -> None:
        """The payment gets the gateway's intent with its end, and what the customer does in the app decides."""
        waiting = await payer.payment(until="requires_action", vpa=None)
        action = waiting["next_action"]
        assert waiting["vpa"] is None
        assert action["type"] == "upi_intent"
        assert action["url"].startswith("upi://pay?pa=")
        assert datetime.fromisoformat(action["expires_at"]) > datetime.now(UTC)
        [reference] = parse_qs(urlsplit(action["url"]).query)["tr"]
        assert (await api_simulator.http.post(f"/upi/{reference}/complete")).status_code == 200
        paid = await payer.payment_in(waiting["id"], "success")
        assert paid["next_action"] is None
        assert await api_simulator.charges(waiting["id"]) == 1

    async def test_a_gateway_that_does_not_collect_refuses_a_upi_id(self, payer: Payer) -> None:
        """Where no gateway collects, a UPI ID is refused with what to do, and an intent works."""
        [gateway] = (await payer.http.get("/gateways")).json()["data"]
        changed = await payer.http.patch(f"/gateways/{gateway['id']}", json={"settings": {"upi_collect": False}})
        assert changed.status_code == 200, changed.text
        refused = await payer.post_payment()
        assert (refused.status_code, refused.json()["code"]) == (409, "no_gateway")
        assert "leave `vpa` out" in refused.json()["detail"]
        assert (await payer.payment(until="requires_action", vpa=None))["next_action"]["type"] == "upi_intent"

    async def test_an_order_takes_one_payment_also_when_they_race(
        self, payer: Payer, api_engine: AsyncEngine, api_simulator: Simulator
    ) -> None:
        """Ten payments of one order at once, each with a key of its own: one is made, nine are a 409, one charge."""
        order_id = await payer.order()
        answers = await asyncio.gather(*(payer.post_payment(order_id, key=f"k-{n}") for n in range(10)))
        made = [answer for answer in answers if answer.status_code == 201]
        assert len(made) == 1
        assert {answer.json().get("code") for answer in answers if answer not in made} == {"order_has_payment"}
        assert await count_payments(api_engine, payer.id) == 1
        payment_id = made[0].json()["id"]
        await payer.payment_in(payment_id, "success")
        assert await api_simulator.charges(payment_id) == 1

    async def test_a_paid_order_is_a_409(self, payer: Payer) -> None:
        """After success another payment of the order is refused, with words about the money."""
        order_id = await payer.order()
        await payer.payment(order_id)
        refused = await payer.post_payment(order_id)
        assert refused.status_code == 409
        assert refused.json()["code"] == "order_has_payment"
        assert "Nothing was charged" in refused.json()["detail"]


class TestOnce:
    """`POST /payments` under an Idempotency-Key."""

    async def test_twenty_racing_requests_make_one_payment(
        self, payer: Payer, api_engine: AsyncEngine, api_simulator: Simulator
    ) -> None:
        """Twenty requests at once with one key: one payment, one charge, twenty equal answers."""
        order_id = await payer.order()
        answers = await asyncio.gather(*(payer.post_payment(order_id, key="race") for _ in range(20)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert await count_payments(api_engine, payer.id) == 1
        payment_id = answers[0].json()["id"]
        await payer.payment_in(payment_id, "success")
        assert await api_simulator.charges(payment_id) == 1

    async def test_a_replay_still_says_pending(self, payer: Payer) -> None:
        """After the payment has succeeded a repeat gets the first answer, byte for byte."""
        order_id = await payer.order()
        made = await payer.post_payment(order_id, key="k")
        await payer.payment_in(made.json()["id"], "success")
        again = await payer.post_payment(order_id, key="k")
        assert again.content == made.content
        assert again.headers["Idempotent-Replayed"] == "true"

    async def test_an_answer_lost_before_it_was_stored_is_found_again(
        self, payer: Payer, api_engine: AsyncEngine
    ) -> None:
        """The API dies between recording and storing its answer: the repeat answers the same bytes, later too."""
        order_id = await payer.order()
        made = await payer.post_payment(order_id, key="k")
        await payer.payment_in(made.json()["id"], "success")
        await forget_answer(api_engine, payer.id)
        again = await payer.post_payment(order_id, key="k")
        assert again.status_code == 201
        assert again.content == made.content
        assert await count_payments(api_engine, payer.id) == 1

    async def test_an_id_under_which_nothing_can_be_recorded_is_replaced(
        self, payer: Payer, app: FastAPI, temporal: Client
    ) -> None:
        """A workflow that ended before it recorded anything leaves a spent id; the repeat takes another and pays."""
        services = app.state.services
        order = await read_order(services, await payer.order(), merchant_id=payer.id)
        spent, fresh = new_id(PAYMENT), new_id(PAYMENT)
        nobody_works = await temporal.start_workflow(
            "PaymentWorkflow", id=payment_workflow_id(spent), task_queue="nobody-works-here"
        )
        await nobody_works.terminate("as an operator may")

        async def renew(_: str) -> str:
            return fresh

        asked = Instrument(PaymentMethod.UPI, vpa="success@razorpay")
        allocation = Allocation(spent, renew=renew)
        assert (await create_payment(services, order, asked, allocation)).id == fresh

    @pytest.mark.parametrize(("vpa", "ends"), [("failure@razorpay", "failed"), ("success@razorpay", "success")])
    async def test_a_repeat_is_not_answered_for_a_payment_that_was_lost(
        self, payer: Payer, api_engine: AsyncEngine, databases: Databases, vpa: str, ends: str
    ) -> None:
        """The database was restored to when only the key was reserved: a 2xx waits until the payment is there again."""
        order_id = await payer.order()
        made = await payer.post_payment(order_id, key="k", vpa=vpa)
        payment_id = made.json()["id"]
        await payer.payment_in(payment_id, ends)
        await forget_answer(api_engine, payer.id)
        await forget_payment(databases.url_of("api"), payment_id)

        again = await payer.post_payment(order_id, key="k", vpa=vpa)
        assert (again.status_code, again.json()["code"]) == (503, "temporal_unavailable")
        assert "being recorded again" in again.json()["detail"]
        await payer.payment_in(payment_id, ends)
        there = await payer.post_payment(order_id, key="k", vpa=vpa)
        assert (there.status_code, there.json()["id"], there.json()["status"]) == (201, payment_id, "pending")

    async def test_a_refusal_gives_the_key_back(self, payer: Payer) -> None:
        """A refusal is not stored: the same key works once the order is free."""
        order_id = await payer.order()
        holding = await payer.payment(order_id, until="authorized", capture_method="manual")
        assert (await payer.post_payment(order_id, key="k")).status_code == 409
        await payer.http.post(f"/payments/{holding['id']}/cancel")
        made = await payer.post_payment(order_id, key="k")
        assert made.status_code == 201
        assert "Idempotent-Replayed" not in made.headers


class TestRefusals:
    """What cannot be a payment; none of these needs a worker."""

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"method": "card"}, "card"),
            ({"method": "card", "vpa": "a@upi"}, "vpa"),
            ({"method": "card", "token": "tok_12345678", "card": CARD}, "card"),
            ({"method": "upi", "vpa": "ann@upi", "bank": {"code": "HDFC"}}, "bank"),
            ({"method": "upi", "vpa": "no-handle"}, "vpa"),
            ({"method": "upi", "vpa": 5}, "vpa"),
            ({"method": "netbanking"}, "bank"),
            ({"method": "netbanking", "bank": "HDFC"}, "bank"),
            ({"method": "wallet", "wallet": {"code": "x", "extra": 1}}, "wallet"),
            ({"method": "cash", "vpa": "ann@upi"}, "method"),
            ({"method": "upi", "vpa": "ann@upi", "amount": 1}, "amount"),
            ({"method": "upi", "vpa": "ann@upi", "currency": "INR"}, "currency"),
            ({"method": "upi", "vpa": "ann@upi", "capture_method": "later"}, "capture_method"),
            ({"method": "upi", "vpa": "ann@upi", "customer": {"email": "no"}}, "customer.email"),
            ({"method": "upi", "vpa": "ann@upi", "return_url": "javascript:alert(1)"}, "return_url"),
            ({"return_url": "http://[::1/"}, "return_url"),
            ({"return_url": "https://shop.example:99999/done"}, "return_url"),
            ({"return_url": "https://shop.example/done "}, "return_url"),
            ({"return_url": "https://ann:secret@shop.example/"}, "return_url"),
            ({"method": "card", "card": CARD | {"expiry_month": 13}}, "card.expiry_month"),
            ({"method": "card", "card": CARD | {"expiry_month": "12"}}, "card.expiry_month"),
            ({"method": "card", "card": CARD | {"cvc": "1"}}, "card.cvc"),
        ],
    )
    async def test_fields_that_do_not_fit_are_named(
        self, caller: Caller, api_engine: AsyncEngine, fields: dict[str, object], field: str
    ) -> None:
        """Method and instrument must match, nothing unknown may come, and amounts are the order's."""
        refused = await caller.http.post("/payments", json={"order_id": await caller.order()} | fields)
        assert refused.status_code == 422, refused.text
        assert any(error["field"].startswith(field) for error in refused.json()["errors"]), refused.text
        assert CARD["number"] not in refused.text
        assert await count_payments(api_engine, caller.id) == 0

    @pytest.mark.parametrize(
        "fields",
        [
            {"notes": {"card": "my card is 4111 1111 1111 1111"}},
            {"notes": {"4111111111111111": "x"}},
            {"customer": {"name": "5555-5555-5555-4444"}},
            {"vpa": "4111111111111111@upi"},
            {"method": "card", "token": "4111111111111111"},
        ],
    )
    async def test_a_card_number_in_any_text_is_refused(self, caller: Caller, fields: dict[str, object]) -> None:
        """No text that is kept may hold a card number; the answer does not repeat it."""
        body = {"order_id": await caller.order(), "method": "upi"} | fields
        if body["method"] == "upi":
            body.setdefault("vpa", "ann@upi")
        refused = await caller.http.post("/payments", json=body)
        assert refused.status_code == 422
        assert refused.json()["code"] == "card_number_refused"

    @pytest.mark.parametrize(
        "fields",
        [
            {"customer": {"phone": "+4917604069006"}},
            {"customer": {"phone": "4917604069006"}},
            {"customer": {"phone": "+49 (176) 0406-9006"}},
            {"notes": {"receipt": "8895846c-5985-4364-8844-03b023fd500a", "call": "+4917604069006"}},
            {"method": "card", "token": "4917604069006"},
            {"method": "card", "token": "41111111111111111"},
        ],
    )
    async def test_other_numbers_are_no_card_numbers(self, caller: Caller, fields: dict[str, object]) -> None:
        """Telephone numbers, UUIDs and numeric tokens are accepted: only the order is missing."""
        body = {"order_id": new_id(ORDER), "method": "upi"} | fields
        if body["method"] == "upi":
            body.setdefault("vpa", "ann@upi")
        answer = await caller.http.post("/payments", json=body)
        assert answer.json()["code"] == "order_not_found", answer.text

    @pytest.mark.parametrize(
        "order_id", [new_id(ORDER), new_id(PAYMENT), "order_1", ""], ids=["unknown", "payment", "form", "empty"]
    )
    async def test_an_unknown_order_is_a_404(self, caller: Caller, order_id: str) -> None:
        """No order of this merchant: 404, and nothing is charged."""
        body = {"order_id": order_id, "method": "upi", "vpa": "success@razorpay"}
        refused = await caller.http.post("/payments", json=body)
        assert refused.status_code == 404
        assert refused.json()["code"] == "order_not_found"

    async def test_a_live_merchant_sends_no_raw_card(self, live_caller: Caller) -> None:
        """A raw card of a live merchant is refused with a clear error, on both ways to pay."""
        body = {"order_id": await live_caller.order(), "method": "card", "card": CARD}
        for path in ("/payments", "/payments/public"):
            refused = await live_caller.http.post(path, json=body)
            assert (refused.status_code, refused.json()["code"]) == (422, "raw_card_refused")

    async def test_a_live_merchant_without_a_gateway_is_refused(
        self, live_caller: Caller, api_engine: AsyncEngine
    ) -> None:
        """The simulator takes no live payment: 409 that says nothing was charged, and the order stays as it is."""
        order_id = await live_caller.order()
        upi, card = {"method": "upi", "vpa": "success@razorpay"}, {"method": "card", "token": "tok_0123456789"}
        for path, body in (("/payments", upi), ("/payments", card), ("/payments/public", upi)):
            refused = await live_caller.http.post(path, json=body | {"order_id": order_id})
            assert (refused.status_code, refused.json()["code"]) == (409, "no_gateway")
            assert "Nothing was charged" in refused.json()["detail"]
        assert (await live_caller.http.get(f"/orders/{order_id}")).json()["status"] == "created"
        async with api_engine.connect() as connection:
            query = select(payments.c.id).where(payments.c.merchant_id == live_caller.id)
            assert (await connection.execute(query)).all() == []

    async def test_temporal_that_is_away_is_a_503_and_loses_nothing(
        self, caller: Caller, api_settings: Settings, api_engine: AsyncEngine
    ) -> None:
        """No Temporal: 503 that says how to go on; the key keeps the id it allocated."""
        away = create_app(changed(api_settings, temporal_address="127.0.0.1:1"))
        body = {"order_id": await caller.order(), "method": "upi", "vpa": "success@razorpay"}
        details = set()
        async with away.router.lifespan_context(away), client_of(away, caller.credentials) as client:
            for _ in range(2):
                response = await client.post("/payments", json=body, headers={"Idempotency-Key": "k"})
                assert response.status_code == 503
                assert response.json()["code"] == "temporal_unavailable"
                assert "same Idempotency-Key" in response.json()["detail"]
                details.add(response.json()["detail"])
        assert len(details) == 1, "both name the same workflow, so the id was kept"
        assert await count_payments(api_engine, caller.id) == 0


async def test_without_a_worker_a_request_ends_in_time(
    payer: Payer, api_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody takes the update: the request gives up after its deadline with a 503, and the key keeps its id."""
    monkeypatch.setattr(calls, "ANSWER_TIMEOUT_S", 0.5)
    monkeypatch.setattr(calls, "QUEUE_PAYMENTS", "nobody-works-here")
    response = await payer.post_payment(key="k")
    assert response.status_code == 503
    assert response.json()["code"] == "temporal_unavailable"
    async with api_engine.connect() as connection:
        kept = await connection.scalar(
            select(idempotency_keys.c.resource_id).where(idempotency_keys.c.merchant_id == payer.id)
        )
    assert kept is not None
    assert kept in response.json()["detail"]
