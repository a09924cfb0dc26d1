"""Stripe's connector at work on its stand-in: an account with a webhook endpoint, and payments in two steps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from clearway.gateways.contract import GatewayOutcome, Operation, OutcomeKind
from clearway.gateways.stripe.client import StripeGateway, StripeKeys
from tests.services.gateways.asking import order
from tests.services.gateways.running import PATIENCE_S
from tests.services.gateways.stripe_account import VERSION, Account
from tests.support.receiver import Receiver

RETURN_URL = "https://shop.example/back"


@dataclass
class Stripe:
    """The connector, and the account it works for."""

    account: Account
    gateway: StripeGateway
    webhook_secret: str

    async def effects(self, operation: Operation) -> list[str]:
        """Return what the journal says was done for the operation's payment."""
        return [effect["type"] for effect in await self.account.simulator.effects(operation.payment_id)]

    async def prepared(self, method: str = "pm_card_visa", **fields: Any) -> Operation:
        """Take the first step of a payment of 10.00 USD, and return the operation with what was recorded."""
        asked = order(method, "card", **{"currency": "USD", "return_url": RETURN_URL, **fields})
        outcome = await self.gateway.prepare(asked)
        assert outcome.kind is OutcomeKind.PREPARED, outcome
        return replace(asked, references=dict(outcome.references))

    async def paid(self, method: str = "pm_card_visa", **fields: Any) -> tuple[Operation, GatewayOutcome]:
        """Take both steps."""
        asked = await self.prepared(method, **fields)
        return asked, await self.gateway.authorise(asked)

    async def switch(self, **rule: Any) -> None:
        """Put one fault rule in force."""
        await self.account.simulator.switch(**rule)


@asynccontextmanager
async def connected(account: Account, receiver: Receiver, *told: str, **options: Any) -> AsyncIterator[Stripe]:
    """Connect to an account, as a merchant does: by its key, and the secret of a webhook endpoint. told: its events."""
    made = await account.sdk.v1.webhook_endpoints.create_async(
        params={"url": receiver.url, "enabled_events": list(told or ("*",)), "api_version": VERSION}  # type: ignore[typeddict-item]
    )
    secret = str(made.secret)
    gateway = StripeGateway(
        StripeKeys(account.key, secret),
        api_base=str(account.simulator.http.base_url).rstrip("/") + "/stripe",
        **{"timeout_s": PATIENCE_S, **options},
    )
    try:
        yield Stripe(account, gateway, secret)
    finally:
        await gateway.aclose()
