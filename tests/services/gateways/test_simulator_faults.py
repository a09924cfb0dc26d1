"""Each switchable fault, over HTTP: what the connector makes of it, and what the journal says really happened."""

from __future__ import annotations

import pytest
from time_machine import Traveller

from clearway.gateways.contract import OutcomeKind
from tests.services.gateways.asking import MANUAL, follow_up, order, question_about, read, wake
from tests.services.gateways.running import LONG_S, Simulator
from tests.support.receiver import Receiver

GOOD = "success@razorpay"


@pytest.mark.parametrize(
    ("fault", "kind", "charges"),
    [
        ("executed_then_timeout", OutcomeKind.UNKNOWN, 1),
        ("executed_then_dropped", OutcomeKind.UNKNOWN, 1),
        ("error_after_charge", OutcomeKind.UNKNOWN, 1),
        ("malformed", OutcomeKind.UNKNOWN, 1),
        ("slow", OutcomeKind.APPROVED, 1),
        ("dropped_before", OutcomeKind.UNKNOWN, 0),
        ("error_before", OutcomeKind.RETRYABLE, 0),
        ("rate_limited", OutcomeKind.RETRYABLE, 0),
    ],
)
async def test_fault_of_a_payment(simulator: Simulator, fault: str, kind: OutcomeKind, charges: int) -> None:
    """The outcome is what the connector can know; the journal has what happened; the next try gets through, once."""
    asked = order(GOOD)
    await simulator.switch(operation="authorise", fault=fault, times=1, delay_s=0.05, retry_after_s=7)
    outcome = await simulator.gateway.authorise(asked)
    assert outcome.kind is kind
    assert outcome.retry_after_s == (7 if kind is OutcomeKind.RETRYABLE else None)
    assert await simulator.charges(asked.payment_id) == charges
    found = await simulator.gateway.recover(asked)
    assert found.kind is (OutcomeKind.APPROVED if charges else OutcomeKind.NOT_FOUND)
    assert (await simulator.gateway.authorise(asked)).kind is OutcomeKind.APPROVED
    assert await simulator.charges(asked.payment_id) == 1


@pytest.mark.parametrize("operation", ["capture", "void", "refund"])
async def test_fault_of_a_follow_up(simulator: Simulator, operation: str) -> None:
    """Captures, voids and refunds meet faults as payments do, and repeating them has no second effect."""
    asked = order(GOOD, capture_method=MANUAL)
    authorised = await simulator.gateway.authorise(asked)
    if operation == "refund":
        await simulator.gateway.capture(follow_up(asked, authorised, "capture", 1_000))
    request, act = follow_up(asked, authorised, operation, 1_000, 2), getattr(simulator.gateway, operation)
    await simulator.switch(operation=operation, fault="executed_then_dropped", times=1)
    assert (await act(request)).kind is OutcomeKind.UNKNOWN
    assert (await simulator.gateway.recover(request)).kind is OutcomeKind.APPROVED
    assert (await act(request)).kind is OutcomeKind.APPROVED
    effects = (await simulator.http.get("/journal", params={"operation_key": request.key})).json()["effects"]
    assert len(effects) == 1


async def test_not_found_yet_by_times(simulator: Simulator) -> None:
    """Look-up denies an operation so many times, then returns it."""
    asked = order(GOOD)
    await simulator.gateway.authorise(asked)
    await simulator.switch(operation="look_up", fault="not_found_yet", times=2)
    kinds = [(await simulator.gateway.recover(asked)).kind for _ in range(3)]
    assert kinds == [OutcomeKind.NOT_FOUND, OutcomeKind.NOT_FOUND, OutcomeKind.APPROVED]


async def test_not_found_yet_by_age(simulator: Simulator, clock: Traveller) -> None:
    """Look-up denies an operation until it is so old, then returns it."""
    asked = order(GOOD)
    await simulator.switch(operation="look_up", fault="not_found_yet", delay_s=LONG_S)
    await simulator.gateway.authorise(asked)
    assert (await simulator.gateway.recover(asked)).kind is OutcomeKind.NOT_FOUND
    clock.shift(LONG_S)
    found = await simulator.gateway.recover(asked)
    assert (found.kind, found.captured) == (OutcomeKind.APPROVED, True)


@pytest.mark.parametrize("fault", ["error_before", "rate_limited", "malformed", "error_after_charge", "dropped_before"])
async def test_look_up_that_fails(simulator: Simulator, fault: str) -> None:
    """A look-up that fails is UNKNOWN, and never taken for NOT_FOUND."""
    asked = order(GOOD)
    await simulator.gateway.authorise(asked)
    await simulator.switch(operation="look_up", fault=fault, times=1)
    assert (await simulator.gateway.recover(asked)).kind is OutcomeKind.UNKNOWN
    assert (await simulator.gateway.recover(asked)).kind is OutcomeKind.APPROVED


