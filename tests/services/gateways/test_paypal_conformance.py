"""PayPal's connector passes the suite of every gateway, against the stand-in of PayPal and a payer who approves.

Where PayPal's protocol makes another promise, the test of the suite is replaced by one that says which.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from clearway.gateways.contract import GatewayOutcome, Operation, OutcomeKind, SignatureInvalidError, Trust
from clearway.gateways.paypal.client import PayPalGateway
from clearway.gateways.paypal.exchange import PayPalCredentials
from clearway.gateways.tokens import Token
from tests.services.gateways.asking import follow_up, read
from tests.services.gateways.conformance import Bench, GatewayConformance, ask, authorised, begun
from tests.services.gateways.paypal_account import Account
from tests.services.gateways.paypal_bench import connected
from tests.support.receiver import Receiver

MONEY = {"currency_code": "INR", "value": "10.00"}
LINKS = [{"rel": "payer-action", "href": "http://127.0.0.1/checkoutnow?token=1"}]
KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def order_of(status: str, intent: str = "CAPTURE", **payments: Any) -> dict[str, Any]:
    """Return an order of PayPal's."""
    unit = {"amount": MONEY, "custom_id": "pay_1", "invoice_id": "pay_1:authorise:1", "payments": payments}
    return {"id": "1", "intent": intent, "status": status, "purchase_units": [unit], "links": LINKS}


CAPTURE: dict[str, Any] = {"id": "2", "status": "COMPLETED", "amount": MONEY, "invoice_id": "pay_1:capture:1"}
AUTHORIZATION = {"id": "3", "status": "CREATED", "amount": MONEY, "invoice_id": "pay_1:authorise:1"}
ERROR = {"name": "UNPROCESSABLE_ENTITY", "message": "No.", "details": [{"issue": "INSTRUMENT_DECLINED"}]}
ANSWERS = [
    order_of("COMPLETED", captures=[CAPTURE], refunds=[CAPTURE | {"links": [{"rel": "up", "href": "http://x/2"}]}]),
    order_of("COMPLETED", "AUTHORIZE", authorizations=[AUTHORIZATION]),
    order_of("PAYER_ACTION_REQUIRED"),
    CAPTURE,
    ERROR,
]
EVENT = {"id": "WH-1", "create_time": "2026-11-26T00:00:00Z", "event_type": "x", "resource_type": "capture"}
EVENTS = [
    EVENT | {"resource": CAPTURE | {"supplementary_data": {"related_ids": {"order_id": "1"}}}},
    EVENT | {"resource_type": "checkout-order", "resource": order_of("APPROVED")},
]


class Approving(PayPalGateway):
    """PayPal with a payer: the wallet code of a payment says which button they press, or that they wait."""

    payer: Account

    async def prepare(self, operation: Operation) -> GatewayOutcome:
        """Create the order as always, and have the payer act on it."""
        asked = operation.authorisation
        assert asked is not None, "it is an authorisation"
        outcome = await super().prepare(replace(operation, authorisation=replace(asked, instrument="paypal")))
        if asked.instrument != "waits" and outcome.kind is OutcomeKind.PREPARED:
            path = f"/paypal/checkoutnow/{outcome.references['payment']}/approve/{asked.instrument}"
            await self.payer.simulator.http.post(path)
        return outcome


