"""Square's connector on its stand-in: what each operation comes to, and what it believes when an answer is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from time_machine import Traveller

from clearway.gateways.contract import Executed, FindsOut, GatewayOutcome, Operation, OperationKind, OutcomeKind
from clearway.gateways.square.api import SquareKeys
from clearway.gateways.square.client import Location, SquareGateway
from tests.services.gateways import hostile
from tests.services.gateways.asking import MANUAL, follow_up, order, outcome_when
from tests.services.gateways.running import LONG_S, running_simulator
from tests.services.gateways.square_account import Seller
from tests.services.gateways.square_bench import Square, connected
from tests.support.receiver import Receiver

AFTER = ["executed_then_dropped", "error_after_charge", "malformed"]


@pytest.fixture
async def bench(seller: Seller, receiver: Receiver) -> AsyncIterator[Square]:
    """Connect to a seller that no other test has."""
    async with connected(seller, receiver) as running:
        yield running


async def test_a_payment_carries_our_ids(bench: Square) -> None:
    """The payment's id and the number of its attempt are Square's reference_id; the key fits Square's 45 characters."""
    asked, outcome = await bench.paid()
    assert (outcome.kind, outcome.captured, outcome.amount_minor, outcome.currency) == (
        OutcomeKind.APPROVED,
        True,
        1_000,
        "USD",
    )
    shown = await bench.seller.read({"id": outcome.reference})
    assert (shown["reference_id"], shown["location_id"]) == (f"{asked.payment_id}:1", bench.location.id)
    assert len(asked.key) <= 45
    assert await bench.gateway.authorise(asked) == outcome
    assert await bench.effects(asked) == ["authorised", "captured"]


async def test_a_long_key_is_a_digest(bench: Square) -> None:
    """A key longer than Square takes is a digest of it: the same for every repeat, and found again by its reference."""
    asked = bench.asked()
    asked = replace(asked, key=f"{asked.payment_id}:authorise:{10**20}", number=10**20)
    first = await bench.gateway.authorise(asked)
    assert first.kind is OutcomeKind.APPROVED
    assert await bench.gateway.authorise(asked) == first
    sent = replace(asked, first_sent_at=datetime.now(UTC))
    assert await outcome_when(bench.gateway, sent, OutcomeKind.APPROVED) == first


@pytest.mark.parametrize(
    ("token", "code", "raw"),
    [
        ("cnon:card-nonce-declined", "card_declined", "GENERIC_DECLINE"),
        ("cnon:card-nonce-rejected-cvv", "incorrect_cvc", "CVV_FAILURE"),
        ("cnon:card-nonce-rejected-expiration", "invalid_expiry", "INVALID_EXPIRATION"),
        ("cnon:card-nonce-rejected-postalcode", "card_declined", "ADDRESS_VERIFICATION_FAILURE"),
        ("cnon:clearway-insufficient-funds", "insufficient_funds", "INSUFFICIENT_FUNDS"),
    ],
)
async def test_declines(bench: Square, token: str, code: str, raw: str) -> None:
    """A decline is classified by its code; the answer and the look-up agree; nothing was taken."""
    asked, outcome = await bench.paid(token)
    assert (outcome.kind, outcome.executed, outcome.error_code, outcome.raw_code) == (
        OutcomeKind.DECLINED,
        Executed.YES,
        code,
        raw,
    )
    assert await bench.gateway.recover(replace(asked, references=outcome.references)) == outcome
    assert await bench.effects(asked) == []


async def test_a_used_token_is_looked_up_before_it_is_a_decline(bench: Square) -> None:
    """A used token declines, but when the list shows that this attempt made the payment, that is the outcome."""
    asked, refused = await bench.paid("cnon:card-nonce-already-used")
    assert (refused.kind, refused.executed, refused.error_code) == (
        OutcomeKind.DECLINED,
        Executed.NO,
        "invalid_instrument",
    )
    first = await bench.gateway.authorise(bench.asked(payment_id=asked.payment_id, key=f"{asked.payment_id}:before:1"))
    await outcome_when(bench.gateway, replace(asked, first_sent_at=datetime.now(UTC)), OutcomeKind.APPROVED)
    assert await bench.gateway.authorise(asked) == first


