"""A merchant's program: calls the public API over HTTP, repeats what was not answered, and visits the gateway's pages.

Nothing of Clearway is imported: these tests see what a merchant sees.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import httpx

PREFIX: Final = "/api/v1"
PATIENCE_S: Final = 60.0
POLL_S: Final = 0.1
AMOUNT: Final = 50_000
HELD_BACK_S: Final = 4.0
"""Under the API's patience with a gateway, and long enough to kill somebody who waits for the answer."""
CARD: Final = {"expiry_month": 12, "expiry_year": 2031, "cvv": "123", "holder_name": "A Customer"}

Read = TypeVar("Read")


async def eventually(
    read: Callable[[], Awaitable[Read]], good: Callable[[Read], object], limit_s: float = PATIENCE_S
) -> Read:
    """Read until it is good, and return it. A server that is away is not good yet."""
    deadline = time.monotonic() + limit_s
    last: Read | httpx.TransportError | None = None
    while time.monotonic() < deadline:
        try:
            last = await read()
            if good(last):
                return last
        except httpx.TransportError as error:
            last = error
        await asyncio.sleep(POLL_S)
    raise AssertionError(f"still not so after {limit_s:.0f} s: {last!r}")


def card(number: str) -> dict[str, Any]:
    """Return the part of a payment's body that names a test card."""
    return {"method": "card", "card": {"number": number, **CARD}}


def held_back(operation: str, amount: int, *, fault: str = "slow") -> dict[str, Any]:
    """Return the fault of a gateway that does what is asked for this amount, and holds its answer back."""
    return {"operation": operation, "fault": fault, "delay_s": HELD_BACK_S, "match": {"amount": amount}}


@dataclass
class Merchant:
    """One merchant with a key, and the way to the gateway's pages and journal."""

    http: httpx.AsyncClient
    gateway: httpx.AsyncClient

    @classmethod
    def of(cls, api_url: str, simulator_url: str, key: str, secret: str) -> Merchant:
        """Return the merchant with these credentials."""
        headers = {"X-Api-Key": key, "X-Api-Secret": secret}
        limits = httpx.Limits(max_connections=100)
        api = httpx.AsyncClient(base_url=api_url + PREFIX, headers=headers, timeout=40, trust_env=False, limits=limits)
        return cls(api, httpx.AsyncClient(base_url=simulator_url, timeout=40, trust_env=False))

    async def aclose(self) -> None:
        """Close the connections."""
        await self.http.aclose()
        await self.gateway.aclose()

    async def post(self, path: str, body: object = None, *, key: str | None = None) -> httpx.Response:
        """Send one request, with an Idempotency-Key if given."""
        return await self.http.post(path, json=body, headers={"Idempotency-Key": key} if key else {})

    async def insist(self, path: str, body: object, *, key: str, limit_s: float = 120.0) -> httpx.Response:
        """Repeat a request with its key until it is answered for good, as a careful client does."""
        return await eventually(
            lambda: self.post(path, body, key=key), lambda answer: answer.status_code < 500, limit_s
        )

    async def read(self, path: str) -> dict[str, Any]:
        """Return what a GET answers."""
        answer = await self.http.get(path)
        return dict(answer.json()) if answer.is_success else {"status": f"HTTP {answer.status_code}"}

    async def order(self, amount: int = AMOUNT, currency: str = "INR") -> str:
        """Create an order and return its id."""
        answer = await self.post("/orders", {"amount": amount, "currency": currency})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def body(self, amount: int = AMOUNT, **fields: object) -> dict[str, Any]:
        """Create an order, and return the body that pays it: UPI to success@razorpay by default."""
        body = {"order_id": await self.order(amount), "method": "upi"} | fields
        return {"vpa": "success@razorpay"} | body if body["method"] == "upi" else body

    async def pay(self, amount: int = AMOUNT, *, key: str | None = None, **fields: object) -> dict[str, Any]:
        """Create a payment of a fresh order and return it as recorded."""
        answer = await self.post("/payments", await self.body(amount, **fields), key=key)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def until(self, thing: dict[str, Any] | str, *statuses: str, limit_s: float = PATIENCE_S) -> dict[str, Any]:
        """Wait until a payment or refund has one of the statuses, and return it."""
        thing_id = thing if isinstance(thing, str) else str(thing["id"])
        noun = "refunds" if thing_id.startswith("rfnd_") else "payments"
        return await eventually(
            lambda: self.read(f"/{noun}/{thing_id}"), lambda found: found["status"] in statuses, limit_s
        )

    async def paid(self, amount: int = AMOUNT, **fields: object) -> dict[str, Any]:
        """Create a payment and wait for its success."""
        return await self.until(await self.pay(amount, **fields), "success")

    async def authorized(self, amount: int = AMOUNT) -> dict[str, Any]:
        """Create a card payment that waits for its capture."""
        made = await self.pay(amount, capture_method="manual", **card("4242424242424242"))
        return await self.until(made, "authorized")

    async def refund(self, payment: dict[str, Any], amount: int | None = None) -> dict[str, Any]:
        """Refund part or all of a payment and return the refund as reserved."""
        answer = await self.post(f"/payments/{payment['id']}/refunds", {"amount": amount} if amount else {})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def press(self, payment: dict[str, Any], button: str = "complete") -> None:
        """Open the page the customer is sent to and press a button of it."""
        url = payment["next_action"]["url"]
        page = await self.gateway.get(url)
        assert page.status_code == 200, page.text
        assert f"{httpx.URL(url).path}/{button}" in page.text or f"/{button}" in page.text
        assert (await self.gateway.post(f"{url}/{button}")).status_code < 400

    async def effects(self, thing: dict[str, Any] | str, kind: str | None = None) -> list[dict[str, Any]]:
        """Return what the gateway's journal has about a payment."""
        payment_id = thing if isinstance(thing, str) else thing["id"]
        query = {"payment_id": payment_id} | ({"type": kind} if kind else {})
        return list((await self.gateway.get("/journal", params=query)).json()["effects"])

    async def charged(self, thing: dict[str, Any] | str) -> list[int]:
        """Return the amounts the gateway really took for a payment, one for each time."""
        return [effect["amount"] for effect in await self.effects(thing, "captured")]

    async def faults(self, *rules: dict[str, Any]) -> None:
        """Put fault rules in force at the gateway, in place of those before."""
        (await self.gateway.put("/faults", json=list(rules))).raise_for_status()

    async def story(self, thing: dict[str, Any] | str) -> list[str]:
        """Return the types of a payment's events, oldest first."""
        payment_id = thing if isinstance(thing, str) else thing["id"]
        return [entry["type"] for entry in (await self.read(f"/payments/{payment_id}/history"))["data"]]