class TestPayPal(GatewayConformance):
    """Run the suite against the stand-in."""

    @pytest.fixture
    async def bench(self, paypal: Account, receiver: Receiver) -> AsyncIterator[Bench]:
        """Put the connector on the bench, with a second key that it believes to be PayPal's."""
        async with connected(paypal, receiver, cls=Approving, told=("PAYMENT.CAPTURE.COMPLETED",)) as connection:
            gateway = connection.gateway
            assert isinstance(gateway, Approving)
            gateway.payer = paypal
            url = str(paypal.simulator.http.base_url).rstrip("/") + "/paypal/a-certificate"
            gateway._verifier._keys[url] = KEY.public_key()

            async def effects(payment_id: str) -> list[str]:
                return [effect["type"] for effect in await paypal.simulator.effects(payment_id)]

            def sign(body: bytes, skew_s: int) -> dict[str, str]:
                time = (datetime.now(UTC) + timedelta(seconds=skew_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
                text = f"1|{time}|{connection.webhook_id}|{zlib.crc32(body)}".encode()
                return {
                    "paypal-auth-algo": "SHA256withRSA",
                    "paypal-cert-url": url,
                    "paypal-transmission-id": "1",
                    "paypal-transmission-sig": base64.b64encode(
                        KEY.sign(text, padding.PKCS1v15(), hashes.SHA256())
                    ).decode(),
                    "paypal-transmission-time": time,
                }

            yield Bench(
                gateway=gateway,
                receiver=receiver,
                effects=effects,
                sign=sign,
                connect=_with_a_token,
                answers=ANSWERS,
                events=EVENTS,
                switch=paypal.simulator.switch,
                good=("wallet", "balance"),
                refused=("wallet", "declined"),
                undecided=("wallet", "waits"),
                challenged=("wallet", "waits"),
                signature_header="paypal-transmission-sig",
                amount_fields=("purchase_units", "amount"),
            )

    async def test_decline_has_a_unified_code_and_no_effect(self, bench: Bench) -> None:
        """A decline is in the answer alone: PayPal keeps the order open, for the customer to pay in another way."""
        asked = await begun(bench, bench.refused)
        outcome = await bench.gateway.authorise(asked)
        assert (outcome.kind, outcome.error_code) == (OutcomeKind.DECLINED, "payment_declined")
        assert (await bench.gateway.recover(asked)).kind is OutcomeKind.NEEDS_ACTION
        assert await bench.effects(asked.payment_id) == []

    async def test_look_up_of_an_unknown_key(self, bench: Bench) -> None:
        """Without an order's id `authorise` was never sent; with one, an approved order waits for us to go on."""
        asked = ask(bench, bench.good)
        assert (await bench.gateway.recover(asked)).kind is OutcomeKind.NOT_FOUND
        assert (await bench.gateway.recover(await begun(bench, bench.good))).kind is OutcomeKind.PREPARED

    async def test_void_calls_off_what_is_undecided(self, bench: Bench) -> None:
        """An order cannot be cancelled at PayPal, and need not be: it takes no money unless we capture it."""
        asked = await begun(bench, bench.undecided)
        outcome = await bench.gateway.authorise(asked)
        voided = await bench.gateway.void(follow_up(asked, outcome, "void", 1_000))
        assert voided.kind is OutcomeKind.APPROVED
        assert (await bench.gateway.recover(asked)).kind is OutcomeKind.NEEDS_ACTION
        assert await bench.effects(asked.payment_id) == []

    async def test_follow_up_of_an_unknown_payment(self, bench: Bench) -> None:
        """An order that PayPal does not show may be there all the same: nothing is known, and nothing is done."""
        asked, outcome = await authorised(bench)
        lost = replace(outcome, references={"payment": "no-such-payment"})
        for operation in ("capture", "void", "refund"):
            act = getattr(bench.gateway, operation)
            assert (await act(follow_up(asked, lost, operation, 100))).kind is OutcomeKind.UNKNOWN
        assert await bench.effects(asked.payment_id) == ["authorised"]

    async def test_webhook_agrees_with_look_up(self, bench: Bench) -> None:
        """A webhook names our key and nothing that is believed: it is a hint, after which PayPal is asked."""
        asked = await begun(bench, bench.good)
        await bench.gateway.authorise(asked)
        [delivery] = await bench.receiver.wait_for(1, asked.key)
        event = await read(bench.gateway, delivery.headers, delivery.body)
        assert (event.key, event.trust, event.outcome.kind) == (asked.key, Trust.HINT, OutcomeKind.UNKNOWN)

    async def test_refund_webhook(self, bench: Bench) -> None:
        """`test_paypal_inbound` reads the events of refunds."""

    @pytest.mark.parametrize("skew_s", [-4 * 86_400, 400])
    async def test_stale_and_future_webhooks_are_refused(self, bench: Bench, skew_s: int) -> None:
        """PayPal repeats a webhook for three days, so one of yesterday is accepted; an older or a future one is not."""
        body = b'{"id":"WH-1","resource_type":"capture","resource":{"invoice_id":"pay_1:authorise:1"}}'
        assert bench.sign is not None, "declared"
        await read(bench.gateway, bench.sign(body, -86_400), body)
        with pytest.raises(SignatureInvalidError):
            await read(bench.gateway, bench.sign(body, skew_s), body)


def _with_a_token(url: str) -> PayPalGateway:
    """Return a connector that has its token already, so that answers are those to its calls."""
    gateway = PayPalGateway(PayPalCredentials("client_hostile", "secret_hostile"), api_base=url, timeout_s=5)
    tokens = gateway._exchange._tokens
    tokens._token, tokens._renew_at = Token("token", 10**6), float("inf")
    return gateway
