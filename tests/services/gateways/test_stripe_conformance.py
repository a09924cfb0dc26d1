"""Stripe's connector passes the suite of every gateway, against the stand-in of Stripe."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from clearway.gateways.stripe.client import StripeGateway, StripeKeys
from clearway.simulator.facades.stripe.events import signature
from tests.services.gateways.conformance import Bench, GatewayConformance
from tests.services.gateways.stripe_account import VERSION, Account
from tests.services.gateways.stripe_bench import connected
from tests.support.receiver import Receiver

PAID: dict[str, Any] = {
    "id": "pi_1",
    "object": "payment_intent",
    "amount": 1_000,
    "amount_capturable": 0,
    "amount_received": 1_000,
    "cancellation_reason": None,
    "capture_method": "automatic",
    "currency": "inr",
    "last_payment_error": None,
    "latest_charge": "ch_1",
    "metadata": {"clearway_key": "pay_1:authorise:1", "cw_capture_1": "1000"},
    "next_action": None,
    "status": "succeeded",
}
WAITING = PAID | {
    "status": "requires_action",
    "next_action": {"type": "redirect_to_url", "redirect_to_url": {"url": "http://127.0.0.1/3ds/pi_1"}},
}
REFUSED = PAID | {
    "status": "requires_payment_method",
    "last_payment_error": {"type": "card_error", "code": "card_declined", "message": "No.", "decline_code": "x"},
}
REFUND: dict[str, Any] = {
    "id": "re_1",
    "object": "refund",
    "amount": 1_000,
    "currency": "inr",
    "failure_reason": "declined",
    "metadata": {"clearway_key": "rfnd_1:refund:1"},
    "status": "failed",
}
ERROR: dict[str, Any] = {
    "error": {
        "type": "card_error",
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "message": "Your card has insufficient funds.",
        "network_decline_code": "51",
        "payment_intent": PAID,
        "payment_method": {"id": "pm_1", "object": "payment_method", "card": {"brand": "visa"}},
    }
}


def event(thing: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an event of Stripe."""
    said = {"id": "evt_1", "object": "event", "api_version": VERSION, "created": 1_800_000_000, "livemode": False}
    return said | {"type": name, "data": {"object": thing}}


class TestStripe(GatewayConformance):
    """Run the suite against the stand-in."""

    @pytest.fixture
    async def bench(self, account: Account, receiver: Receiver) -> AsyncIterator[Bench]:
        """Put the connector on the bench, for an account that may capture in parts."""
        told = ("payment_intent.succeeded", "refund.created")
        async with connected(account, receiver, *told, multicapture=True) as connection:

            async def effects(payment_id: str) -> list[str]:
                return [effect["type"] for effect in await account.simulator.effects(payment_id)]

            def sign(body: bytes, skew_s: int) -> dict[str, str]:
                return {"stripe-signature": signature(connection.webhook_secret, time.time() + skew_s, body.decode())}

            yield Bench(
                gateway=connection.gateway,
                receiver=receiver,
                effects=effects,
                sign=sign,
                connect=lambda url: StripeGateway(
                    StripeKeys("sk_test_some_name"), api_base=url, timeout_s=5, multicapture=True
                ),
                answers=[PAID, WAITING, REFUSED, REFUND, ERROR],
                events=[event(PAID, "payment_intent.succeeded"), event(REFUND, "refund.failed")],
                switch=account.simulator.switch,
                good=("card", "pm_card_visa"),
                refused=("card", "pm_card_chargeDeclined"),
                undecided=("card", "pm_card_threeDSecure2Required"),
                challenged=("card", "pm_card_threeDSecure2Required"),
                signature_header="stripe-signature",
                amount_fields=("amount", "amount_received", "amount_capturable"),
            )
