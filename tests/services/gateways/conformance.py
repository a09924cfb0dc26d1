"""What every gateway connector must do, whichever gateway it speaks to.

A gateway's own test module subclasses `GatewayConformance` and provides the `bench` fixture: the connector, instruments
that behave as named, and a count of effects taken from the gateway's own books.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from clearway.domain.errors import DECLINE_CODES
from clearway.gateways.contract import (
    EventUnreadableError,
    Gateway,
    GatewayOutcome,
    Operation,
    OutcomeKind,
    SignatureInvalidError,
    read_inbound,
)
from tests.services.gateways import hostile
from tests.services.gateways.asking import MANUAL, follow_up, inbound_of, order, outcome_when, prepared, read
from tests.support.receiver import Receiver

Instrument = tuple[str, str]
"""A method and an instrument of it."""


@dataclass(frozen=True)
class Bench:
    """A gateway under test."""

    gateway: Gateway
    receiver: Receiver
    effects: Callable[[str], Awaitable[list[str]]]
    """What the gateway's own books say was done for a payment id: authorised, captured, voided, refunded."""
    sign: Callable[[bytes, int], dict[str, str]]
    """Headers with which the gateway would sign a body now, shifted by seconds."""
    connect: Callable[[str], Gateway]
    """A connector of this kind that speaks to another URL."""
    answers: Sequence[dict[str, Any]]
    """Answers of the gateway that between them have every field the connector reads."""
    events: Sequence[dict[str, Any]]
    """The same for the bodies of its webhooks."""
    good: Instrument
    refused: Instrument
    undecided: Instrument
    """It waits, for its customer or for good."""
    challenged: Instrument
    signature_header: str = "webhook-signature"
    amount_fields: Sequence[str] = ("amount",)
    """The fields of an answer that hold amounts."""


def ask(instrument: Instrument, **fields: object) -> Operation:
    """Ask for a payment with an instrument of the bench."""
    method, value = instrument
    return order(value, method, **{"return_url": "https://shop.example/back", **fields})


async def begun(bench: Bench, instrument: Instrument, **fields: object) -> Operation:
    """Ask for a payment whose first step is taken, where the gateway has one."""
    return await prepared(bench.gateway, ask(instrument, **fields))


