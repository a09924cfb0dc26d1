"""Idempotency keys of the stand-in of Square, and cancellation by key."""

from __future__ import annotations

import asyncio

from clearway.domain.ids import PAYMENT, new_id
from tests.services.gateways.running import LONG_S
from tests.services.gateways.square_account import ONCE, Seller, refusal


async def test_a_repeat_returns_the_original_payment_as_it_is_now(seller: Seller) -> None:
    """The same key and request return the original payment in its present state, and charge nothing more."""
    key = new_id(PAYMENT)
    fields = {"key": key, "autocomplete": False, "reference_id": f"{key}:1"}
    held = await seller.paid(**fields)
    await seller.send("POST", f"/payments/{held['id']}/complete", {})
    again = await seller.paid(**fields)
    assert (again["id"], again["status"]) == (held["id"], "COMPLETED")
    assert await seller.effects(held) == [("authorised", 1_000), ("captured", 1_000)]


async def test_a_repeat_of_a_decline_is_declined_again(seller: Seller) -> None:
    """A declined payment is remembered under its key: nothing is tried again."""
    key = new_id(PAYMENT)
    first, second = [await seller.pay("cnon:card-nonce-declined", key, reference_id=f"{key}:1") for _ in range(2)]
    assert refusal(first) == refusal(second)
    assert first.json()["payment"]["id"] == second.json()["payment"]["id"]


async def test_one_key_with_two_requests_is_refused(seller: Seller) -> None:
    """The same key with another amount is IDEMPOTENCY_KEY_REUSED; the same key of another seller is another key."""
    key = new_id(PAYMENT)
    paid = await seller.paid(key=key, reference_id=f"{key}:1")
    other = await seller.pay(key=key, reference_id=f"{key}:1", amount_money={"amount": 2_000, "currency": "USD"})
    assert refusal(other) == (400, "INVALID_REQUEST_ERROR", "IDEMPOTENCY_KEY_REUSED")
    assert len(await seller.effects(paid)) == 2
    neighbour = Seller(seller.simulator, "a_neighbour")
    assert (await neighbour.paid(key=key))["id"] != paid["id"]
    await neighbour.aclose()


async def test_a_key_under_way_conflicts(seller: Seller) -> None:
    """A request whose key is being processed is a conflict, and charges nothing."""
    await seller.simulator.switch(operation="authorise", fault="slow", times=1, delay_s=LONG_S)
    key = new_id(PAYMENT)
    first = asyncio.create_task(seller.pay(key=key, reference_id=f"{key}:1"))
    await seller.simulator.until_met()
    assert (await seller.pay(key=key, reference_id=f"{key}:1")).status_code == 409
    await seller.simulator.release()
    paid = (await first).json()["payment"]
    assert await seller.effects(paid) == [("authorised", 1_000), ("captured", 1_000)]


async def test_cancel_by_key(seller: Seller) -> None:
    """It releases what the key reserved, succeeds when the key made nothing, and frees the key for a new payment."""
    key = new_id(PAYMENT)
    fields = {"key": key, "autocomplete": False, "reference_id": f"{key}:1"}
    await seller.sdk.payments.cancel_by_idempotency_key(idempotency_key=key, request_options=ONCE)
    held = await seller.paid(**fields)
    for _ in range(2):
        await seller.sdk.payments.cancel_by_idempotency_key(idempotency_key=key, request_options=ONCE)
    assert (await seller.read(held))["status"] == "CANCELED"
    assert await seller.effects(held) == [("authorised", 1_000), ("voided", 1_000)]
    assert (await seller.paid(**fields))["id"] != held["id"]


async def test_cancel_by_key_comes_too_late(seller: Seller) -> None:
    """A completed payment is not cancelled by its key."""
    key = new_id(PAYMENT)
    paid = await seller.paid(key=key, reference_id=f"{key}:1")
    late = await seller.send("POST", "/payments/cancel", {"idempotency_key": key})
    assert refusal(late)[2] == "DELAYED_TRANSACTION_CAPTURED"
    assert (await seller.read(paid))["status"] == "COMPLETED"
