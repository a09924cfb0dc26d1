"""The stand-in of Square: payments, delayed capture, cancellations, refunds, lists, as the official SDK calls them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from square.core.api_error import ApiError
from time_machine import Traveller

from clearway.domain.ids import PAYMENT, new_id
from clearway.simulator.facades.square.tokens import SOURCES
from tests.services.gateways.running import LONG_S, PATIENCE_S, running_simulator
from tests.services.gateways.square_account import ONCE, Seller, refusal


async def test_the_sdk_takes_a_payment_and_refunds_a_part(seller: Seller) -> None:
    """The official SDK takes a payment, reads it, and refunds a part of it."""
    payment_id = new_id(PAYMENT)
    made = await seller.sdk.payments.create(
        source_id="cnon:card-nonce-ok",
        idempotency_key=f"{payment_id}:authorise:1",
        amount_money={"amount": 1_000, "currency": "USD"},
        reference_id=f"{payment_id}:1",
        request_options=ONCE,
    )
    payment = made.payment
    assert payment is not None
    assert (payment.status, payment.source_type, payment.reference_id) == ("COMPLETED", "CARD", f"{payment_id}:1")
    refunded = await seller.sdk.refunds.refund_payment(
        idempotency_key=f"{payment_id}:refund:1",
        payment_id=payment.id,
        amount_money={"amount": 300, "currency": "USD"},
        reason="a part",
        request_options=ONCE,
    )
    assert refunded.refund.status == "COMPLETED"  # type: ignore[union-attr]
    found = (await seller.sdk.payments.get(str(payment.id), request_options=ONCE)).payment
    assert found is not None
    assert found.refunded_money is not None
    assert (found.refunded_money.amount, found.refund_ids) == (300, [refunded.refund.id])  # type: ignore[union-attr]
    assert await seller.effects(found) == [("authorised", 1_000), ("captured", 1_000), ("refunded", 300)]


async def test_the_sdk_reports_a_decline(seller: Seller) -> None:
    """A declined payment is an error with category and code, and a FAILED payment that moved no money."""
    with pytest.raises(ApiError) as caught:
        await seller.sdk.payments.create(
            source_id="cnon:card-nonce-declined",
            idempotency_key=new_id(PAYMENT),
            amount_money={"amount": 1_000, "currency": "USD"},
            request_options=ONCE,
        )
    [error] = caught.value.errors
    assert (caught.value.status_code, error.category, error.code) == (400, "PAYMENT_METHOD_ERROR", "GENERIC_DECLINE")


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("cnon:card-nonce-rejected-cvv", "CVV_FAILURE"),
        ("cnon:card-nonce-rejected-postalcode", "ADDRESS_VERIFICATION_FAILURE"),
        ("cnon:card-nonce-rejected-expiration", "INVALID_EXPIRATION"),
        ("cnon:card-nonce-declined", "GENERIC_DECLINE"),
        ("cnon:card-nonce-requires-verification", "CARD_DECLINED_VERIFICATION_REQUIRED"),
        ("cnon:clearway-insufficient-funds", "INSUFFICIENT_FUNDS"),
    ],
)
async def test_tokens_of_the_sandbox(seller: Seller, source: str, code: str) -> None:
    """Each token of Square's sandbox has the outcome that Square documents; the failed payment says why, too."""
    response = await seller.pay(source)
    assert refusal(response) == (400, "PAYMENT_METHOD_ERROR", code)
    failed = response.json()["payment"]
    assert (failed["status"], failed["card_details"]["status"]) == ("FAILED", "FAILED")
    assert failed["card_details"]["errors"][0]["code"] == code
    assert await seller.effects(failed) == []


async def test_tokens_that_begin_nothing(seller: Seller) -> None:
    """A used or unknown token is a fault of the request: no payment is made, and its key stays free."""
    key = new_id(PAYMENT)
    used = await seller.pay("cnon:card-nonce-already-used", key)
    assert refusal(used) == (400, "INVALID_REQUEST_ERROR", "CARD_TOKEN_USED")
    assert refusal(await seller.pay("cnon:nothing", key)) == (404, "INVALID_REQUEST_ERROR", "NOT_FOUND")
    assert (await seller.pay(key=key)).status_code == 200


