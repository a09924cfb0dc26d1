"""Answers and webhooks of a gateway that is broken or hostile."""

from __future__ import annotations

import json
from contextlib import aclosing
from dataclasses import replace
from typing import Final

import pytest

from clearway.gateways.contract import (
    EventUnreadableError,
    Gateway,
    GatewayOutcome,
    OperationKind,
    OutcomeKind,
    Preparing,
    read_inbound,
)
from tests.services.gateways import hostile
from tests.services.gateways.asking import follow_up, inbound_of
from tests.services.gateways.conformance.bench import Bench, ask, needs

CALLS: Final = 6


class HostileAnswers:
    """The rules of this subject."""

    @pytest.mark.parametrize("status", [200, 402, 404, 429])
    async def test_no_answer_makes_a_call_fail(self, bench: Bench, status: int) -> None:
        """For every answer of a gateway, a call has an outcome, and every text in it can be stored."""
        bodies = [json.dumps(body).encode() for answer in bench.answers for body in hostile.variants(answer)]
        async with hostile.answering() as answers, aclosing(bench.connect(answers.url)) as gateway:
            answers.status = status
            for number, body in enumerate([*hostile.NOT_JSON, *bodies]):
                answers.body = body
                outcome = await _one_call(bench, gateway, number)
                assert hostile.is_storable_throughout(outcome), body[:200]

    async def test_an_answer_that_cannot_be_read_is_unknown(self, bench: Bench) -> None:
        """Nonsense, JSON of any depth, and an amount that is text are never taken for a result."""
        texts = dict.fromkeys(bench.amount_fields, "1000")
        as_text = [json.dumps(answer | texts).encode() for answer in bench.answers]
        async with hostile.answering() as answers, aclosing(bench.connect(answers.url)) as gateway:
            for body in [*hostile.NOT_JSON, *as_text]:
                answers.body = body
                for number in range(CALLS):
                    before = answers.served
                    outcome = await _one_call(bench, gateway, number)
                    # A call that asks the gateway nothing, such as the way to a page, reads no answer.
                    assert outcome.kind is OutcomeKind.UNKNOWN or answers.served == before, body[:200]

    @needs("header_signature")
    async def test_no_webhook_makes_reading_fail(self, bench: Bench) -> None:
        """A correctly signed webhook is either an event that can be stored, or EventUnreadableError."""
        assert bench.sign is not None, "declared"
        events = [body for event in bench.events for body in hostile.variants(event)]
        bodies = [json.dumps(body, separators=(",", ":")).encode() for body in events]
        read = 0
        for body in [*(body for body in hostile.NOT_JSON if body.isascii()), *bodies]:
            try:
                inbound = await read_inbound(bench.gateway, inbound_of(bench.sign(body, 0), body))
            except EventUnreadableError:
                continue
            read += 1
            assert hostile.is_storable_throughout(inbound.events), body[:200]
        assert read > 0


async def _one_call(bench: Bench, gateway: Gateway, number: int) -> GatewayOutcome:
    references = {"payment": "ref_1"}
    asked = replace(ask(bench, bench.good), references=references)
    request = follow_up(asked, GatewayOutcome(OutcomeKind.APPROVED, references=references), "capture", 1_000)
    calls = [
        lambda: gateway.authorise(asked),
        lambda: gateway.recover(asked),
        lambda: gateway.capture(request),
        lambda: gateway.void(replace(request, kind=OperationKind.VOID)),
        lambda: gateway.refund(replace(request, kind=OperationKind.REFUND)),
        lambda: gateway.prepare(asked) if isinstance(gateway, Preparing) else gateway.authorise(asked),
    ]
    assert len(calls) == CALLS
    return await calls[number % len(calls)]()
