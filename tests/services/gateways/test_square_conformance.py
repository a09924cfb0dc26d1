"""Square's connector passes the suite of every gateway, against the stand-in of Square.

Where Square's protocol makes another promise, the test of the suite is replaced by one that says which.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clearway.gateways.contract import OutcomeKind, SignatureInvalidError, Trust
from clearway.gateways.square.api import SquareKeys
from clearway.gateways.square.client import Location, SquareGateway
from clearway.simulator.facades.square.events import signature
from tests.services.gateways.asking import follow_up, read
from tests.services.gateways.conformance import Bench, GatewayConformance, ask, authorised
from tests.services.gateways.square_account import Seller
from tests.services.gateways.square_bench import connected
from tests.support.receiver import Receiver

MONEY = {"amount": 1_000, "currency": "INR"}
PAYMENT: dict[str, Any] = {
    "id": "p1",
    "status": "COMPLETED",
    "amount_money": MONEY,
    "approved_money": MONEY,
    "reference_id": "pay_1:1",
    "refund_ids": ["r1"],
    "version_token": "v1",
}
FAILED = PAYMENT | {"status": "FAILED", "card_details": {"errors": [{"code": "CVV_FAILURE"}]}}
REFUND: dict[str, Any] = {"id": "r1", "status": "COMPLETED", "amount_money": MONEY, "reason": "rfnd_1:refund:1 pay_1"}
ERROR = {"errors": [{"category": "PAYMENT_METHOD_ERROR", "code": "GENERIC_DECLINE", "detail": "No."}]}
ANSWERS = [
    {"payment": PAYMENT},
    {"payment": PAYMENT | {"status": "APPROVED"}},
    {"payment": FAILED},
    {"refund": REFUND},
    ERROR | {"payment": FAILED},
]


def event(kind: str, thing: dict[str, Any], created_at: datetime) -> dict[str, Any]:
    """Return an event of Square."""
    data = {"type": kind, "id": thing["id"], "object": {kind: thing}}
    return {"type": f"{kind}.updated", "event_id": "e1", "created_at": created_at.isoformat(), "data": data}


class TestSquare(GatewayConformance):
    """Run the suite against the stand-in."""

    @pytest.fixture
    async def bench(self, seller: Seller, receiver: Receiver) -> AsyncIterator[Bench]:
        """Put the connector on the bench. Its webhooks are signed over the URL at which the suite receives them."""
        async with connected(seller, receiver, "payment.created", "refund.created", currency="INR") as connection:

            async def effects(payment_id: str) -> list[str]:
                return [effect["type"] for effect in await seller.simulator.effects(payment_id)]

            def sign(body: bytes, _skew_s: int) -> dict[str, str]:
                signed = signature(connection.signature_key, receiver.url, body.decode(errors="surrogateescape"))
                return {"x-square-hmacsha256-signature": signed}

            yield Bench(
                gateway=connection.gateway,
                receiver=receiver,
                effects=effects,
                sign=sign,
                connect=lambda url: SquareGateway(
                    SquareKeys("EAAA_hostile"), Location("L1", "INR"), api_base=url, timeout_s=5
                ),
                answers=ANSWERS,
                events=[event("payment", PAYMENT, datetime.now(UTC)), event("refund", REFUND, datetime.now(UTC))],
                switch=seller.simulator.switch,
                good=("card", "cnon:card-nonce-ok"),
                refused=("card", "cnon:card-nonce-declined"),
                undecided=("card", "bnon:bank-nonce-ok"),
                challenged=("card", "cnon:card-nonce-requires-verification"),
                signature_header="x-square-hmacsha256-signature",
                amount_fields=("payment", "refund"),
            )

    async def test_challenge_gives_a_url(self, bench: Bench) -> None:
        """Square verifies the customer before there is a token. A payment that lacks it is declined for that reason."""
        outcome = await bench.gateway.authorise(ask(bench, bench.challenged))
        assert (outcome.kind, outcome.error_code) == (OutcomeKind.DECLINED, "authentication_failed")

    async def test_manual_capture_in_parts(self, bench: Bench) -> None:
        """Square captures once: a part that is not final is refused, and the final one releases the rest."""
        asked, outcome = await authorised(bench)
        part = follow_up(asked, outcome, "capture", 400)
        refused = await bench.gateway.capture(part)
        assert refused.kind is OutcomeKind.DECLINED
        assert "final" in (refused.error_description or "")
        captured = await bench.gateway.capture(replace(part, final=True))
        assert (captured.kind, captured.amount_minor) == (OutcomeKind.APPROVED, 400)
        assert await bench.effects(asked.payment_id) == ["authorised", "captured", "voided"]

    async def test_void_releases_what_is_left(self, bench: Bench) -> None:
        """A void releases the whole, and nothing can be captured afterwards."""
        asked, outcome = await authorised(bench)
        released = await bench.gateway.void(follow_up(asked, outcome, "void", 1_000))
        late = await bench.gateway.capture(replace(follow_up(asked, outcome, "capture", 100), final=True))
        assert (released.kind, released.amount_minor) == (OutcomeKind.APPROVED, 1_000)
        assert late.kind is OutcomeKind.DECLINED
        assert await bench.effects(asked.payment_id) == ["authorised", "voided"]

    async def test_void_calls_off_what_is_undecided(self, bench: Bench) -> None:
        """Square decides cards at once. A bank payment that is pending can't be called off: the void is refused."""
        asked = ask(bench, bench.undecided)
        outcome = await bench.gateway.authorise(asked)
        assert outcome.kind is OutcomeKind.PENDING
        assert (await bench.gateway.void(follow_up(asked, outcome, "void", 1_000))).kind is OutcomeKind.DECLINED

    async def test_webhook_agrees_with_look_up(self, bench: Bench) -> None:
        """The event of a payment leads to our key by its reference, and its outcome is the one of the look-up."""
        asked = ask(bench, bench.good)
        await bench.gateway.authorise(asked)
        [delivery] = await bench.receiver.wait_for(1, asked.payment_id)
        found = await read(bench.gateway, delivery.headers, delivery.body)
        assert (found.key, found.trust) == (asked.key, Trust.PROVEN)
        known = replace(asked, references=found.references)
        assert found.outcome == await bench.gateway.recover(known)

    @pytest.mark.parametrize("skew_s", [-26 * 3_600, 400])
    async def test_stale_and_future_webhooks_are_refused(self, bench: Bench, skew_s: int) -> None:
        """Square signs no time, but the body has one: an event is good for the day in which Square repeats it."""
        assert bench.sign is not None, "declared"
        for shift_s, refused in ((0, False), (-23 * 3_600, False), (skew_s, True)):
            at = datetime.now(UTC) + timedelta(seconds=shift_s)
            body = json_of(event("payment", PAYMENT, at))
            if not refused:
                await read(bench.gateway, bench.sign(body, 0), body)
                continue
            with pytest.raises(SignatureInvalidError):
                await read(bench.gateway, bench.sign(body, 0), body)


def json_of(body: dict[str, Any]) -> bytes:
    """Return a body as Square writes it."""
    return json.dumps(body, separators=(",", ":")).encode()