async def test_a_capture_lowers_first_and_takes_all(bench: Square) -> None:
    """A smaller capture lowers the payment, then completes it; a whole one completes it at once."""
    for amount, effects in ((400, ["authorised", "captured", "voided"]), (1_000, ["authorised", "captured"])):
        asked, held = await bench.paid(capture_method=MANUAL)
        assert (held.kind, held.captured) == (OutcomeKind.APPROVED, False)
        capture = replace(follow_up(asked, held, "capture", amount), final=True)
        assert (await bench.gateway.recover(capture)).kind is OutcomeKind.NOT_FOUND
        captured = await bench.gateway.capture(capture)
        assert (captured.kind, captured.amount_minor) == (OutcomeKind.APPROVED, amount)
        assert await bench.gateway.recover(capture) == captured
        assert await bench.effects(asked) == effects
        # The authorisation is still what was asked for, so nothing contradicts the payment.
        again = await bench.gateway.recover(replace(asked, references=held.references))
        assert (again.amount_minor, again.captured) == (1_000, False)


async def test_a_capture_that_was_lowered_and_lost_goes_on(bench: Square) -> None:
    """When only the first of the two calls was executed, nothing is captured; the repeat completes what was lowered."""
    asked, held = await bench.paid(capture_method=MANUAL)
    capture = replace(follow_up(asked, held, "capture", 400), final=True)
    await bench.switch(operation="capture", fault="executed_then_dropped", times=1)
    assert (await bench.gateway.capture(capture)).kind is OutcomeKind.UNKNOWN
    assert (await bench.gateway.recover(capture)).kind is OutcomeKind.NOT_FOUND
    assert await bench.effects(asked) == ["authorised"]
    assert (await bench.gateway.capture(capture)).amount_minor == 400
    more = await bench.gateway.capture(replace(follow_up(asked, held, "capture", 500, 2), final=True))
    assert more.amount_minor == 400  # The payment is captured: with what, the workflow compares.
    assert await bench.effects(asked) == ["authorised", "captured", "voided"]


async def test_more_than_is_authorised_is_not_captured(bench: Square) -> None:
    """A capture above the authorised amount is declined before anything is sent."""
    asked, held = await bench.paid(capture_method=MANUAL)
    refused = await bench.gateway.capture(replace(follow_up(asked, held, "capture", 1_001), final=True))
    assert (refused.kind, refused.executed) == (OutcomeKind.DECLINED, Executed.NO)
    assert await bench.effects(asked) == ["authorised"]


async def test_voids(bench: Square) -> None:
    """An authorisation is released once; what is captured is not; a cancelled payment takes nothing."""
    asked, held = await bench.paid(capture_method=MANUAL)
    void = follow_up(asked, held, "void", 1_000)
    assert (await bench.gateway.recover(void)).kind is OutcomeKind.NOT_FOUND
    voided = await bench.gateway.void(void)
    assert (voided.kind, voided.amount_minor) == (OutcomeKind.APPROVED, 1_000)
    assert (await bench.gateway.void(void), await bench.gateway.recover(void)) == (voided, voided)
    cancelled = await bench.gateway.recover(replace(asked, references=held.references))
    assert (cancelled.kind, cancelled.executed) == (OutcomeKind.DECLINED, Executed.NO)
    taken, paid = await bench.paid()
    late = await bench.gateway.void(follow_up(taken, paid, "void", 1_000))
    assert (late.kind, late.executed) == (OutcomeKind.DECLINED, Executed.NO)
    assert await bench.effects(asked) == ["authorised", "voided"]