async def test_bank_payments_are_pending_at_first(
    seller: Seller, clock: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bank payment is PENDING, then COMPLETED or FAILED."""
    for source, status in (("bnon:bank-nonce-ok", "COMPLETED"), ("bnon:bank-nonce-insufficient-funds", "FAILED")):
        monkeypatch.setitem(SOURCES, source, replace(SOURCES[source], delay_s=LONG_S))
        payment = await seller.paid(source)
        assert (payment["status"], payment["source_type"]) == ("PENDING", "BANK_ACCOUNT")
        assert refusal(await seller.send("POST", f"/payments/{payment['id']}/cancel", {}))[2] == "BAD_REQUEST"
        clock.shift(LONG_S)
        await seller.paid()  # it wakes the simulator, which looks at the clock
        await _until(seller, payment, status)


async def test_delayed_capture_takes_the_lowered_amount_whole(seller: Seller) -> None:
    """An approved payment is lowered, then completed whole, once; what was lowered is released."""
    held = await seller.held()
    assert (held["status"], held["card_details"]["status"]) == ("APPROVED", "AUTHORIZED")
    assert held["capabilities"] == ["EDIT_AMOUNT_DOWN"]
    path = f"/payments/{held['id']}"
    change = {"amount_money": {"amount": 400, "currency": "USD"}, "version_token": held["version_token"]}
    lowered = await seller.send("PUT", path, {"idempotency_key": new_id(PAYMENT), "payment": change})
    assert lowered.json()["payment"]["amount_money"]["amount"] == 400
    stale = await seller.send("POST", f"{path}/complete", {"version_token": held["version_token"]})
    assert refusal(stale)[2] == "VERSION_MISMATCH"
    raised = {"idempotency_key": new_id(PAYMENT), "payment": {"amount_money": {"amount": 401, "currency": "USD"}}}
    assert refusal(await seller.send("PUT", path, raised))[2] == "AMOUNT_TOO_HIGH"
    done = await seller.send("POST", f"{path}/complete", {})
    assert (done.json()["payment"]["status"], done.json()["payment"]["amount_money"]["amount"]) == ("COMPLETED", 400)
    for act in ("complete", "cancel"):
        again = await seller.send("POST", f"{path}/{act}", {})
        assert refusal(again)[2] == "DELAYED_TRANSACTION_CAPTURED"
    assert await seller.effects(held) == [("authorised", 1_000), ("captured", 400), ("voided", 600)]


async def test_cancel_releases(seller: Seller) -> None:
    """A cancelled payment is VOIDED at the card, and can be neither completed nor refunded."""
    held = await seller.held()
    early = {"idempotency_key": "r1", "payment_id": held["id"], "amount_money": held["amount_money"]}
    assert refusal(await seller.send("POST", "/refunds", early))[1:] == (
        "REFUND_ERROR",
        "REFUND_ERROR_PAYMENT_NEEDS_COMPLETION",
    )
    cancelled = (await seller.send("POST", f"/payments/{held['id']}/cancel", {})).json()["payment"]
    assert (cancelled["status"], cancelled["card_details"]["status"]) == ("CANCELED", "VOIDED")
    late = await seller.send("POST", f"/payments/{held['id']}/complete", {})
    assert refusal(late)[2] == "DELAYED_TRANSACTION_CANCELED"
    assert refusal(await seller.send("POST", "/refunds", early))[2] == "PAYMENT_NOT_REFUNDABLE"
    assert await seller.effects(held) == [("authorised", 1_000), ("voided", 1_000)]


@pytest.mark.parametrize(("action", "status"), [("CANCEL", "CANCELED"), ("COMPLETE", "COMPLETED")])
async def test_a_delay_ends_by_itself(tmp_path, action: str, status: str) -> None:
    """After the delay Square cancels or completes what was not; the setting makes a week short."""
    async with running_simulator(tmp_path / "sim.sqlite3", simulator_square_delay_max_s=0.2) as simulator:
        seller = Seller(simulator, "delays")
        held = await seller.held(delay_action=action, delay_duration="P3D")
        assert held["status"] == "APPROVED"
        await _until(seller, held, status)
        if status == "CANCELED":
            late = await seller.send("POST", f"/payments/{held['id']}/complete", {})
            assert refusal(late)[2] == "DELAYED_TRANSACTION_EXPIRED"
        await seller.aclose()


async def test_one_currency_per_location(seller: Seller) -> None:
    """A location takes its own currency alone; without a location it is the main one."""
    in_yen = {"amount_money": {"amount": 1_000, "currency": "JPY"}}
    refused = await seller.pay(**in_yen)
    assert refusal(refused) == (400, "INVALID_REQUEST_ERROR", "INVALID_VALUE")
    paid = await seller.paid(**in_yen, location_id=await seller.location("JPY"))
    assert paid["location_id"] == await seller.location("JPY")
    assert refusal(await seller.pay(location_id="LNOWHERE"))[0] == 404


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"key": "k" * 46}, "VALUE_TOO_LONG"),
        ({"reference_id": "r" * 41}, "VALUE_TOO_LONG"),
        ({"key": ""}, "VALUE_TOO_SHORT"),
        ({"amount_money": {"amount": "1000", "currency": "USD"}}, "EXPECTED_INTEGER"),
        ({"amount_money": {"amount": 0, "currency": "USD"}}, "AMOUNT_TOO_LOW"),
        ({"delay_duration": "PT30S", "autocomplete": False}, "VALUE_TOO_LOW"),
        ({"tip_money": {"amount": 1, "currency": "USD"}}, "UNKNOWN_BODY_PARAMETER"),
    ],
)
async def test_limits(seller: Seller, fields: dict[str, object], code: str) -> None:
    """What Square would refuse is refused; what the stand-in does not know is refused, not ignored."""
    response = await seller.pay(**fields)
    assert refusal(response) == (400, "INVALID_REQUEST_ERROR", code)


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("nothing", "UNAUTHORIZED"),
        ("EAAA_invalid", "UNAUTHORIZED"),
        ("EAAA_expired", "ACCESS_TOKEN_EXPIRED"),
        ("EAAA_revoked", "ACCESS_TOKEN_REVOKED"),
    ],
)
async def test_tokens_of_sellers(seller: Seller, token: str, code: str) -> None:
    """An access token that Square does not take is a 401."""
    assert refusal(await seller.send("GET", "/locations", token=token)) == (401, "AUTHENTICATION_ERROR", code)


async def test_sellers_do_not_meet(seller: Seller) -> None:
    """A payment of one seller is not there for another."""
    payment = await seller.paid()
    other = await seller.send("GET", f"/payments/{payment['id']}", token="EAAA_somebody_else")
    assert refusal(other)[0] == 404


async def test_lists_lag_and_go_by_pages(tmp_path, clock: Traveller) -> None:
    """A list misses what is new for some seconds, shows one location, and goes on by a cursor."""
    async with running_simulator(tmp_path / "sim.sqlite3", simulator_square_list_lag_s=LONG_S) as simulator:
        seller = Seller(simulator, "lists")
        paid = [await seller.paid() for _ in range(3)]
        await seller.paid(amount_money={"amount": 5, "currency": "JPY"}, location_id=await seller.location("JPY"))
        assert (await seller.send("GET", "/payments")).json() == {}
        assert (await seller.read(paid[0]))["id"] == paid[0]["id"]
        clock.shift(LONG_S)
        first = (await seller.send("GET", "/payments", limit=2, sort_order="ASC")).json()
        rest = (await seller.send("GET", "/payments", limit=2, sort_order="ASC", cursor=first["cursor"])).json()
        assert [one["id"] for one in first["payments"] + rest["payments"]] == [one["id"] for one in paid]
        assert "cursor" not in rest
        since = {"begin_time": paid[1]["created_at"], "end_time": paid[2]["created_at"]}
        assert [one["id"] for one in (await seller.send("GET", "/payments", **since)).json()["payments"]] == [
            paid[1]["id"]
        ]
        found = [one.id async for one in await seller.sdk.payments.list(limit=2, request_options=ONCE)]
        assert found == [one["id"] for one in reversed(paid)]
        assert refusal(await seller.send("GET", "/payments", cursor="x"))[2] == "INVALID_CURSOR"
        await seller.aclose()


async def test_refunds_never_exceed_the_payment(seller: Seller) -> None:
    """Refunds are counted together; one that is too large is a REFUND_ERROR."""
    paid = await seller.paid()
    for key, amount in (("a", 700), ("b", 400)):
        asked = {
            "idempotency_key": f"{paid['id']}{key}"[:45],
            "payment_id": paid["id"],
            "amount_money": {"amount": amount, "currency": "USD"},
        }
        answer = await seller.send("POST", "/refunds", asked)
    assert refusal(answer) == (400, "REFUND_ERROR", "REFUND_AMOUNT_INVALID")
    assert await seller.effects(paid) == [("authorised", 1_000), ("captured", 1_000), ("refunded", 700)]


async def _until(seller: Seller, payment: dict[str, object], status: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await seller.read(payment))["status"] != status:
            await asyncio.sleep(0.05)