class GatewayConformance:
    """The suite. Each test says one rule of `clearway.gateways.contract`."""

    async def test_approved_payment_is_captured_with_all_details(self, bench: Bench) -> None:
        """An automatic payment ends approved and captured, with the amount, currency and reference of the gateway."""
        asked = await begun(bench, bench.good)
        await bench.gateway.authorise(asked)
        outcome = await outcome_when(bench.gateway, asked, OutcomeKind.APPROVED)
        assert (outcome.amount_minor, outcome.currency, outcome.captured) == (1_000, "INR", True)
        assert outcome.reference
        assert await bench.effects(asked.payment_id) == ["authorised", "captured"]

    async def test_decline_has_a_unified_code_and_no_effect(self, bench: Bench) -> None:
        """A refused payment ends declined with a code of DECLINE_CODES, and nothing was taken."""
        asked = await begun(bench, bench.refused)
        await bench.gateway.authorise(asked)
        outcome = await outcome_when(bench.gateway, asked, OutcomeKind.DECLINED)
        assert outcome.error_code in DECLINE_CODES
        assert outcome.captured is False
        assert await bench.effects(asked.payment_id) == []

    async def test_challenge_gives_a_url(self, bench: Bench) -> None:
        """A payment that needs its customer says where to send them, and takes nothing."""
        asked = await begun(bench, bench.challenged)
        outcome = await bench.gateway.authorise(asked)
        assert outcome.kind is OutcomeKind.NEEDS_ACTION
        assert outcome.action is not None
        assert outcome.action.url.startswith("http")
        assert await bench.effects(asked.payment_id) == []

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

    async def test_look_up_of_an_unknown_key(self, bench: Bench) -> None:
        """An operation the gateway never saw is NOT_FOUND, its first step taken or not, and asking has no effect."""
        asked = ask(bench.good, first_sent_at=datetime.now(UTC), last_sent_at=datetime.now(UTC))
        assert (await bench.gateway.recover(asked)).kind is OutcomeKind.NOT_FOUND
        assert (await bench.gateway.recover(await prepared(bench.gateway, asked))).kind is OutcomeKind.NOT_FOUND
        assert await bench.effects(asked.payment_id) == []

    async def test_manual_capture_in_parts(self, bench: Bench) -> None:
        """An authorised amount is captured in parts up to its whole, and not beyond."""
        asked, outcome = await self._authorised(bench)
        first, second, beyond = [
            await bench.gateway.capture(follow_up(asked, outcome, "capture", amount, n))
            for n, amount in ((1, 400), (2, 600), (3, 1))
        ]
        assert [first.kind, second.kind, beyond.kind] == [OutcomeKind.APPROVED] * 2 + [OutcomeKind.DECLINED]
        assert (first.amount_minor, second.amount_minor) == (400, 600)
        assert await bench.effects(asked.payment_id) == ["authorised", "captured", "captured"]

    async def test_capture_repeats_with_its_key(self, bench: Bench) -> None:
        """A capture sent twice with one key is one capture."""
        asked, outcome = await self._authorised(bench)
        request = follow_up(asked, outcome, "capture", 400)
        assert await bench.gateway.capture(request) == await bench.gateway.capture(request)
        assert await bench.effects(asked.payment_id) == ["authorised", "captured"]

    async def test_void_releases_what_is_left(self, bench: Bench) -> None:
        """After a partial capture a void releases the rest, and nothing more can be captured."""
        asked, outcome = await self._authorised(bench)
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
        asked, outcome = await self._paid(bench)
        late = await bench.gateway.void(follow_up(asked, outcome, "void", 1_000))
        assert late.kind is OutcomeKind.DECLINED
        assert late.error_code in DECLINE_CODES

    async def test_refunds_never_exceed_what_was_captured(self, bench: Bench) -> None:
        """Twenty racing refunds of a tenth each: ten are accepted and have an effect, ten are declined."""
        asked, outcome = await self._paid(bench)
        requests = [follow_up(asked, outcome, "refund", 100) for _ in range(20)]
        answers = await asyncio.gather(*(bench.gateway.refund(request) for request in requests))
        declined = [answer for answer in answers if answer.kind is OutcomeKind.DECLINED]
        assert {answer.error_code for answer in declined} == {"refund_failed"}
        assert len(declined) == 10
        for request, answer in zip(requests, answers, strict=True):
            if answer.kind is not OutcomeKind.DECLINED:
                await outcome_when(bench.gateway, request, OutcomeKind.APPROVED)
        assert (await bench.effects(asked.payment_id)).count("refunded") == 10

    async def test_refund_repeats_with_its_key(self, bench: Bench) -> None:
        """A refund sent twice with one key is one refund, and returns its own reference, not the payment's."""
        asked, outcome = await self._paid(bench)
        request = follow_up(asked, outcome, "refund", 300)
        first, second = await asyncio.gather(bench.gateway.refund(request), bench.gateway.refund(request))
        done = await outcome_when(bench.gateway, request, OutcomeKind.APPROVED)
        assert first.reference == second.reference == done.reference != outcome.reference
        assert (done.amount_minor, done.currency) == (300, "INR")
        assert (await bench.effects(asked.payment_id)).count("refunded") == 1

    async def test_follow_up_of_an_unknown_payment(self, bench: Bench) -> None:
        """A capture, void or refund of a payment the gateway does not know is declined, not unknown."""
        asked, outcome = await self._authorised(bench)
        lost = replace(outcome, references={"payment": "no-such-payment"})
        for operation in ("capture", "void", "refund"):
            act = getattr(bench.gateway, operation)
            assert (await act(follow_up(asked, lost, operation, 100))).kind is OutcomeKind.DECLINED

    async def test_webhook_agrees_with_look_up(self, bench: Bench) -> None:
        """The event of a payment names our key, and its outcome is the one of the look-up."""
        asked = await begun(bench, bench.good)
        await bench.gateway.authorise(asked)
        [delivery] = await bench.receiver.wait_for(1, asked.key)
        event = await read(bench.gateway, delivery.headers, delivery.body)
        assert event.key == asked.key
        assert event.outcome == await bench.gateway.recover(asked)

    async def test_refund_webhook(self, bench: Bench) -> None:
        """The event of a refund names the refund's key and is about a refund."""
        asked, outcome = await self._paid(bench)
        request = follow_up(asked, outcome, "refund", 300)
        await bench.gateway.refund(request)
        delivery = (await bench.receiver.wait_for(1, request.key))[0]
        event = await read(bench.gateway, delivery.headers, delivery.body)
        assert event.key == request.key
        assert event.outcome.amount_minor == 300

    @pytest.mark.parametrize("skew_s", [-400, 400])
    async def test_stale_and_future_webhooks_are_refused(self, bench: Bench, skew_s: int) -> None:
        """A signature made too long ago, or in the future, is invalid although it is the gateway's."""
        asked = await begun(bench, bench.good)
        await bench.gateway.authorise(asked)
        [delivery] = await bench.receiver.wait_for(1, asked.key)
        await read(bench.gateway, bench.sign(delivery.body, 0), delivery.body)
        with pytest.raises(SignatureInvalidError):
            await read(bench.gateway, bench.sign(delivery.body, skew_s), delivery.body)

    @pytest.mark.parametrize(
        "signature", ["", "v1", "v1,", "v1,@@@", "v1,é", "v2,AAAA", "no comma at all", "v1,A B,C,D"]
    )
    async def test_malformed_signatures_are_refused(self, bench: Bench, signature: str) -> None:
        """A webhook with a malformed signature header is SignatureInvalidError."""
        headers = bench.sign(b"{}", 0) | {bench.signature_header: signature}
        with pytest.raises(SignatureInvalidError):
            await read(bench.gateway, headers, b"{}")

    async def test_unsigned_webhooks_are_refused(self, bench: Bench) -> None:
        """A webhook without one of its headers, or with a changed body, is SignatureInvalidError."""
        signed = bench.sign(b"{}", 0)
        for missing in signed:
            with pytest.raises(SignatureInvalidError):
                await read(bench.gateway, {name: value for name, value in signed.items() if name != missing}, b"{}")
        for other in (b"{ }", b"\xff\xfe"):
            with pytest.raises(SignatureInvalidError):
                await read(bench.gateway, signed, other)

    @pytest.mark.parametrize("body", [b"", b"[]", b"null", b"nonsense", b'{"id":"a","data":{"type":"payment"}}'])
    async def test_signed_nonsense_is_unreadable(self, bench: Bench, body: bytes) -> None:
        """A correctly signed body without a meaning is EventUnreadableError, not a crash."""
        with pytest.raises(EventUnreadableError):
            await read(bench.gateway, bench.sign(body, 0), body)

    @pytest.mark.parametrize("status", [200, 402, 404, 429])
    async def test_no_answer_makes_a_call_fail(self, bench: Bench, status: int) -> None:
        """For every answer of a gateway, a call has an outcome, and every text in it can be stored."""
        bodies = [json.dumps(body).encode() for answer in bench.answers for body in hostile.variants(answer)]
        async with hostile.answering() as answers, aclosing(bench.connect(answers.url)) as gateway:
            answers.status = status
            for number, body in enumerate([*hostile.NOT_JSON, *bodies]):
                answers.body = body
                outcome = await self._one_call(gateway, number)
                assert hostile.is_storable_throughout(outcome), body[:200]

    async def test_an_answer_that_cannot_be_read_is_unknown(self, bench: Bench) -> None:
        """Nonsense, JSON of any depth, and an amount that is text are never taken for a result."""
        texts = dict.fromkeys(bench.amount_fields, "1000")
        as_text = [json.dumps(answer | texts).encode() for answer in bench.answers]
        async with hostile.answering() as answers, aclosing(bench.connect(answers.url)) as gateway:
            for body in [*hostile.NOT_JSON, *as_text]:
                answers.body = body
                for number in range(5):
                    assert (await self._one_call(gateway, number)).kind is OutcomeKind.UNKNOWN, body[:200]

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

    async def _one_call(self, gateway: Gateway, number: int):
        asked = replace(ask(("upi", "success@razorpay")), references={"payment": "ref_1"})
        request = follow_up(
            asked, GatewayOutcome(OutcomeKind.APPROVED, references={"payment": "ref_1"}), "capture", 1_000
        )
        calls = [
            lambda: gateway.authorise(asked),
            lambda: gateway.recover(asked),
            lambda: gateway.capture(request),
            lambda: gateway.void(request),
            lambda: gateway.refund(request),
        ]
        return await calls[number % len(calls)]()

    async def _authorised(self, bench: Bench):
        asked = await begun(bench, bench.good, capture_method=MANUAL)
        await bench.gateway.authorise(asked)
        outcome = await outcome_when(bench.gateway, asked, OutcomeKind.APPROVED)
        assert outcome.captured is False
        return asked, outcome

    async def _paid(self, bench: Bench):
        asked = await begun(bench, bench.good)
        await bench.gateway.authorise(asked)
        return asked, await outcome_when(bench.gateway, asked, OutcomeKind.APPROVED)
