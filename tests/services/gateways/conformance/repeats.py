"""A request that is sent again with its key has one effect."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from clearway.gateways.contract import OutcomeKind
from tests.services.gateways.asking import follow_up, outcome_when, prepared
from tests.services.gateways.conformance.bench import Bench, authorised, begun, paid


class Repeats:
    """The rules of this subject."""

    async def test_same_key_has_one_effect(self, bench: Bench) -> None:
        """Twenty racing repetitions of one request are one charge and one reference."""
        asked = await begun(bench, bench.good)
        outcomes = await asyncio.gather(*(bench.gateway.authorise(asked) for _ in range(20)))
        await outcome_when(bench.gateway, asked, OutcomeKind.APPROVED)
        assert len({outcome.reference for outcome in outcomes}) == 1
        assert await bench.effects(asked.payment_id) == ["authorised", "captured"]

    async def test_same_key_other_request_is_our_mistake(self, bench: Bench) -> None:
        """One key with two requests is a programmer's error: it raises, and only the first request has an effect."""
        asked = await begun(bench, bench.good)
        await bench.gateway.authorise(asked)
        await outcome_when(bench.gateway, asked, OutcomeKind.APPROVED)
        with pytest.raises(Exception, match="idempotency key"):
            await bench.gateway.authorise(await prepared(bench.gateway, replace(asked, amount_minor=2_000)))
        assert await bench.effects(asked.payment_id) == ["authorised", "captured"]

    async def test_capture_repeats_with_its_key(self, bench: Bench) -> None:
        """A capture sent twice with one key is one capture."""
        asked, outcome = await authorised(bench)
        request = follow_up(asked, outcome, "capture", 400)
        assert await bench.gateway.capture(request) == await bench.gateway.capture(request)
        assert await bench.effects(asked.payment_id) == ["authorised", "captured"]

    async def test_refund_repeats_with_its_key(self, bench: Bench) -> None:
        """A refund sent twice with one key is one refund, and returns its own reference, not the payment's."""
        asked, outcome = await paid(bench)
        request = follow_up(asked, outcome, "refund", 300)
        first, second = await asyncio.gather(bench.gateway.refund(request), bench.gateway.refund(request))
        done = await outcome_when(bench.gateway, request, OutcomeKind.APPROVED)
        assert first.reference == second.reference == done.reference != outcome.reference
        assert (done.amount_minor, done.currency) == (300, "INR")
        assert (await bench.effects(asked.payment_id)).count("refunded") == 1
