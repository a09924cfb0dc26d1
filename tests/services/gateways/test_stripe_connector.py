"""Stripe's connector on the stand-in: two steps, follow-ups, finding out, and what it refuses before sending."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from clearway.gateways.contract import (
    Executed,
    GatewayUnavailableError,
    KeyMisusedError,
    OutcomeKind,
    Preparing,
    find_out,
)
from clearway.gateways.stripe.client import StripeGateway, StripeKeys
from tests.services.gateways.asking import MANUAL, follow_up, order
from tests.services.gateways.running import LONG_S, PATIENCE_S
from tests.services.gateways.stripe_account import Account
from tests.services.gateways.stripe_bench import Stripe, connected
from tests.support.receiver import Receiver


@pytest.fixture
async def stripe(account: Account, receiver: Receiver) -> AsyncIterator[Stripe]:
    """Connect to an account whose pricing has no captures in parts."""
    async with connected(account, receiver) as connection:
        yield connection


@pytest.fixture
async def parts(account: Account, receiver: Receiver) -> AsyncIterator[Stripe]:
    """Connect to an account that may capture in parts."""
    async with connected(account, receiver, multicapture=True) as connection:
        yield connection


async def test_the_first_step_moves_nothing_and_names_the_payment(stripe: Stripe) -> None:
    """`prepare` returns the intent's id, has no effect, and repeated is the same intent."""
    assert isinstance(stripe.gateway, Preparing)
    asked = await stripe.prepared()
    assert asked.payment_reference.startswith("pi_")
    assert (await stripe.gateway.prepare(asked)).references == asked.references
    assert (await stripe.gateway.recover(asked)).kind is OutcomeKind.NOT_FOUND
    assert await stripe.effects(asked) == []


async def test_a_payment_is_taken(stripe: Stripe) -> None:
    """The second step pays; amount, currency and references are Stripe's, and the journal has one charge by our key."""
    asked, outcome = await stripe.paid()
    assert (outcome.kind, outcome.captured) == (OutcomeKind.APPROVED, True)
    assert (outcome.amount_minor, outcome.currency) == (1_000, "USD")
    assert set(outcome.references) == {"payment", "charge"}
    effects = await stripe.account.simulator.effects(asked.payment_id)
    assert {effect["operation_key"] for effect in effects} == {asked.key}
    assert await stripe.gateway.recover(asked) == outcome


@pytest.mark.parametrize(
    ("method", "code", "raw"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "lost_card", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "stolen_card", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("pm_card_radarBlock", "fraud_suspected", "fraudulent"),
    ],
)
async def test_declines_have_unified_codes(stripe: Stripe, method: str, code: str, raw: str) -> None:
    """A decline has our code beside Stripe's; a repeat with the same key is the same decline, not another try."""
    asked, outcome = await stripe.paid(method)
    assert (outcome.kind, outcome.error_code, outcome.raw_code) == (OutcomeKind.DECLINED, code, raw)
    assert outcome.executed is Executed.YES
    again = await stripe.gateway.authorise(asked)
    assert (again.kind, again.error_code) == (OutcomeKind.DECLINED, code)
    assert (await stripe.gateway.recover(asked)).error_code == code
    assert await stripe.effects(asked) == []


async def test_three_d_secure_sends_the_customer_away_and_back(stripe: Stripe) -> None:
    """The customer is sent to a page; a repeat afterwards returns the state of now, not the first answer."""
    asked, outcome = await stripe.paid("pm_card_threeDSecure2Required")
    assert outcome.kind is OutcomeKind.NEEDS_ACTION
    assert outcome.action is not None
    assert "secret" not in repr(outcome)
    await stripe.account.simulator.http.post(f"{outcome.action.url}/complete")
    assert (await stripe.gateway.authorise(asked)).kind is OutcomeKind.APPROVED
    assert await stripe.effects(asked) == ["authorised", "captured"]


async def test_failing_three_d_secure_is_a_decline(stripe: Stripe) -> None:
    """A customer who does not pass is declined, without a charge."""
    asked, outcome = await stripe.paid("pm_card_threeDSecure2Required")
    assert outcome.action is not None
    await stripe.account.simulator.http.post(f"{outcome.action.url}/fail")
    assert (await stripe.gateway.recover(asked)).error_code == "authentication_failed"