async def test_refunds(bench: Square) -> None:
    """A refund has our key and the payment in its reason; one that fails is `refund_failed`; a pending one waits."""
    asked, paid = await bench.paid()
    refund = follow_up(asked, paid, "refund", 400)
    assert (await bench.gateway.recover(refund)).kind is OutcomeKind.NOT_FOUND
    done = await bench.gateway.refund(refund)
    assert (done.kind, done.amount_minor) == (OutcomeKind.APPROVED, 400)
    assert await bench.gateway.refund(refund) == done
    assert await bench.gateway.recover(refund) == done
    assert await bench.gateway.recover(replace(refund, references={**refund.references, **done.references})) == done
    second = follow_up(asked, paid, "refund", 100)
    assert (await bench.gateway.recover(second)).kind is OutcomeKind.NOT_FOUND
    assert (await bench.gateway.refund(second)).reference != done.reference
    assert await bench.gateway.recover(refund) == done
    too_much = await bench.gateway.refund(follow_up(asked, paid, "refund", 501))
    assert (too_much.kind, too_much.executed, too_much.error_code) == (
        OutcomeKind.DECLINED,
        Executed.NO,
        "refund_failed",
    )
    asked, paid = await bench.paid("cnon:clearway-refund-pending")
    pending = follow_up(asked, paid, "refund", 400)
    assert (await bench.gateway.refund(pending)).kind is OutcomeKind.PENDING
    await outcome_when(bench.gateway, pending, OutcomeKind.APPROVED)
    asked, paid = await bench.paid("cnon:clearway-refund-fails")
    failed = await bench.gateway.refund(follow_up(asked, paid, "refund", 400))
    assert (failed.kind, failed.error_code) == (OutcomeKind.DECLINED, "refund_failed")


@pytest.mark.parametrize("fault", AFTER)
@pytest.mark.parametrize("operation", ["authorise", "capture", "refund", "void"])
async def test_a_lost_answer_is_unknown_and_found_out(bench: Square, operation: str, fault: str) -> None:
    """A call that may have been executed is UNKNOWN; the look-up finds the result; a repeat has no second effect."""
    asked, acts = await _about_to(bench, operation)
    await bench.switch(operation=operation, fault=fault, times=1)
    lost = await getattr(bench.gateway, operation)(acts)
    assert (lost.kind, lost.executed) == (OutcomeKind.UNKNOWN, Executed.MAYBE)
    found = await outcome_when(bench.gateway, acts, OutcomeKind.APPROVED)
    before = await bench.effects(asked)
    assert await getattr(bench.gateway, operation)(acts) == found
    assert await bench.effects(asked) == before


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("rate_limited", OutcomeKind.RETRYABLE),
        ("error_before", OutcomeKind.UNKNOWN),
        ("dropped_before", OutcomeKind.UNKNOWN),
    ],
)
@pytest.mark.parametrize("operation", ["authorise", "capture", "refund", "void"])
async def test_what_was_not_executed_is_found_out(bench: Square, operation: str, fault: str, kind: OutcomeKind) -> None:
    """A 429 surely did nothing; a 503 or a lost connection may have; asking shows no trace, and a repeat does it."""
    asked, acts = await _about_to(bench, operation)
    before = await bench.effects(asked)
    await bench.switch(operation=operation, fault=fault, times=1)
    assert (await getattr(bench.gateway, operation)(acts)).kind is kind
    assert (await bench.gateway.recover(acts)).kind is OutcomeKind.NOT_FOUND
    assert await bench.effects(asked) == before
    assert (await getattr(bench.gateway, operation)(acts)).kind is OutcomeKind.APPROVED


async def test_the_sdk_does_not_repeat(bench: Square) -> None:
    """A refused request is sent once: repeating is the workflow's decision."""
    await bench.switch(operation="authorise", fault="rate_limited", times=5)
    await bench.paid()
    [rule] = (await bench.seller.simulator.http.get("/faults")).json()
    assert rule["applied"] == 1


@pytest.mark.parametrize("code", ["TEMPORARY_ERROR", "CONFLICT", "REQUEST_TIMEOUT", "A_CODE_OF_TOMORROW"])
async def test_an_error_that_may_have_acted_is_no_decline(code: str) -> None:
    """The code decides, not the category: a temporary error among the declines is unknown, as a new code is."""
    async with hostile.answering() as answers, aclosing(_gateway(answers.url)) as gateway:
        answers.status = 400
        answers.body = b'{"errors":[{"category":"PAYMENT_METHOD_ERROR","code":"%s"}]}' % code.encode()
        asked = _an_order()
        outcome = await gateway.authorise(asked)
        assert (outcome.kind, outcome.executed, outcome.raw_code) == (OutcomeKind.UNKNOWN, Executed.MAYBE, code)


