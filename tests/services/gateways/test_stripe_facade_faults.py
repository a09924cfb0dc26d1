"""The simulator's faults at the stand-in of Stripe: what the SDK meets, and what really happened."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import stripe

from clearway.domain.ids import PAYMENT, new_id
from tests.services.gateways.stripe_account import Account

EXECUTED = ["executed_then_timeout", "executed_then_dropped", "error_after_charge", "malformed", "slow"]
NOT_EXECUTED = ["error_before", "rate_limited", "dropped_before"]
FAILURES = (stripe.StripeError, httpx.HTTPError)


async def attempt(act: Any) -> Any:
    """Return what an SDK call answers, or the error it raises."""
    try:
        return await act
    except FAILURES as error:
        return error


@pytest.mark.parametrize(("fault", "charges"), [(f, 1) for f in EXECUTED] + [(f, 0) for f in NOT_EXECUTED])
async def test_a_confirmation_meets_faults(account: Account, fault: str, charges: int) -> None:
    """The journal has what happened, the intent shows it at once, and a repeat charges once in all."""
    intent = await account.intent()
    key = f"{intent.id}:authorise:1"
    await account.simulator.switch(operation="authorise", fault=fault, times=1, delay_s=0.05)
    answer = await attempt(account.confirm(intent, key))
    assert isinstance(answer, FAILURES) is (fault != "slow")
    assert len(await account.effects(intent)) == 2 * charges
    assert (await account.read(intent)).status == ("succeeded" if charges else "requires_confirmation")
    await attempt(account.confirm(intent, key))
    assert await account.effects(intent) == [("authorised", 1_000), ("captured", 1_000)]


@pytest.mark.parametrize("operation", ["capture", "void", "refund"])
@pytest.mark.parametrize("fault", ["executed_then_dropped", "error_before"])
async def test_follow_ups_meet_faults(account: Account, operation: str, fault: str) -> None:
    """Captures, cancellations and refunds meet faults too, and repeating them with their key has one effect."""
    intents, refunds = account.sdk.v1.payment_intents, account.sdk.v1.refunds
    intent = await account.paid(capture_method="automatic" if operation == "refund" else "manual")
    options: Any = {"idempotency_key": f"{intent.id}:{operation}:1"}
    acts = {
        "capture": lambda: intents.capture_async(intent.id, options=options),
        "void": lambda: intents.cancel_async(intent.id, options=options),
        "refund": lambda: refunds.create_async(params={"payment_intent": intent.id, "amount": 100}, options=options),
    }
    before = len(await account.effects(intent))
    await account.simulator.switch(operation=operation, fault=fault, times=1)
    assert isinstance(await attempt(acts[operation]()), FAILURES)
    assert len(await account.effects(intent)) - before == (fault == "executed_then_dropped")
    await acts[operation]()
    assert len(await account.effects(intent)) - before == 1


async def test_the_first_step_meets_faults_of_its_own(account: Account) -> None:
    """Faults of `prepare` meet the creation of an intent, which moves no money; those of `authorise` do not."""
    await account.simulator.switch(operation="prepare", fault="executed_then_dropped", times=1)
    key = new_id(PAYMENT)
    params: Any = {"amount": 1_000, "currency": "usd", "payment_method": "pm_card_visa"}
    create = account.sdk.v1.payment_intents.create_async
    assert isinstance(await attempt(create(params=params, options={"idempotency_key": key})), FAILURES)
    again = await create(params=params, options={"idempotency_key": key})
    listed = (await account.sdk.v1.payment_intents.list_async()).data
    assert [intent.id for intent in listed] == [again.id]


async def test_rate_limits_say_so(account: Account) -> None:
    """A 429 is Stripe's rate limit error, with its reason in a header."""
    await account.simulator.switch(operation="prepare", fault="rate_limited", times=1, retry_after_s=3)
    answer = await account.send("POST", "/payment_intents", {"amount": "1000", "currency": "usd"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit")
    assert answer.headers["stripe-rate-limited-reason"] == "global-rate"


async def test_a_malformed_answer_is_cut_off(account: Account) -> None:
    """The charge was made, and its answer cannot be read."""
    intent = await account.intent()
    await account.simulator.switch(operation="authorise", fault="malformed", times=1)
    headers = {"authorization": f"Bearer {account.key}"}
    answer = await account.simulator.http.post(f"/stripe/v1/payment_intents/{intent.id}/confirm", headers=headers)
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert (await account.read(intent)).status == "succeeded"


async def test_a_wrong_amount_is_really_moved(account: Account) -> None:
    """A wrong amount is in the answer and in the journal: it is what happened."""
    intent = await account.intent()
    await account.simulator.switch(operation="authorise", fault="wrong_amount", times=1)
    assert (await account.confirm(intent)).amount_received == 999
    assert await account.effects(intent) == [("authorised", 999), ("captured", 999)]


async def test_a_list_may_not_show_yet_what_a_look_by_id_shows(account: Account) -> None:
    """`not_found_yet` hides objects from lists and search; an id is found at once, as at Stripe."""
    intent = await account.paid()
    await account.simulator.switch(operation="look_up", fault="not_found_yet", times=2)
    assert (await account.sdk.v1.charges.list_async(params={"payment_intent": intent.id})).data == []
    assert (await account.read(intent)).status == "succeeded"
    assert len((await account.sdk.v1.charges.list_async(params={"payment_intent": intent.id})).data) == 1


async def test_rules_match_by_payment_amount_and_key(account: Account) -> None:
    """A rule meets the payment, amount, instrument or key that it names, and no other."""
    hit, missed = await account.intent(amount=777), await account.intent(amount=778)
    assert hit.metadata is not None
    match = {"payment_id": hit.metadata["clearway_payment"], "amount": 777, "key": "k-777", "method": "card"}
    await account.simulator.switch(operation="authorise", fault="error_before", match=match)
    assert (await account.confirm(missed, "k-778")).status == "succeeded"
    with pytest.raises(stripe.APIError):
        await account.confirm(hit, "k-777")