async def test_without_a_way_back_a_challenge_is_declined(stripe: Stripe) -> None:
    """A payment without a return URL cannot send its customer away: a card that needs it is declined at once."""
    asked, outcome = await stripe.paid("pm_card_threeDSecure2Required", return_url=None)
    assert (outcome.kind, outcome.error_code) == (OutcomeKind.DECLINED, "authentication_failed")
    assert await stripe.effects(asked) == []
    _, fine = await stripe.paid(return_url=None)
    assert fine.kind is OutcomeKind.APPROVED


async def test_a_final_capture_releases_the_rest(stripe: Stripe) -> None:
    """Without multicapture a capture must be the last; it is found by its mark, and a second one is declined."""
    asked, outcome = await stripe.paid(capture_method=MANUAL)
    assert (outcome.captured, outcome.amount_minor) == (False, 1_000)
    request = follow_up(asked, outcome, "capture", 400)
    refused = await stripe.gateway.capture(request)
    assert (refused.kind, refused.executed) == (OutcomeKind.DECLINED, Executed.NO)
    request = replace(request, final=True)
    assert (await stripe.gateway.recover(request)).kind is OutcomeKind.NOT_FOUND
    first = await stripe.gateway.capture(request)
    assert (first.kind, first.amount_minor) == (OutcomeKind.APPROVED, 400)
    assert await stripe.gateway.recover(request) == first
    second = await stripe.gateway.capture(replace(follow_up(asked, outcome, "capture", 100, 2), final=True))
    assert (second.kind, second.executed) == (OutcomeKind.DECLINED, Executed.NO)
    assert await stripe.effects(asked) == ["authorised", "captured", "voided"]
    assert (await stripe.gateway.recover(asked)).amount_minor == 1_000


async def test_captures_in_parts(parts: Stripe) -> None:
    """With multicapture each capture is found by its own mark with its own amount, up to the whole and not beyond."""
    asked, outcome = await parts.paid(capture_method=MANUAL)
    requests = [
        replace(follow_up(asked, outcome, "capture", amount, n), final=False) for n, amount in ((1, 400), (2, 500))
    ]
    for request in requests:
        assert (await parts.gateway.capture(request)).kind is OutcomeKind.APPROVED
    assert [(await parts.gateway.recover(request)).amount_minor for request in requests] == [400, 500]
    beyond = await parts.gateway.capture(follow_up(asked, outcome, "capture", 101, 3))
    assert beyond.kind is OutcomeKind.DECLINED
    released = await parts.gateway.void(follow_up(asked, outcome, "void", 100))
    assert (released.kind, released.amount_minor) == (OutcomeKind.APPROVED, 100)
    assert await parts.effects(asked) == ["authorised", "captured", "captured", "voided"]


async def test_void(stripe: Stripe) -> None:
    """A void releases what is held, is found by the intent's state, and may be repeated with another key."""
    asked, outcome = await stripe.paid(capture_method=MANUAL)
    request = follow_up(asked, outcome, "void", 1_000)
    assert (await stripe.gateway.recover(request)).kind is OutcomeKind.NOT_FOUND
    for number in (1, 1, 2):
        done = await stripe.gateway.void(follow_up(asked, outcome, "void", 1_000, number))
        assert (done.kind, done.amount_minor) == (OutcomeKind.APPROVED, 1_000)
    assert (await stripe.gateway.recover(request)).kind is OutcomeKind.APPROVED
    assert await stripe.effects(asked) == ["authorised", "voided"]


async def test_void_closes_the_door(stripe: Stripe) -> None:
    """A waiting payment that is voided cannot be paid on the page that the customer has open."""
    asked, outcome = await stripe.paid("pm_card_threeDSecure2Required")
    assert (await stripe.gateway.void(follow_up(asked, outcome, "void", 1_000))).kind is OutcomeKind.APPROVED
    assert outcome.action is not None
    await stripe.account.simulator.http.post(f"{outcome.action.url}/complete")
    assert (await stripe.gateway.recover(asked)).kind is OutcomeKind.DECLINED
    assert await stripe.effects(asked) == []


async def test_void_comes_too_late(stripe: Stripe) -> None:
    """What is captured cannot be voided."""
    asked, outcome = await stripe.paid()
    late = await stripe.gateway.void(follow_up(asked, outcome, "void", 1_000))
    assert (late.kind, late.error_code) == (OutcomeKind.DECLINED, "payment_declined")


