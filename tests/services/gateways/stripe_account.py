"""An account at Stripe's stand-in, as the official SDK and plain HTTP reach it. Every answer's shape is checked."""

from __future__ import annotations

from typing import Any

import httpx
import stripe

from clearway.domain.ids import PAYMENT, new_id
from clearway.gateways.stripe.transport import StripeTransport
from tests.services.gateways.running import Simulator
from tests.support.stripe_shapes import assert_shape

VERSION = "2026-10-28.endive"


class Account:
    """One account. `sdk` is the vendor's client; `send` shows status, headers and body as they are."""

    def __init__(self, simulator: Simulator, name: str) -> None:
        self.simulator = simulator
        self.key = f"sk_test_{name}"
        self.publishable_key = f"pk_test_{name}"
        base = str(simulator.http.base_url).rstrip("/") + "/stripe"
        self._http_client = StripeTransport(timeout_s=30)
        self.sdk = stripe.StripeClient(
            self.key, base_addresses={"api": base}, http_client=self._http_client, max_network_retries=0
        )

    async def aclose(self) -> None:
        """Close the connections of the SDK."""
        await self._http_client.close_async()

    async def send(
        self,
        method: str,
        path: str,
        form: dict[str, Any] | None = None,
        *,
        key: str | None = None,
        api_key: str | None = None,
    ) -> httpx.Response:
        """Send one request; fail if the answer has not the shape of Stripe's."""
        headers = {"authorization": f"Bearer {api_key or self.key}", "stripe-version": VERSION}
        if key is not None:
            headers["idempotency-key"] = key
        fields = {"params": form} if method == "GET" else {"data": form}
        response = await self.simulator.http.request(method, f"/stripe/v1{path}", headers=headers, **fields)
        assert_shape(response.json())
        return response

    async def intent(self, method: str = "pm_card_visa", **fields: Any) -> stripe.PaymentIntent:
        """Create an intent of 10.00 USD of a new payment, by default not confirmed."""
        asked: dict[str, Any] = {
            "amount": 1_000,
            "currency": "usd",
            "payment_method": method,
            "metadata": {"clearway_payment": new_id(PAYMENT)},
        }
        intent = await self.sdk.v1.payment_intents.create_async(params={**asked, **fields})  # type: ignore[typeddict-item]
        assert_shape(intent.to_dict())
        return intent

    async def confirm(self, intent: stripe.PaymentIntent, key: str | None = None, **fields: Any):
        """Confirm an intent."""
        options: Any = {"idempotency_key": key} if key else {}
        confirmed = await self.sdk.v1.payment_intents.confirm_async(intent.id, params=fields, options=options)
        assert_shape(confirmed.to_dict())
        return confirmed

    async def paid(self, method: str = "pm_card_visa", **fields: Any) -> stripe.PaymentIntent:
        """Create an intent and confirm it."""
        return await self.confirm(await self.intent(method, **fields))

    async def read(self, intent: stripe.PaymentIntent) -> stripe.PaymentIntent:
        """Retrieve an intent."""
        found = await self.sdk.v1.payment_intents.retrieve_async(intent.id)
        assert_shape(found.to_dict())
        return found

    async def effects(self, intent: stripe.PaymentIntent) -> list[tuple[str, int]]:
        """Return what the journal says of an intent."""
        assert intent.metadata is not None
        found = await self.simulator.effects(intent.metadata["clearway_payment"])
        return [(effect["type"], effect["amount"]) for effect in found]

    async def charges(self, payment_id: str) -> int:
        """Count how often money was taken or reserved for a payment."""
        return len(await self.simulator.effects(payment_id, "authorised"))
