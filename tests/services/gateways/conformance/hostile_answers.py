"""Answers and webhooks of a gateway that is broken or hostile."""

from __future__ import annotations

import json
from contextlib import aclosing
from dataclasses import replace

import pytest

from clearway.gateways.contract import EventUnreadableError, Gateway, GatewayOutcome, OutcomeKind, read_inbound
from tests.services.gateways import hostile
from tests.services.gateways.asking import follow_up, inbound_of
from tests.services.gateways.conformance.bench import Bench, ask


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
                outcome = await _one_call(gateway, number)
                assert hostile.is_storable_throughout(outcome), body[:200]

    async def test_an_answer_that_cannot_be_read_is_unknown(self, bench: Bench) -> None:
        """Nonsense, JSON of any depth, and an amount that is text are never taken for a result."""
        texts = dict.fromkeys(bench.amount_fields, "1000")
        as_text = [json.dumps(answer | texts).encode() for answer in bench.answers]
        async with hostile.answering() as answers, aclosing(bench.connect(answers.url)) as gateway:
            for body in [*hostile.NOT_JSON, *as_text]:
                answers.body = body
                for number in range(5):
                    assert (await _one_call(gateway, number)).kind is OutcomeKind.UNKNOWN, body[:200]

    async def test_no_webhook_makes_reading_fail(self, bench: Bench) -> None:
        """A correctly signed webhook is either an event that can be stored, or EventUnreadableError."""
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


async def _one_call(gateway: Gateway, number: int) -> GatewayOutcome:
    asked = replace(ask(("upi", "success@razorpay")), references={"payment": "ref_1"})
    request = follow_up(asked, GatewayOutcome(OutcomeKind.APPROVED, references={"payment": "ref_1"}), "capture", 1_000)
    calls = [
        lambda: gateway.authorise(asked),
        lambda: gateway.recover(asked),
        lambda: gateway.capture(request),
        lambda: gateway.void(request),
        lambda: gateway.refund(request),
    ]
    return await calls[number % len(calls)]()