async def test_refunds(stripe: Stripe) -> None:
    """A refund is found by its key among those of the intent; one too much is declined; repeats have no effect."""
    asked, outcome = await stripe.paid()
    request = follow_up(asked, outcome, "refund", 300)
    assert (await stripe.gateway.recover(request)).kind is OutcomeKind.NOT_FOUND
    first = await stripe.gateway.refund(request)
    assert (first.kind, first.amount_minor) == (OutcomeKind.APPROVED, 300)
    assert await stripe.gateway.refund(request) == first
    assert await stripe.gateway.recover(request) == first
    beyond = await stripe.gateway.refund(follow_up(asked, outcome, "refund", 701))
    assert (beyond.kind, beyond.error_code, beyond.executed) == (OutcomeKind.DECLINED, "refund_failed", Executed.NO)
    assert (await stripe.gateway.refund(follow_up(asked, outcome, "refund", 700))).kind is OutcomeKind.APPROVED
    nothing_left = await stripe.gateway.refund(follow_up(asked, outcome, "refund", 1))
    assert (nothing_left.kind, nothing_left.error_code) == (OutcomeKind.DECLINED, "refund_failed")
    assert (await stripe.effects(asked)).count("refunded") == 2


async def test_a_pending_refund_ends(stripe: Stripe) -> None:
    """A refund may be pending first; its result is read by its id."""
    asked, outcome = await stripe.paid("pm_card_pendingRefund")
    request = follow_up(asked, outcome, "refund", 300)
    pending = await stripe.gateway.refund(request)
    assert pending.kind is OutcomeKind.PENDING
    known = replace(request, references={**request.references, **pending.references})
    async with asyncio.timeout(PATIENCE_S):
        while (found := await stripe.gateway.recover(known)).kind is OutcomeKind.PENDING:
            await asyncio.sleep(0.05)
    assert found.kind is OutcomeKind.APPROVED


FAULTS = [
    ("executed_then_timeout", OutcomeKind.UNKNOWN, 1),
    ("executed_then_dropped", OutcomeKind.UNKNOWN, 1),
    ("error_after_charge", OutcomeKind.UNKNOWN, 1),
    ("malformed", OutcomeKind.UNKNOWN, 1),
    ("slow", OutcomeKind.APPROVED, 1),
    ("dropped_before", OutcomeKind.UNKNOWN, 0),
    ("error_before", OutcomeKind.UNKNOWN, 0),
    ("rate_limited", OutcomeKind.RETRYABLE, 0),
]


@pytest.mark.parametrize(("fault", "kind", "charges"), FAULTS)
async def test_faults_of_a_payment(stripe: Stripe, fault: str, kind: OutcomeKind, charges: int) -> None:
    """The outcome says only what can be known; the look-up finds what happened; the next try is the same charge."""
    asked = await stripe.prepared()
    await stripe.switch(operation="authorise", fault=fault, times=1, delay_s=0.05, retry_after_s=7)
    outcome = await stripe.gateway.authorise(asked)
    assert outcome.kind is kind
    assert outcome.executed is (Executed.NO if kind is OutcomeKind.RETRYABLE else outcome.executed)
    assert len(await stripe.effects(asked)) == 2 * charges
    found = await find_out(stripe.gateway, asked, datetime.now(UTC))
    assert found.kind is (OutcomeKind.APPROVED if charges else OutcomeKind.NOT_FOUND)
    again = await stripe.gateway.authorise(asked)
    # a stored 500 is not believed: the intent has the result
    assert again.kind is OutcomeKind.APPROVED
    assert await stripe.effects(asked) == ["authorised", "captured"]


