"""The connectors of the example documents at work on their stand-ins, and a customer who presses buttons."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from clearway.gateways.contract import ActionKind, GatewayOutcome, Operation, OutcomeKind
from clearway.gateways.custom.client import CustomGateway
from clearway.gateways.custom.context import Entered
from clearway.gateways.custom.kind import document_of
from clearway.gateways.http import gateway_client
from tests.services.gateways.asking import follow_up, order, prepared
from tests.services.gateways.hosted_shop import BACK, Shop
from tests.services.gateways.running import PATIENCE_S

FOLDER = Path(__file__).parents[3] / "deploy" / "gateways"
METHODS = {"ameriabank": "netbanking", "arca": "netbanking"}


@dataclass
class AtWork:
    """A connector, and the account it works for."""

    shop: Shop
    gateway: CustomGateway

    def asked(self, **fields: Any) -> Operation:
        """Ask for 1,900 drams from a new payment."""
        method = METHODS.get(self.shop.gateway, "wallet")
        wanted = {"amount_minor": 190_000, "currency": "AMD", "return_url": BACK} | fields
        return order(self.shop.gateway.upper(), method, **wanted)

    async def begun(self, **fields: Any) -> Operation:
        """Begin a payment: the first step, where there is one."""
        return await prepared(self.gateway, self.asked(**fields))

    async def page(self, asked: Operation) -> str:
        """Send the customer to the page, as the connector says, and return its URL."""
        outcome = await self.gateway.authorise(asked)
        assert outcome.kind is OutcomeKind.NEEDS_ACTION, outcome
        action, http = outcome.action, self.shop.simulator.http
        assert action is not None, "there is a page"
        posts = action.kind is ActionKind.FORM_POST
        answer = await (http.post(action.url, data=dict(action.fields)) if posts else http.get(action.url))
        if answer.status_code == 303:
            return str(answer.headers["location"])
        assert answer.status_code == 200, answer.text
        return action.url

    async def visited(self, button: str = "pay", **fields: Any) -> Operation:
        """Begin a payment, and have the customer press a button."""
        asked = await self.begun(**fields)
        assert (await self.shop.press(await self.page(asked), button)).status_code == 303
        return asked

    async def effects(self, asked: Operation) -> list[str]:
        """Return what the journal says was done for the operation's payment."""
        return [kind for kind, _ in await self.shop.effects(asked.payment_id)]


def change(asked: Operation, kind: str, amount: int = 190_000) -> Operation:
    """Ask for a capture, void or refund of what was begun."""
    return follow_up(asked, GatewayOutcome(OutcomeKind.APPROVED, references=asked.references), kind, amount)


def entered(shop: Shop, callback_url: str = "https://clearway.example/webhook", base: str | None = None) -> Entered:
    """Return what a merchant enters for an account at the stand-in. base: another address."""
    address = base or f"{shop.simulator.url}/{shop.gateway}"
    credentials = {
        "telcell": {"shop_key": shop.secret},
        "idram": {"secret_key": shop.secret},
        "fastshift": {"token": f"token_{shop.name}"},
        "ameriabank": {"client_id": "client", "username": shop.name, "password": shop.secret},
        "arca": {"user_name": shop.name, "password": shop.secret},
    }[shop.gateway]
    settings = {"shop_id": shop.name, "rec_account": shop.name, "language": "en", "valid_days": "1"}
    return Entered(settings, credentials, {"api": address, "page": address}, callback_url)


def content_of(gateway: str) -> dict[str, Any]:
    """Return the document, as JSON."""
    content: dict[str, Any] = orjson.loads((FOLDER / f"{gateway}.json").read_bytes())
    return content


@asynccontextmanager
async def connected(shop: Shop, document: dict[str, Any] | None = None, **more: Any) -> AsyncIterator[AtWork]:
    """Connect an account by the example document, or by another."""
    gateway = gateway_of(shop, document, **more)
    try:
        yield AtWork(shop, gateway)
    finally:
        await gateway.aclose()


def gateway_of(
    shop: Shop, document: dict[str, Any] | None = None, *, timeout_s: float = PATIENCE_S, **more: Any
) -> CustomGateway:
    """Return the connector of an account."""
    parsed = document_of(orjson.dumps(document or content_of(shop.gateway)))
    return CustomGateway(parsed, entered(shop, **more), gateway_client(timeout_s), timeout_s=timeout_s)
