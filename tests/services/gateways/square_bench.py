"""Square's connector at work on its stand-in: a seller with a webhook subscription, and payments in one step."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from clearway.gateways.contract import GatewayOutcome, Operation
from clearway.gateways.square.api import SquareKeys
from clearway.gateways.square.client import Location, SquareGateway
from tests.services.gateways.asking import order
from tests.services.gateways.running import PATIENCE_S
from tests.services.gateways.square_account import Seller
from tests.support.receiver import Receiver

CARD = "cnon:card-nonce-ok"
EVENTS = ("payment.created", "payment.updated", "refund.created", "refund.updated")


@dataclass
class Square:
    """The connector, and the seller it works for."""

    seller: Seller
    gateway: SquareGateway
    signature_key: str
    location: Location

    async def effects(self, operation: Operation) -> list[str]:
        """Return what the journal says was done for the operation's payment."""
        return [effect["type"] for effect in await self.seller.simulator.effects(operation.payment_id)]

    def asked(self, token: str = CARD, **fields: Any) -> Operation:
        """Ask for a payment of 10.00 in the location's currency."""
        return order(token, "card", **{"currency": self.location.currency, **fields})

    async def paid(self, token: str = CARD, **fields: Any) -> tuple[Operation, GatewayOutcome]:
        """Take a payment."""
        asked = self.asked(token, **fields)
        return asked, await self.gateway.authorise(asked)

    async def switch(self, **rule: Any) -> None:
        """Put one fault rule in force."""
        await self.seller.simulator.switch(**rule)


@asynccontextmanager
async def connected(
    seller: Seller, receiver: Receiver, *types: str, currency: str = "USD", **options: Any
) -> AsyncIterator[Square]:
    """Connect to a location, as a merchant does: by an access token, and the key of a webhook subscription."""
    asked = {"name": "Clearway", "event_types": list(types or EVENTS), "notification_url": receiver.url}
    made = (await seller.send("POST", "/webhooks/subscriptions", {"subscription": asked})).json()["subscription"]
    location = Location(await seller.location(currency), currency)
    gateway = SquareGateway(
        SquareKeys(seller.token, made["signature_key"]),
        location,
        api_base=f"{seller.simulator.url}/square",
        notification_url=receiver.url,
        **{"timeout_s": PATIENCE_S, **options},
    )
    try:
        yield Square(seller, gateway, made["signature_key"], location)
    finally:
        await gateway.aclose()