async def test_an_authorisation_is_found_only_after_the_list_has_it(
    tmp_path, receiver: Receiver, clock: Traveller
) -> None:
    """The list lags: until it shows the payment, it is not found, which the declared lag keeps from being believed."""
    async with running_simulator(tmp_path / "sim.sqlite3", simulator_square_list_lag_s=LONG_S) as simulator:
        seller = Seller(simulator, "lags")
        async with connected(seller, receiver) as bench:
            asked = replace(bench.asked(), first_sent_at=datetime.now(UTC))
            await bench.switch(operation="authorise", fault="executed_then_dropped", times=1)
            assert (await bench.gateway.authorise(asked)).kind is OutcomeKind.UNKNOWN
            assert (await bench.gateway.recover(asked)).kind is OutcomeKind.NOT_FOUND
            clock.shift(LONG_S)
            found = await bench.gateway.recover(asked)
            assert found.kind is OutcomeKind.APPROVED
            assert (found.captured, found.amount_minor) == (True, 1_000)
            finding = bench.gateway.abilities.finding(OperationKind.AUTHORISE)
            assert (finding.by, finding.lag_s) == (FindsOut.BY_SCAN, 60.0)
        await seller.aclose()


async def test_the_scan_turns_pages(bench: Square) -> None:
    """A payment is found behind a page of later ones of other payments, and other attempts are not taken for it."""
    asked = replace(bench.asked(), first_sent_at=datetime.now(UTC))
    first = await bench.gateway.authorise(asked)
    for _ in range(101):
        await bench.seller.paid()
    assert await outcome_when(bench.gateway, asked, OutcomeKind.APPROVED) == first
    second = replace(asked, key=f"{asked.payment_id}:authorise:2", number=2)
    assert (await bench.gateway.recover(second)).kind is OutcomeKind.NOT_FOUND


async def test_abort_releases_a_hold_whose_answer_was_lost(bench: Square) -> None:
    """A hold of unknown outcome is cancelled by its key: it surely takes no money, and the key makes nothing more."""
    asked = bench.asked(capture_method=MANUAL)
    await bench.switch(operation="authorise", fault="executed_then_dropped", times=1)
    assert (await bench.gateway.authorise(asked)).kind is OutcomeKind.UNKNOWN
    aborted = await bench.gateway.abort(asked)
    assert (aborted.kind, aborted.executed) == (OutcomeKind.DECLINED, Executed.NO)
    assert await bench.effects(asked) == ["authorised", "voided"]


async def test_abort_of_what_never_arrived(bench: Square) -> None:
    """A request that never arrived made nothing: after the cancellation that is sure."""
    asked = bench.asked()
    await bench.switch(operation="authorise", fault="dropped_before", times=1)
    assert (await bench.gateway.authorise(asked)).kind is OutcomeKind.UNKNOWN
    aborted = await bench.gateway.abort(asked)
    assert (aborted.kind, aborted.executed) == (OutcomeKind.DECLINED, Executed.NO)
    assert await bench.effects(asked) == []


async def test_abort_comes_too_late(bench: Square) -> None:
    """A payment that was taken is not aborted: that it was taken is the answer."""
    asked = bench.asked()
    await bench.switch(operation="authorise", fault="executed_then_dropped", times=1)
    assert (await bench.gateway.authorise(asked)).kind is OutcomeKind.UNKNOWN
    await outcome_when(bench.gateway, replace(asked, first_sent_at=datetime.now(UTC)), OutcomeKind.APPROVED)
    late = await bench.gateway.abort(asked)
    assert (late.kind, late.captured) == (OutcomeKind.APPROVED, True)


async def test_an_abort_that_is_not_answered_proves_nothing(bench: Square) -> None:
    """When Square does not confirm the cancellation, the payment stays unknown."""
    asked = bench.asked(capture_method=MANUAL)
    await bench.switch(operation="authorise", fault="executed_then_dropped", times=1)
    assert (await bench.gateway.authorise(asked)).kind is OutcomeKind.UNKNOWN
    await bench.switch(operation="void", fault="error_before", times=2)
    assert (await bench.gateway.abort(asked)).kind is OutcomeKind.UNKNOWN


