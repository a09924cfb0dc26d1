"""A request that is sent again with its key has one effect."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from clearway.gateways.contract import OperationKind, OutcomeKind
from tests.services.gateways.asking import follow_up, outcome_when, prepared
from tests.services.gateways.conformance.bench import (
    Bench,
    authorised,
    begun,
    capture_of,
    needs,
    noted,
    paid,
    sent,
    settled,
)


class Repeats:
    """The rules of this subject."""

    async def test_same_key_has_one_effect(self, bench: Bench) -> None:
        """Twenty racing repetitions of one request are one charge and one reference."""
        asked = await begun(bench, bench.good)
        outcomes = await asyncio.gather(*(bench.gateway.authorise(asked) for _ in range(20)))
        await sent(bench, asked)
        await settled(bench, asked, OutcomeKind.APPROVED)
        assert len({outcome.reference for outcome in outcomes}) == 1
        assert await bench.effects(asked.payment_id) == ["authorised", "captured"]

    @needs("authorise_key")
    async def test_same_key_other_request_is_our_mistake(self, bench: Bench) -> None:
        """One key with two requests is a programmer's error: it raises, and only the first request has an effect."""
        asked = await begun(bench, bench.good)
        await bench.gateway.authorise(asked)
        await outcome_when(bench.gateway, asked, OutcomeKind.APPROVED)
        with pytest.raises(Exception, match="idempotency key"):
            await bench.gateway.authorise(await prepared(bench.gateway, replace(asked, amount_minor=2_000)))
        assert await bench.effects(asked.payment_id) == ["authorised", "captured"]

    @needs("manual_capture")
    async def test_capture_repeats_with_its_key(self, bench: Bench) -> None:
        """A capture sent twice is one: by its key, or because the gateway is asked before a repeat without one."""
        asked, outcome = await authorised(bench)
        request = capture_of(bench, asked, outcome, bench.tenths(4))
        first = await bench.gateway.capture(request)
        if OperationKind.CAPTURE in bench.keyless:
            assert first.kind is (await bench.gateway.recover(request)).kind is OutcomeKind.APPROVED
        else:
            assert first == await bench.gateway.capture(request)
        rest = ["voided"] if request.final else []
        assert await bench.effects(asked.payment_id) == ["authorised", "captured", *rest]

    @needs("refund", "partial_refund")
    async def test_refund_repeats_with_its_key(self, bench: Bench) -> None:
        """A refund sent twice is one refund, and returns its own reference, not the payment's."""
        asked, outcome = await paid(bench)
        request = await noted(bench, follow_up(asked, outcome, "refund", bench.tenths(3)))
        keyless = OperationKind.REFUND in bench.keyless
        repeat = bench.gateway.recover if keyless else bench.gateway.refund
        if keyless:
            first, second = await bench.gateway.refund(request), await repeat(request)
        else:
            first, second = await asyncio.gather(bench.gateway.refund(request), repeat(request))
        done = await outcome_when(bench.gateway, request, OutcomeKind.APPROVED)
        assert first.reference == second.reference == done.reference != outcome.reference
        said = (done.amount_minor, done.currency)
        assert said == (bench.tenths(3), bench.currency) or (keyless and said == (None, None))
        assert (await bench.effects(asked.payment_id)).count("refunded") == 1
