"""A merchant of a stand-in with a page of its own, and a customer who clicks."""

from __future__ import annotations

import asyncio
import base64
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from clearway.domain.ids import PAYMENT, new_id
from clearway.simulator.facades.telcell.codes import security_code
from tests.services.gateways.running import Simulator
from tests.support.receiver import Delivery, Receiver

BACK = "https://shop.example/back"
GONE = "https://shop.example/gone"


@dataclass
class Shop:
    """One account at one gateway. Its secret is `secret_NAME` until it is registered with another."""

    simulator: Simulator
    gateway: str
    name: str = field(default_factory=lambda: f"shop{secrets.token_hex(6)}")

    @property
    def secret(self) -> str:
        """The key of checksums, or the password."""
        return f"secret_{self.name}"

    async def register(self, **fields: Any) -> None:
        """Agree with the gateway where it reports to, and where customers come back to."""
        body = {"secret": self.secret, "success_url": BACK, "fail_url": GONE} | fields
        answer = await self.simulator.http.put(f"/{self.gateway}/accounts/{self.name}", json=body)
        assert answer.status_code == 200, answer.text

    async def send(self, method: str, path: str, **fields: Any) -> httpx.Response:
        """Send one request to the gateway."""
        return await self.simulator.http.request(method, f"/{self.gateway}{path}", **fields)

    async def call(self, path: str, body: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Send a JSON body, and return the JSON of the answer, which must be HTTP 200."""
        answer = await self.send("POST", path, json=body, **fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def press(self, page: str, button: str) -> httpx.Response:
        """Open a page, and press one of its buttons, as a browser does."""
        shown = await self.simulator.http.get(page)
        assert shown.status_code == 200, shown.text
        actions = [part.split('"')[0] for part in shown.text.split('action="')[1:]]
        [action] = [one for one in actions if one.endswith(f"/{button}")]
        return await self.simulator.http.post(action)

    async def effects(self, payment_id: str) -> list[tuple[str, int]]:
        """Return what the journal says of a payment."""
        return [(effect["type"], effect["amount"]) for effect in await self.simulator.effects(payment_id)]


def new_payment() -> str:
    """Return the id of a new payment."""
    return new_id(PAYMENT)


def came_back(answer: httpx.Response) -> tuple[str, dict[str, str]]:
    """Return where a customer is sent, and the parameters that they carry."""
    assert answer.status_code == 303, answer.text
    parts = urlsplit(answer.headers["location"])
    return f"{parts.scheme}://{parts.netloc}{parts.path}", dict(parse_qsl(parts.query))


def reported(delivery: Delivery) -> dict[str, str]:
    """Return the fields of a report: of its form, or of its query."""
    text = delivery.body.decode() or delivery.path.partition("?")[2]
    return dict(parse_qsl(text, keep_blank_values=True))


async def quiet(receiver: Receiver, *, seconds: float = 0.8) -> None:
    """Wait long enough for a report that must not come, and fail if one came."""
    before = len(receiver.received)
    await asyncio.sleep(seconds)
    assert len(receiver.received) == before, receiver.received[before:]


def invoice(shop: Shop, number: str, price: str = "10", **fields: str) -> dict[str, str]:
    """Return a signed request for an invoice of Telcell."""
    asked = {
        "action": "PostInvoice",
        "issuer": shop.name,
        "currency": "֏",
        "price": price,
        "product": base64.b64encode(b"A test").decode(),
        "issuer_id": base64.b64encode(number.encode()).decode(),
        "valid_days": "1",
        "lang": "en",
    } | fields
    return {"security_code": security_code(shop.secret, asked)} | asked