async def test_an_abort_that_catches_a_late_arrival(bench: Square, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that arrives after the first cancellation is caught by the second."""
    asked = bench.asked(capture_method=MANUAL)
    cancel, arrived = bench.gateway._cancel_key, list[GatewayOutcome]()

    async def cancelling(operation: Operation) -> GatewayOutcome:
        outcome = await cancel(operation)
        if not arrived:
            arrived.append(await bench.gateway.authorise(asked))
        return outcome

    monkeypatch.setattr(bench.gateway, "_cancel_key", cancelling)
    aborted = await bench.gateway.abort(asked)
    assert [outcome.kind for outcome in arrived] == [OutcomeKind.APPROVED]
    assert (aborted.kind, aborted.executed) == (OutcomeKind.DECLINED, Executed.NO)
    assert await bench.effects(asked) == ["authorised", "voided"]


async def test_a_timeout_is_unknown(seller: Seller, receiver: Receiver) -> None:
    """Past the deadline nobody knows; a 404 about a payment that we made says nothing."""
    async with connected(seller, receiver, timeout_s=2.0) as hasty, connected(seller, receiver) as bench:
        asked = bench.asked(capture_method=MANUAL)
        await bench.switch(operation="authorise", fault="executed_then_timeout", times=1)
        assert (await hasty.gateway.authorise(asked)).kind is OutcomeKind.UNKNOWN
        sent = replace(asked, first_sent_at=datetime.now(UTC))
        held = await outcome_when(bench.gateway, sent, OutcomeKind.APPROVED)
        known = replace(asked, references=held.references)
        await bench.switch(operation="look_up", fault="not_found_yet", times=1)
        assert (await bench.gateway.recover(known)).kind is OutcomeKind.UNKNOWN
        assert (await bench.gateway.recover(known)).kind is OutcomeKind.APPROVED
        assert await bench.effects(asked) == ["authorised"]


async def test_a_wrong_amount_is_reported(bench: Square) -> None:
    """What Square says it took is passed on as it is, for the workflow to compare."""
    await bench.switch(operation="authorise", fault="wrong_amount", times=1)
    _, outcome = await bench.paid()
    assert outcome.amount_minor == 999
    asked, held = await bench.paid(capture_method=MANUAL)
    await bench.switch(operation="capture", fault="wrong_amount", times=1)
    captured = await bench.gateway.capture(replace(follow_up(asked, held, "capture", 1_000), final=True))
    assert captured.amount_minor == 999


async def test_the_check_says_what_is_wrong(bench: Square) -> None:
    """The token, the location, its currency: what is wrong is said in words, with the next step."""
    assert await bench.gateway.check() is None
    url, location = f"{bench.seller.simulator.url}/square", bench.location
    for token, place, said in (
        ("EAAA_expired", location, "access token (ACCESS_TOKEN_EXPIRED)"),
        (bench.seller.token, Location("LNOWHERE", "USD"), "does not know the location"),
        (bench.seller.token, Location(location.id, "EUR"), "takes USD alone, not EUR"),
    ):
        async with aclosing(SquareGateway(SquareKeys(token), place, api_base=url, timeout_s=5)) as other:
            assert said in (await other.check() or "")


async def test_a_gateway_that_is_not_there() -> None:
    """A refused connection surely sent nothing."""
    async with aclosing(_gateway("http://127.0.0.1:9")) as gone:
        asked = _an_order()
        refused = await gone.authorise(asked)
        assert (refused.kind, refused.executed) == (OutcomeKind.RETRYABLE, Executed.NO)
        assert (await gone.recover(asked)).kind is OutcomeKind.UNKNOWN


def _gateway(url: str) -> SquareGateway:
    return SquareGateway(SquareKeys("EAAA_somebody"), Location("L1", "USD"), api_base=url, timeout_s=5)


def _an_order(**fields: Any) -> Operation:
    return order("cnon:card-nonce-ok", "card", currency="USD", first_sent_at=datetime.now(UTC), **fields)


async def _about_to(bench: Square, operation: str) -> tuple[Operation, Operation]:
    """Return a payment, and an operation of it that is about to be sent."""
    if operation == "authorise":
        asked = replace(bench.asked(), first_sent_at=datetime.now(UTC))
        return asked, asked
    asked, outcome = await bench.paid(**({} if operation == "refund" else {"capture_method": MANUAL}))
    amount = 400 if operation == "refund" else 1_000
    return asked, replace(follow_up(asked, outcome, operation, amount), final=True)