async def test_wrong_amount_is_really_moved(simulator: Simulator) -> None:
    """A wrong amount is in the answer, in the look-up and in the journal: it is what happened."""
    asked = order(GOOD)
    await simulator.switch(operation="authorise", fault="wrong_amount", times=1)
    assert (await simulator.gateway.authorise(asked)).amount_minor == 999
    assert (await simulator.gateway.recover(asked)).amount_minor == 999
    assert [effect["amount"] for effect in await simulator.effects(asked.payment_id, "captured")] == [999]


async def test_token_faults(simulator: Simulator) -> None:
    """Tokenising meets faults too; a card number is in no answer."""
    await simulator.switch(operation="token", fault="error_before", times=1)
    body = {"number": "4242424242424242", "exp_month": 1, "exp_year": 2040, "cvc": "123"}
    answer = await simulator.http.post("/v1/tokens", json=body)
    assert (answer.status_code, "4242424242424242" in answer.text) == (503, False)


async def test_match_confines_a_rule(simulator: Simulator) -> None:
    """A rule applies only where every part of its match fits."""
    hit, missed = order(GOOD, amount_minor=777), order(GOOD, amount_minor=778)
    match = {"method": "upi", "amount": 777, "instrument": GOOD}
    await simulator.switch(operation="authorise", fault="error_before", match=match)
    assert (await simulator.gateway.authorise(missed)).kind is OutcomeKind.APPROVED
    assert (await simulator.gateway.authorise(hit)).kind is OutcomeKind.RETRYABLE
    [rule] = (await simulator.http.get("/faults")).json()
    assert rule["applied"] == 1


async def test_probability_is_kept_roughly(simulator: Simulator) -> None:
    """A rule with probability one half applies to some requests and not to others."""
    await simulator.switch(operation="look_up", fault="error_before", probability=0.5)
    kinds = {(await simulator.gateway.recover(question_about("pay_nothing:authorise:1"))).kind for _ in range(40)}
    assert kinds == {OutcomeKind.UNKNOWN, OutcomeKind.NOT_FOUND}


async def test_rules_are_checked(simulator: Simulator) -> None:
    """A rule that is misspelt is refused and the rules in force stay."""
    await simulator.switch(operation="authorise", fault="slow", match={"payment_id": "none"})
    for wrong in ({"operation": "pay", "fault": "slow"}, {"operation": "void", "fault": "slow", "match": {"vpa": "x"}}):
        assert (await simulator.http.put("/faults", json=[wrong])).status_code == 400
    assert len((await simulator.http.get("/faults")).json()) == 1


async def test_duplicate_webhook(simulator: Simulator, receiver: Receiver) -> None:
    """A duplicated webhook comes twice with one id."""
    asked = order(GOOD)
    await simulator.switch(operation="webhook", fault="duplicate_webhook", match={"payment_id": asked.payment_id})
    await simulator.gateway.authorise(asked)
    first, second = await receiver.wait_for(2, asked.key)
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


async def test_late_webhook(simulator: Simulator, receiver: Receiver, clock: Traveller) -> None:
    """A late webhook comes after the webhooks of later events."""
    asked = order(GOOD)
    await simulator.switch(operation="authorise", fault="late_webhook", delay_s=LONG_S)
    paid = await simulator.gateway.authorise(asked)
    refund = follow_up(asked, paid, "refund", 100)
    await simulator.gateway.refund(refund)
    await receiver.wait_for(1, asked.payment_id)
    await _later(simulator, clock)
    deliveries = await receiver.wait_for(2, asked.payment_id)
    assert [delivery.event["type"] for delivery in deliveries] == ["refund.succeeded", "payment.captured"]


async def test_reordered_webhook(simulator: Simulator, receiver: Receiver, clock: Traveller) -> None:
    """After the event of the decision comes an older one, with its own id and an earlier time."""
    asked = order(GOOD)
    await simulator.switch(operation="webhook", fault="reordered_webhook", delay_s=LONG_S)
    await simulator.gateway.authorise(asked)
    await receiver.wait_for(1, asked.key)
    await _later(simulator, clock)
    deliveries = await receiver.wait_for(2, asked.key)
    first, second = [await read(simulator.gateway, delivery.headers, delivery.body) for delivery in deliveries]
    assert [first.outcome.kind, second.outcome.kind] == [OutcomeKind.APPROVED, OutcomeKind.PENDING]
    assert first.event_id != second.event_id
    assert second.occurred_at <= first.occurred_at


async def test_no_webhook(simulator: Simulator, receiver: Receiver) -> None:
    """A webhook that is switched off never comes, and nothing waits to be sent."""
    asked = order(GOOD)
    await simulator.switch(operation="webhook", fault="no_webhook", match={"key": asked.key})
    paid = await simulator.gateway.authorise(asked)
    refund = follow_up(asked, paid, "refund", 100)
    await simulator.gateway.refund(refund)
    await receiver.wait_for(1, refund.key)
    assert receiver.about(asked.key) == []


async def _later(simulator: Simulator, clock: Traveller) -> None:
    """Let the delay of a webhook pass."""
    clock.shift(LONG_S)
    await simulator.release()
    await wake(simulator.gateway)