@pytest.mark.parametrize("operation", ["capture", "void", "refund"])
@pytest.mark.parametrize("fault", ["executed_then_dropped", "error_after_charge", "dropped_before"])
async def test_faults_of_follow_ups(stripe: Stripe, operation: str, fault: str) -> None:
    """A capture, void or refund of unknown outcome is found by the object, and repeated has one effect."""
    asked, outcome = await stripe.paid(**({} if operation == "refund" else {"capture_method": MANUAL}))
    request = replace(follow_up(asked, outcome, operation, 1_000), final=True)
    act = getattr(stripe.gateway, operation)
    before = len(await stripe.effects(asked))
    await stripe.switch(operation=operation, fault=fault, times=1)
    assert (await act(request)).kind is OutcomeKind.UNKNOWN
    executed = fault != "dropped_before"
    found = await stripe.gateway.recover(request)
    assert found.kind is (OutcomeKind.APPROVED if executed else OutcomeKind.NOT_FOUND)
    assert (await act(request)).kind is OutcomeKind.APPROVED
    assert len(await stripe.effects(asked)) == before + 1


@pytest.mark.parametrize("fault", ["executed_then_dropped", "error_after_charge", "malformed", "dropped_before"])
async def test_faults_of_the_first_step(stripe: Stripe, fault: str) -> None:
    """An intent whose creation was not answered is no charge, and is created again by the same key."""
    asked = order("pm_card_visa", "card", currency="USD")
    await stripe.switch(operation="prepare", fault=fault, times=1)
    assert (await stripe.gateway.prepare(asked)).kind is OutcomeKind.UNKNOWN
    again = await stripe.gateway.prepare(asked)
    # A stored 500 stays: with it the first step is never answered by this key, and nothing is charged.
    assert again.kind is (OutcomeKind.UNKNOWN if fault == "error_after_charge" else OutcomeKind.PREPARED)
    assert await stripe.effects(asked) == []


async def test_a_question_that_fails_says_nothing(stripe: Stripe) -> None:
    """A look that is refused or cannot be read is UNKNOWN, never NOT_FOUND."""
    asked, _ = await stripe.paid()
    for fault in ("error_before", "rate_limited", "malformed", "error_after_charge", "dropped_before"):
        await stripe.switch(operation="look_up", fault=fault, times=1)
        assert (await stripe.gateway.recover(asked)).kind is OutcomeKind.UNKNOWN, fault
    assert (await stripe.gateway.recover(asked)).kind is OutcomeKind.APPROVED


async def test_twins_are_one_charge(stripe: Stripe) -> None:
    """Twenty racing repeats are one charge; one that meets its twin must ask for the result."""
    asked = await stripe.prepared()
    outcomes = await asyncio.gather(*(stripe.gateway.authorise(asked) for _ in range(20)))
    assert {outcome.kind for outcome in outcomes} <= {OutcomeKind.APPROVED, OutcomeKind.UNKNOWN}
    assert await stripe.effects(asked) == ["authorised", "captured"]
    slow = await stripe.prepared()
    await stripe.switch(operation="authorise", fault="slow", times=1, delay_s=LONG_S)
    first = asyncio.create_task(stripe.gateway.authorise(slow))
    await stripe.account.simulator.until_met()
    twin = await stripe.gateway.authorise(slow)
    assert (twin.kind, twin.raw_code) == (OutcomeKind.UNKNOWN, "idempotency_key_in_use")
    await stripe.account.simulator.release()
    assert (await first).kind is OutcomeKind.APPROVED


async def test_an_intent_whose_id_was_lost_is_found_by_its_key(stripe: Stripe) -> None:
    """Without a reference the intents made since the first sending are gone through, page by page."""
    asked, outcome = await stripe.paid()
    lost = replace(asked, references={}, first_sent_at=datetime.now(UTC), last_sent_at=datetime.now(UTC))
    for _ in range(3):
        await stripe.prepared()
    assert await stripe.gateway.recover(lost) == outcome
    unknown = replace(lost, key="pay_none:authorise:1")
    assert (await stripe.gateway.recover(unknown)).kind is OutcomeKind.NOT_FOUND
    assert (await stripe.gateway.recover(replace(lost, first_sent_at=None))).kind is OutcomeKind.UNKNOWN


@pytest.mark.parametrize(
    ("currency", "amount"),
    [("JPY", 500), ("ISK", 500), ("MGA", 50_000), ("KWD", 5_120), ("HUF", 20_000), ("INR", 1_000)],
)
async def test_special_currencies(stripe: Stripe, currency: str, amount: int) -> None:
    """What is charged is what was asked in ISO minor units, however Stripe writes it, and comes back as that."""
    asked, outcome = await stripe.paid(currency=currency, amount_minor=amount)
    assert (outcome.kind, outcome.amount_minor, outcome.currency) == (OutcomeKind.APPROVED, amount, currency)
    effects = await stripe.account.simulator.effects(asked.payment_id)
    assert {effect["amount"] for effect in effects} == {amount}


