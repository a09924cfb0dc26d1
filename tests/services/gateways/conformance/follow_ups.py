"""Captures, voids and refunds: never more than there is, and never of what is unknown."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from clearway.domain.errors import DECLINE_CODES
from clearway.gateways.contract import OutcomeKind
from tests.services.gateways.asking import follow_up, outcome_when
from tests.services.gateways.conformance.bench import Bench, authorised, begun, paid


class FollowUps:
    """The rules of this subject."""

    async def test_manual_capture_in_parts(self, bench: Bench) -> None:
        """An authorised amount is captured in parts up to its whole, and not beyond."""
        asked, outcome = await authorised(bench)
        first, second, beyond = [
            await bench.gateway.capture(follow_up(asked, outcome, "capture", amount, n))
            for n, amount in ((1, 400), (2, 600), (3, 1))
        ]
        assert [first.kind, second.kind, beyond.kind] == [OutcomeKind.APPROVED] * 2 + [OutcomeKind.DECLINED]
        assert (first.amount_minor, second.amount_minor) == (400, 600)
        assert await bench.effects(asked.payment_id) == ["authorised", "captured", "captured"]

    async def test_void_releases_what_is_left(self, bench: Bench) -> None:
        """After a partial capture a void releases the rest, and nothing more can be captured."""
        asked, outcome = await authorised(bench)
        await bench.gateway.capture(follow_up(asked, outcome, "capture", 400))
        released = await bench.gateway.void(follow_up(asked, outcome, "void", 600))
        late = await bench.gateway.capture(follow_up(asked, outcome, "capture", 100, 2))
        assert (released.kind, released.amount_minor) == (OutcomeKind.APPROVED, 600)
        assert late.kind is OutcomeKind.DECLINED
        assert await bench.effects(asked.payment_id) == ["authorised", "captured", "voided"]

    async def test_void_calls_off_what_is_undecided(self, bench: Bench) -> None:
        """A payment that waits and is voided takes nothing, then or later, and recover says so."""
        asked = await begun(bench, bench.undecided)
        outcome = await bench.gateway.authorise(asked)
        assert outcome.kind in {OutcomeKind.PENDING, OutcomeKind.NEEDS_ACTION}
        voided = await bench.gateway.void(follow_up(asked, outcome, "void", 1_000))
        assert voided.kind is OutcomeKind.APPROVED
        assert (await bench.gateway.recover(asked)).kind is OutcomeKind.DECLINED
        assert await bench.effects(asked.payment_id) == []

    async def test_void_comes_too_late(self, bench: Bench) -> None:
        """What is captured cannot be voided."""
        asked, outcome = await paid(bench)
        late = await bench.gateway.void(follow_up(asked, outcome, "void", 1_000))
        assert late.kind is OutcomeKind.DECLINED
        assert late.error_code in DECLINE_CODES

    async def test_refunds_never_exceed_what_was_captured(self, bench: Bench) -> None:
        """Twenty racing refunds of a tenth each: ten are accepted and have an effect, ten are declined."""
        asked, outcome = await paid(bench)
        requests = [follow_up(asked, outcome, "refund", 100) for _ in range(20)]
        answers = await asyncio.gather(*(bench.gateway.refund(request) for request in requests))
        declined = [answer for answer in answers if answer.kind is OutcomeKind.DECLINED]
        assert {answer.error_code for answer in declined} == {"refund_failed"}
        assert len(declined) == 10
        for request, answer in zip(requests, answers, strict=True):
            if answer.kind is not OutcomeKind.DECLINED:
                await outcome_when(bench.gateway, request, OutcomeKind.APPROVED)
        assert (await bench.effects(asked.payment_id)).count("refunded") == 10

    async def test_follow_up_of_an_unknown_payment(self, bench: Bench) -> None:
        """A capture, void or refund of a payment the gateway does not know is declined, not unknown."""
        asked, outcome = await authorised(bench)
        lost = replace(outcome, references={"payment": "no-such-payment"})
        for operation in ("capture", "void", "refund"):
            act = getattr(bench.gateway, operation)
            assert (await act(follow_up(asked, lost, operation, 100))).kind is OutcomeKind.DECLINED
