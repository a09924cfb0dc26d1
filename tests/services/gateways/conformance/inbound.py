"""Webhooks: what they say, and which are refused."""

from __future__ import annotations

import pytest

from clearway.gateways.contract import EventUnreadableError, SignatureInvalidError
from tests.services.gateways.asking import follow_up, read
from tests.services.gateways.conformance.bench import Bench, begun, paid


class ReadingInbound:
    """The rules of this subject."""

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
        asked, outcome = await paid(bench)
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