@pytest.mark.parametrize(("currency", "amount"), [("UGX", 5_000), ("KWD", 5_124), ("MGA", 50_050), ("USD", 10**9)])
async def test_amounts_that_stripe_cannot_express_are_not_sent(stripe: Stripe, currency: str, amount: int) -> None:
    """Such a payment is declined before anything is sent, and another gateway may take it."""
    outcome = await stripe.gateway.prepare(order("pm_card_visa", "card", currency=currency, amount_minor=amount))
    assert (outcome.kind, outcome.executed) == (OutcomeKind.DECLINED, Executed.NO)
    assert (await stripe.account.sdk.v1.payment_intents.list_async()).data == []


async def test_another_request_with_the_key_is_our_mistake(stripe: Stripe) -> None:
    """One key with two requests is a programmer's error: it raises, and nothing is done."""
    asked = await stripe.prepared()
    with pytest.raises(KeyMisusedError, match="idempotency key"):
        await stripe.gateway.prepare(replace(asked, amount_minor=2_000))


@pytest.mark.parametrize(("name", "expected"), [("fine_name_1", None), ("expired_key_1", "refused the secret key")])
async def test_credentials_are_tried_without_effect(stripe: Stripe, name: str, expected: str | None) -> None:
    """Testing a connection reads the balance, and says what is wrong in words."""
    base = str(stripe.account.simulator.http.base_url).rstrip("/") + "/stripe"
    gateway = StripeGateway(StripeKeys(f"sk_test_{name}"), api_base=base, timeout_s=5)
    problem = await gateway.check()
    assert problem is None if expected is None else expected in str(problem)
    await gateway.aclose()


async def test_refused_credentials_are_surely_not_executed(stripe: Stripe) -> None:
    """With a key that Stripe refuses nothing is done, so another gateway may try."""
    base = str(stripe.account.simulator.http.base_url).rstrip("/") + "/stripe"
    gateway = StripeGateway(StripeKeys("sk_test_invalid_key"), api_base=base, timeout_s=5)
    outcome = await gateway.prepare(order("pm_card_visa", "card", currency="USD"))
    assert (outcome.kind, outcome.executed) == (OutcomeKind.DECLINED, Executed.NO)
    assert outcome.error_code == "gateway_unavailable"
    await gateway.aclose()


async def test_a_gateway_that_is_away_is_retryable(stripe: Stripe) -> None:
    """When no connection can be made nothing was sent."""
    gateway = StripeGateway(StripeKeys("sk_test_some_name"), api_base="http://127.0.0.1:1", timeout_s=5)
    outcome = await gateway.authorise(await stripe.prepared())
    assert (outcome.kind, outcome.executed) == (OutcomeKind.RETRYABLE, Executed.NO)
    with pytest.raises(GatewayUnavailableError):
        await gateway.check()
    await gateway.aclose()


async def test_a_wrong_amount_is_in_the_outcome(stripe: Stripe) -> None:
    """When another amount was moved, the outcome has that amount."""
    asked = await stripe.prepared()
    await stripe.switch(operation="authorise", fault="wrong_amount", times=1)
    assert (await stripe.gateway.authorise(asked)).amount_minor == 999
    held = await stripe.prepared(capture_method=MANUAL)
    await stripe.switch(operation="authorise", fault="wrong_amount", times=1)
    assert (await stripe.gateway.authorise(held)).amount_minor == 999


async def test_no_secret_is_shown_or_logged(stripe: Stripe, capfd: Any, caplog: Any) -> None:
    """Neither the client secret nor the keys are in outcomes, reprs or logs."""
    caplog.set_level("DEBUG")
    asked, outcome = await stripe.paid("pm_card_threeDSecure2Required")
    intent = await stripe.account.sdk.v1.payment_intents.retrieve_async(asked.payment_reference)
    texts = caplog.text + capfd.readouterr().err + repr(outcome) + repr(stripe.gateway._credentials)
    for secret in (str(intent.client_secret), stripe.account.key, stripe.webhook_secret):
        assert secret not in texts
