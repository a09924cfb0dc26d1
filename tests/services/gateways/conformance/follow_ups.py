"""Captures, voids and refunds: never more than there is, and never of what is unknown."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from clearway.domain.errors import DECLINE_CODES
from clearway.gateways.contract import OperationKind, OutcomeKind
from tests.services.gateways.asking import follow_up, outcome_when
from tests.services.gateways.conformance.bench import Bench, authorised, begun, needs, paid, sent


class FollowUps:
    """The rules of this subject."""

    @needs("manual_capture", "repeated_capture")
    async def test_manual_capture_in_parts(self, bench: Bench) -> None:
        """An authorised amount is captured in parts up to its whole, and not beyond."""
        asked, outcome = await authorised(bench)
        first, second, beyond = [
            await bench.gateway.capture(follow_up(asked, outcome, "capture", amount, n))
            for n, amount in ((1, bench.tenths(4)), (2, bench.tenths(6)), (3, 1))
        ]
        assert [first.kind, second.kind, beyond.kind] == [OutcomeKind.APPROVED] * 2 + [OutcomeKind.DECLINED]
        assert (first.amount_minor, second.amount_minor) == (bench.tenths(4), bench.tenths(6))
        assert await bench.effects(asked.payment_id) == ["authorised", "captured", "captured"]

    @needs("manual_capture", "repeated_capture", "void")
    async def test_void_releases_what_is_left(self, bench: Bench) -> None:
        """After a partial capture a void releases the rest, and nothing more can be captured."""
        asked, outcome = await authorised(bench)
        await bench.gateway.capture(follow_up(asked, outcome, "capture", bench.tenths(4)))
        released = await bench.gateway.void(follow_up(asked, outcome, "void", bench.tenths(6)))
        late = await bench.gateway.capture(follow_up(asked, outcome, "capture", bench.tenths(1), 2))
        assert (released.kind, released.amount_minor) == (OutcomeKind.APPROVED, bench.tenths(6))
        assert late.kind is OutcomeKind.DECLINED
        assert await bench.effects(asked.payment_id) == ["authorised", "captured", "voided"]

    @needs("void", "closes_at_once")
    async def test_void_calls_off_what_is_undecided(self, bench: Bench) -> None:
        """A payment that waits and is voided takes nothing, then or later, and recover says so."""
        asked = await begun(bench, bench.undecided)
        outcome = await sent(bench, asked)
        assert outcome.kind in {OutcomeKind.PENDING, OutcomeKind.NEEDS_ACTION}
        voided = await bench.gateway.void(follow_up(asked, outcome, "void", bench.amount_minor))
        assert voided.kind is OutcomeKind.APPROVED
        assert (await bench.gateway.recover(asked)).kind is OutcomeKind.DECLINED
        assert await bench.effects(asked.payment_id) == []

    @needs("void")
    async def test_void_comes_too_late(self, bench: Bench) -> None:
        """What is captured cannot be voided."""
        asked, outcome = await paid(bench)
        late = await bench.gateway.void(follow_up(asked, outcome, "void", bench.amount_minor))
        assert late.kind is OutcomeKind.DECLINED
        assert late.error_code in DECLINE_CODES

    @needs("refund", "partial_refund")
    async def test_refunds_never_exceed_what_was_captured(self, bench: Bench) -> None:
        """Twenty racing refunds of a tenth each: ten are accepted and have an effect, ten are not."""
        asked, outcome = await paid(bench)
        requests = [follow_up(asked, outcome, "refund", bench.tenths(1)) for _ in range(20)]
        answers = await asyncio.gather(*(bench.gateway.refund(request) for request in requests))
        if OperationKind.REFUND in bench.keyless:
            # Such a gateway may refuse in words that it also uses after it did something: that is not known.
            assert [answer.kind for answer in answers].count(OutcomeKind.APPROVED) == 10
        else:
            declined = [answer for answer in answers if answer.kind is OutcomeKind.DECLINED]
            assert {answer.error_code for answer in declined} == {"refund_failed"}
            assert len(declined) == 10
            for request, answer in zip(requests, answers, strict=True):
                if answer.kind is not OutcomeKind.DECLINED:
                    await outcome_when(bench.gateway, request, OutcomeKind.APPROVED)
        assert (await bench.effects(asked.payment_id)).count("refunded") == 10

    @needs("manual_capture", "void", "refund")
    async def test_follow_up_of_an_unknown_payment(self, bench: Bench) -> None:
        """A capture, void or refund of a payment the gateway does not know is declined.

        What is asked about before it is sent may stay unknown: the gateway may not show the payment yet.
        """
        asked, outcome = await authorised(bench)
        lost = replace(outcome, references={"payment": "no-such-payment"})
        for kind in (OperationKind.CAPTURE, OperationKind.VOID, OperationKind.REFUND):
            answer = await getattr(bench.gateway, kind)(follow_up(asked, lost, kind, 100))
            asked_first = {OutcomeKind.UNKNOWN} if kind in bench.keyless else set()
            assert answer.kind in {OutcomeKind.DECLINED} | asked_first
        assert await bench.effects(asked.payment_id) == ["authorised"]
