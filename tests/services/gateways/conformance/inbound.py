"""Webhooks: what they say, and which are refused."""

from __future__ import annotations

import pytest

from clearway.gateways.contract import EventUnreadableError, FindsOut, OutcomeKind, SignatureInvalidError, Trust
from tests.services.gateways.asking import follow_up, read
from tests.services.gateways.conformance.bench import Bench, begun, needs, paid, reported, sent


class ReadingInbound:
    """The rules of this subject."""

    @needs("events")
    async def test_webhook_agrees_with_look_up(self, bench: Bench) -> None:
        """The event of a payment leads to it; what it proves is what the look-up says, where the gateway has one."""
        asked = await begun(bench, bench.good)
        begun_with = await sent(bench, asked)
        event = await reported(bench, asked)
        known = {**asked.references, **begun_with.references}
        assert event.key == asked.key or event.references["payment"] == known["payment"]
        if event.trust is Trust.HINT:
            assert event.outcome.kind is OutcomeKind.UNKNOWN
        elif bench.gateway.abilities.finds.by is FindsOut.NEVER:
            said = event.outcome
            assert (said.kind, said.amount_minor, said.currency) == (
                OutcomeKind.APPROVED,
                bench.amount_minor,
                bench.currency,
            )
        else:
            assert event.outcome == await bench.gateway.recover(asked)

    @needs("refund", "partial_refund", "refund_events")
    async def test_refund_webhook(self, bench: Bench) -> None:
        """The event of a refund names the refund's key and is about a refund."""
        asked, outcome = await paid(bench)
        request = follow_up(asked, outcome, "refund", bench.tenths(3))
        await bench.gateway.refund(request)
        event = await reported(bench, request)
        assert event.key == request.key
        assert event.outcome.amount_minor == bench.tenths(3)

    @needs("header_signature")
    @pytest.mark.parametrize("skew_s", [-400, 400])
    async def test_stale_and_future_webhooks_are_refused(self, bench: Bench, skew_s: int) -> None:
        """A signature made too long ago, or in the future, is invalid although it is the gateway's."""
        assert bench.sign is not None, "declared"
        asked = await begun(bench, bench.good)
        await bench.gateway.authorise(asked)
        [delivery] = await bench.receiver.wait_for(1, asked.key)
        await read(bench.gateway, bench.sign(delivery.body, 0), delivery.body)
        with pytest.raises(SignatureInvalidError):
            await read(bench.gateway, bench.sign(delivery.body, skew_s), delivery.body)

    @needs("header_signature")
    @pytest.mark.parametrize(
        "signature", ["", "v1", "v1,", "v1,@@@", "v1,é", "v2,AAAA", "no comma at all", "v1,A B,C,D"]
    )
    async def test_malformed_signatures_are_refused(self, bench: Bench, signature: str) -> None:
        """A webhook with a malformed signature header is SignatureInvalidError."""
        assert bench.sign is not None, "declared"
        headers = bench.sign(b"{}", 0) | {bench.signature_header: signature}
        with pytest.raises(SignatureInvalidError):
            await read(bench.gateway, headers, b"{}")

    @needs("header_signature")
    async def test_unsigned_webhooks_are_refused(self, bench: Bench) -> None:
        """A webhook without one of its headers, or with a changed body, is SignatureInvalidError."""
        assert bench.sign is not None, "declared"
        signed = bench.sign(b"{}", 0)
        for missing in signed:
            with pytest.raises(SignatureInvalidError):
                await read(bench.gateway, {name: value for name, value in signed.items() if name != missing}, b"{}")
        for other in (b"{ }", b"\xff\xfe"):
            with pytest.raises(SignatureInvalidError):
                await read(bench.gateway, signed, other)

    @needs("header_signature")
    @pytest.mark.parametrize("body", [b"", b"[]", b"null", b"nonsense", b'{"id":"a","data":{"type":"payment"}}'])
    async def test_signed_nonsense_is_unreadable(self, bench: Bench, body: bytes) -> None:
        """A correctly signed body without a meaning is EventUnreadableError, not a crash."""
        assert bench.sign is not None, "declared"
        with pytest.raises(EventUnreadableError):
            await read(bench.gateway, bench.sign(body, 0), body)
