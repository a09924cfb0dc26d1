"""Idempotency at the stand-in of Stripe: the first answer is stored and repeated, as old as it may be."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from time_machine import Traveller

from clearway.domain.ids import PAYMENT, new_id
from tests.services.gateways.running import LONG_S, Simulator, running_simulator
from tests.services.gateways.stripe_account import Account


def form(payment_id: str, **fields: Any) -> dict[str, Any]:
    """Return the form of an intent that is confirmed at once."""
    asked = {
        "amount": "1000",
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "confirm": "true",
        "metadata[clearway_payment]": payment_id,
    }
    return {**asked, **fields}


async def test_a_repeat_gets_the_first_answer_byte_for_byte(account: Account) -> None:
    """Twenty racing repeats are one charge; each answer is the first one, and all but one say that they are repeats."""
    payment_id = new_id(PAYMENT)
    answers = await asyncio.gather(
        *(account.send("POST", "/payment_intents", form(payment_id), key=f"{payment_id}:1") for _ in range(20))
    )
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 19
    assert len({answer.headers["request-id"] for answer in answers}) == 1
    assert await account.charges(payment_id) == 1


async def test_a_decline_is_repeated_too(account: Account) -> None:
    """An answer that is an error is stored like any other: a repeat does not try the card again."""
    payment_id = new_id(PAYMENT)
    refused = form(payment_id, payment_method="pm_card_chargeDeclined")
    answers = [await account.send("POST", "/payment_intents", refused, key=payment_id) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [402, 402]
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert answers[0].content == answers[1].content


async def test_the_repeated_answer_is_stale(account: Account) -> None:
    """A repeat returns the first answer, even if it is stale; only the intent shows the state of now."""
    payment_id = new_id(PAYMENT)
    asked = form(payment_id, payment_method="pm_card_threeDSecure2Required", return_url="https://shop.example/")
    first = (await account.send("POST", "/payment_intents", asked, key=payment_id)).json()
    await account.simulator.http.post(f"{first['next_action']['redirect_to_url']['url']}/complete")
    again = (await account.send("POST", "/payment_intents", asked, key=payment_id)).json()
    assert (first["status"], again["status"]) == ("requires_action", "requires_action")
    assert (await account.send("GET", f"/payment_intents/{first['id']}")).json()["status"] == "succeeded"


async def test_a_stored_500_stays_500(account: Account) -> None:
    """A 500 after the charge is the stored answer: a repeat never shows that the money was taken."""
    payment_id = new_id(PAYMENT)
    await account.simulator.switch(operation="authorise", fault="error_after_charge", times=1)
    answers = [await account.send("POST", "/payment_intents", form(payment_id), key=payment_id) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [500, 500, 500]
    assert await account.charges(payment_id) == 1
    listed = (await account.send("GET", "/payment_intents", {"limit": "1"})).json()["data"]
    assert listed[0]["status"] == "succeeded"


@pytest.mark.parametrize("fault", ["error_before", "rate_limited", "dropped_before"])
async def test_what_was_not_executed_is_not_stored(account: Account, fault: str) -> None:
    """A request that was refused before its execution leaves no answer: the next one with its key is carried out."""
    payment_id = new_id(PAYMENT)
    await account.simulator.switch(operation="authorise", fault=fault, times=1)
    if fault == "dropped_before":
        with pytest.raises(httpx.RemoteProtocolError):
            await account.send("POST", "/payment_intents", form(payment_id), key=payment_id)
    else:
        refused = await account.send("POST", "/payment_intents", form(payment_id), key=payment_id)
        assert refused.status_code in {429, 503}
    second = await account.send("POST", "/payment_intents", form(payment_id), key=payment_id)
    assert (second.status_code, "idempotent-replayed" in second.headers) == (200, False)
    assert await account.charges(payment_id) == 1


async def test_an_unreadable_request_leaves_no_trace_under_its_key(account: Account) -> None:
    """A parameter that is refused before execution does not use the key up."""
    payment_id = new_id(PAYMENT)
    wrong = await account.send("POST", "/payment_intents", form(payment_id, amount="ten"), key=payment_id)
    right = await account.send("POST", "/payment_intents", form(payment_id), key=payment_id)
    assert (wrong.status_code, right.status_code) == (400, 200)


async def test_another_request_with_the_key_is_refused(account: Account) -> None:
    """The same key with other parameters, or for another path, is an idempotency error without effect."""
    payment_id = new_id(PAYMENT)
    await account.send("POST", "/payment_intents", form(payment_id), key=payment_id)
    for path, asked in (
        ("/payment_intents", form(payment_id, amount="2000")),
        ("/refunds", {"payment_intent": "pi_none"}),
    ):
        refused = await account.send("POST", path, asked, key=payment_id)
        assert (refused.status_code, refused.json()["error"]["type"]) == (400, "idempotency_error")
    assert await account.charges(payment_id) == 1


async def test_a_key_is_in_use_until_its_request_is_answered(account: Account) -> None:
    """A repeat that meets its twin on the way is 409, and stores nothing."""
    payment_id = new_id(PAYMENT)
    await account.simulator.switch(operation="authorise", fault="slow", times=1, delay_s=LONG_S)
    slow = asyncio.create_task(account.send("POST", "/payment_intents", form(payment_id), key=payment_id))
    await account.simulator.until_met()
    twin = await account.send("POST", "/payment_intents", form(payment_id), key=payment_id)
    assert (twin.status_code, twin.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    await account.simulator.release()
    assert (await slow).status_code == 200
    again = await account.send("POST", "/payment_intents", form(payment_id), key=payment_id)
    assert again.headers["idempotent-replayed"] == "true"


async def test_keys_are_an_accounts_own(account: Account, simulator: Simulator) -> None:
    """Another account's use of the same key is another request, and the journal keeps both apart."""
    payments = [new_id(PAYMENT), new_id(PAYMENT)]
    key = new_id(PAYMENT)
    other = Account(simulator, "another_account")
    for who, payment_id in ((account, payments[0]), (other, payments[1])):
        answer = await who.send("POST", "/payment_intents", form(payment_id), key=key)
        assert "idempotent-replayed" not in answer.headers
        assert await account.charges(payment_id) == 1
    await other.aclose()


async def test_a_key_is_forgotten_after_its_life(tmp_path, clock: Traveller) -> None:
    """After the key's life a repeat is a new request, and charges again."""
    payment_id = new_id(PAYMENT)
    async with running_simulator(tmp_path / "s.sqlite3", simulator_stripe_key_life_s=LONG_S) as simulator:
        account = Account(simulator, "forgetful")
        await account.send("POST", "/payment_intents", form(payment_id), key=payment_id)
        early = await account.send("POST", "/payment_intents", form(payment_id), key=payment_id)
        assert early.headers["idempotent-replayed"] == "true"
        clock.shift(LONG_S)
        again = await account.send("POST", "/payment_intents", form(payment_id), key=payment_id)
        assert "idempotent-replayed" not in again.headers
        assert await account.charges(payment_id) == 2
        await account.aclose()


async def test_too_long_a_key_is_refused(account: Account) -> None:
    """A key has up to 255 characters."""
    refused = await account.send("POST", "/payment_intents", form(new_id(PAYMENT)), key="k" * 256)
    assert refused.status_code == 400
