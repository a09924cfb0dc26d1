"""Capturing and cancelling payments, over the whole stack."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from clearway.db.tables import audit_log
from clearway.durable.messages import payment_workflow_id
from tests.services.api.conftest import Payer, client_of
from tests.services.api.rows import forget_answer


class TestCapture:
    """`POST /payments/{id}/capture`."""

    async def test_captures_in_part_until_nothing_is_left(self, payer: Payer) -> None:
        """Captures that are not final keep the payment open; the one that takes the rest makes it a success."""
        authorised = await payer.payment(until="authorized", capture_method="manual")
        path = f"/payments/{authorised['id']}/capture"
        first = await payer.http.post(path, json={"amount": 20_000, "final": False})
        assert (first.status_code, first.json()["status"]) == (200, "authorized")
        assert first.json()["amount_captured"] == 20_000
        rest = await payer.http.post(path)
        assert (rest.json()["status"], rest.json()["amount_captured"]) == ("success", 50_000)

    async def test_a_capture_is_final_unless_said_otherwise(self, payer: Payer) -> None:
        """By default the rest is released: the payment is a success over what was captured, and the order is paid."""
        authorised = await payer.payment(until="authorized", capture_method="manual")
        captured = await payer.http.post(f"/payments/{authorised['id']}/capture", json={"amount": 20_000})
        assert (captured.json()["status"], captured.json()["amount_captured"]) == ("success", 20_000)
        order = await payer.http.get(f"/orders/{authorised['order_id']}")
        assert order.json()["status"] == "paid"

    async def test_another_capture_of_what_is_captured_is_a_409(self, payer: Payer) -> None:
        """A capture is a 200 only if it took its amount, even when the payment has become a success."""
        paid = await payer.payment()
        again = await payer.http.post(f"/payments/{paid['id']}/capture", json={"amount": 1})
        assert (again.status_code, again.json()["code"]) == (409, "not_capturable")

    async def test_racing_commands_are_answered_by_what_became_of_each(self, payer: Payer) -> None:
        """Capture, cancel, capture at once: as many captures are successes as were carried out, also when repeated."""
        for _ in range(8):
            authorised = await payer.payment(until="authorized", capture_method="manual")
            path = f"/payments/{authorised['id']}"
            asks = {
                "first": (f"{path}/capture", {"amount": 20_000, "final": False}),
                "cancel": (f"{path}/cancel", {}),
                "second": (f"{path}/capture", {"amount": 20_000, "final": False}),
            }

            async def ask(
                name: str, payment_id: str = authorised["id"], asks: dict[str, tuple[str, Any]] = asks
            ) -> Any:
                where, body = asks[name]
                headers = {"Idempotency-Key": f"{payment_id}-{name}"}
                return await payer.http.post(where, json=body, headers=headers)

            answers = dict(zip(asks, await asyncio.gather(*map(ask, asks)), strict=True))
            ended = (await payer.http.get(path)).json()
            said = sum(answers[name].status_code == 200 for name in ("first", "second"))
            assert ended["amount_captured"] == 20_000 * said, [each.text for each in answers.values()]
            for name, answer in answers.items():
                again = await ask(name)
                assert again.status_code == answer.status_code
                assert answer.status_code != 200 or again.content == answer.content

    async def test_a_repeat_after_the_end_is_answered_by_the_capture(
        self, payer: Payer, api_engine: AsyncEngine
    ) -> None:
        """A repeat after the payment has ended gets the capture's 200, under the same key; a cancellation too."""
        authorised = await payer.payment(until="authorized", capture_method="manual")
        path = f"/payments/{authorised['id']}"

        async def ask(what: str, body: dict[str, Any]) -> Any:
            return await payer.http.post(f"{path}/{what}", json=body, headers={"Idempotency-Key": f"{what}-lost"})

        part = {"amount": 20_000, "final": False}
        assert (await ask("capture", part)).status_code == 200
        assert (await ask("cancel", {})).json()["status"] == "success"
        await forget_answer(api_engine, payer.id)
        assert (await ask("capture", part)).json()["amount_captured"] == 20_000
        assert (await ask("cancel", {})).status_code == 200

    async def test_a_capture_that_meets_no_run_is_carried_out_and_counted(
        self, payer: Payer, app: FastAPI, temporal: Client
    ) -> None:
        """A capture of a payment whose workflow was terminated is carried out, and operators see it in a metric."""
        before = app.state.services.recovery.taken_up["payment"]
        authorised = await payer.payment(until="authorized", capture_method="manual")
        await temporal.get_workflow_handle(payment_workflow_id(authorised["id"])).terminate("as an operator may")
        captured = await payer.http.post(f"/payments/{authorised['id']}/capture", json={})
        assert captured.json()["amount_captured"] == 50_000, captured.text
        async with client_of(app) as client:
            metrics = (await client.get("http://api.test/metrics")).text
        assert f'clearway_taken_up_total{{kind="payment"}} {before + 1}.0' in metrics
        assert 'clearway_taken_up_total{kind="refund"}' in metrics

    async def test_more_than_is_authorised_is_a_409(self, payer: Payer) -> None:
        """A capture beyond what is left takes nothing."""
        authorised = await payer.payment(until="authorized", capture_method="manual")
        refused = await payer.http.post(f"/payments/{authorised['id']}/capture", json={"amount": 50_001})
        assert refused.status_code == 409
        assert refused.json()["code"] == "not_capturable"
        assert (await payer.http.get(f"/payments/{authorised['id']}")).json()["amount_captured"] == 0

    async def test_a_key_captures_once(self, payer: Payer, api_engine: AsyncEngine) -> None:
        """Ten racing captures under one key take the amount once; so does a repeat whose answer was lost."""
        authorised = await payer.payment(until="authorized", capture_method="manual")
        path = f"/payments/{authorised['id']}/capture"

        async def capture() -> Any:
            return await payer.http.post(path, json={"amount": 20_000}, headers={"Idempotency-Key": "c"})

        answers = await asyncio.gather(*(capture() for _ in range(10)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        await forget_answer(api_engine, payer.id)
        assert (await capture()).status_code == 200
        assert (await payer.http.get(f"/payments/{authorised['id']}")).json()["amount_captured"] == 20_000

    async def test_a_payment_that_failed_cannot_be_captured(self, payer: Payer) -> None:
        """409 with the status it has."""
        failed = await payer.payment(vpa="failure@razorpay", until="failed")
        refused = await payer.http.post(f"/payments/{failed['id']}/capture")
        assert refused.status_code == 409
        assert "failed" in refused.json()["detail"]

    async def test_a_capture_is_in_the_audit_log(self, payer: Payer, api_engine: AsyncEngine) -> None:
        """Who captured, with which key and in which request, is kept."""
        authorised = await payer.payment(until="authorized", capture_method="manual")
        await payer.http.post(f"/payments/{authorised['id']}/capture", headers={"X-Request-Id": "req-audited"})
        async with api_engine.connect() as connection:
            query = select(audit_log).where(audit_log.c.subject_id == authorised["id"])
            row = (await connection.execute(query)).one()
        assert (row.action, row.actor) == ("payment.capture", f"key:{payer.credentials.api_key}")
        assert row.request_id == "req-audited"


class TestCancel:
    """`POST /payments/{id}/cancel`."""

    async def test_an_authorised_payment_is_released(self, payer: Payer) -> None:
        """Cancelling releases the authorisation and says why; there is nothing left for another cancellation."""
        authorised = await payer.payment(until="authorized", capture_method="manual")
        path = f"/payments/{authorised['id']}/cancel"
        cancelled = await payer.http.post(path, json={"reason": "out of stock"})
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
        again = await payer.http.post(path)
        assert (again.status_code, again.json()["code"]) == (409, "not_cancellable")

    async def test_a_successful_payment_is_refunded_instead(self, payer: Payer) -> None:
        """Too late: 409, and nothing changes."""
        paid = await payer.payment()
        refused = await payer.http.post(f"/payments/{paid['id']}/cancel")
        assert refused.status_code == 409
        assert refused.json()["code"] == "not_cancellable"
