"""PayPal's connector at work on its stand-in: an account with a webhook, and a payer who clicks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from clearway.gateways.contract import GatewayOutcome, Operation, OutcomeKind
from clearway.gateways.paypal.client import PayPalGateway
from clearway.gateways.paypal.exchange import PayPalCredentials
from tests.services.gateways.asking import order
from tests.services.gateways.paypal_account import Account
from tests.services.gateways.running import PATIENCE_S
from tests.support.receiver import Receiver

RETURN_URL = "https://shop.example/back"


@dataclass
class PayPal:
    """The connector, and the account it works for."""

    account: Account
    gateway: PayPalGateway
    webhook_id: str

    async def effects(self, operation: Operation) -> list[str]:
        """Return what the journal says was done for the operation's payment."""
        return [effect["type"] for effect in await self.account.simulator.effects(operation.payment_id)]

    async def prepared(self, **fields: Any) -> Operation:
        """Take the first step of a payment of 10.00 USD, and return the operation with what was recorded."""
        asked = order("paypal", "wallet", **{"currency": "USD", "return_url": RETURN_URL, **fields})
        outcome = await self.gateway.prepare(asked)
        assert outcome.kind is OutcomeKind.PREPARED, outcome
        return replace(asked, references=dict(outcome.references))

    async def approved(self, button: str = "approve/balance", **fields: Any) -> Operation:
        """Prepare a payment, and have the payer approve it."""
        asked = await self.prepared(**fields)
        path = f"/paypal/checkoutnow/{asked.payment_reference}/{button}"
        assert (await self.account.simulator.http.post(path)).status_code == 303
        return asked

    async def paid(self, button: str = "approve/balance", **fields: Any) -> tuple[Operation, GatewayOutcome]:
        """Prepare, approve and authorise."""
        asked = await self.approved(button, **fields)
        return asked, await self.gateway.authorise(asked)

    async def switch(self, **rule: Any) -> None:
        """Put one fault rule in force."""
        await self.account.simulator.switch(**rule)


@asynccontextmanager
async def connected(
    account: Account,
    receiver: Receiver,
    *,
    cls: type[PayPalGateway] = PayPalGateway,
    told: tuple[str, ...] = ("*",),
    **options: Any,
) -> AsyncIterator[PayPal]:
    """Connect to an account, as a merchant does: by the keys of an app, and the id of its webhook."""
    asked = {"url": receiver.url, "event_types": [{"name": name} for name in told]}
    made = (await account.send("POST", "/v1/notifications/webhooks", asked)).json()
    gateway = cls(
        PayPalCredentials(account.client_id, account.secret, made["id"]),
        api_base=str(account.simulator.http.base_url).rstrip("/") + "/paypal",
        **{"timeout_s": PATIENCE_S, **options},
    )
    try:
        yield PayPal(account, gateway, made["id"])
    finally:
        await gateway.aclose()
