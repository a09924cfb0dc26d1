"""A seller at Square's stand-in, as the official SDK and plain HTTP reach it. Every answer's shape is checked."""

from __future__ import annotations

from typing import Any

import httpx
from square import AsyncSquare
from square.types.payment import Payment

from clearway.domain.ids import PAYMENT, new_id
from tests.services.gateways.running import Simulator
from tests.support.square_shapes import assert_shape

ONCE: Any = {"max_retries": 0}
"""The SDK retries by itself unless it is told not to."""


class Seller:
    """One seller. `sdk` is the vendor's client; `send` shows status, headers and body as they are."""

    def __init__(self, simulator: Simulator, name: str) -> None:
        self.simulator = simulator
        self.token = f"EAAA_{name}"
        self._http = httpx.AsyncClient(trust_env=False, timeout=30, event_hooks={"response": [_check]})
        self.sdk = AsyncSquare(token=self.token, base_url=f"{simulator.url}/square", httpx_client=self._http)

    async def aclose(self) -> None:
        """Close the connections of the SDK."""
        await self._http.aclose()

    async def send(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, token: str | None = None, **query: Any
    ) -> httpx.Response:
        """Send one request; fail if the answer has not the shape of Square's."""
        headers = {"authorization": f"Bearer {token or self.token}"}
        content = {"json": body} if body is not None else {}
        url = f"/square/v2{path}"
        response = await self.simulator.http.request(method, url, headers=headers, params=query, **content)
        assert_shape(response.json())
        return response

    async def location(self, currency: str = "USD") -> str:
        """Return the location of a currency."""
        listed = (await self.send("GET", "/locations")).json()["locations"]
        return str(next(one["id"] for one in listed if one["currency"] == currency))

    async def pay(self, source: str = "cnon:card-nonce-ok", key: str | None = None, **fields: Any) -> httpx.Response:
        """Take 10.00 USD for a new payment, by default."""
        payment_id = new_id(PAYMENT)
        asked: dict[str, Any] = {
            "source_id": source,
            "idempotency_key": f"{payment_id}:authorise:1" if key is None else key,
            "amount_money": {"amount": 1_000, "currency": "USD"},
            "reference_id": f"{payment_id}:1",
        }
        return await self.send("POST", "/payments", asked | fields)

    async def paid(self, source: str = "cnon:card-nonce-ok", **fields: Any) -> dict[str, Any]:
        """Take a payment, and return it."""
        response = await self.pay(source, **fields)
        assert response.status_code == 200, response.text
        payment: dict[str, Any] = response.json()["payment"]
        return payment

    async def held(self, **fields: Any) -> dict[str, Any]:
        """Reserve the money of a payment, and return it."""
        return await self.paid(autocomplete=False, **fields)

    async def read(self, payment: dict[str, Any]) -> dict[str, Any]:
        """Show a payment."""
        found: dict[str, Any] = (await self.send("GET", f"/payments/{payment['id']}")).json()["payment"]
        return found

    async def effects(self, payment: dict[str, Any] | Payment) -> list[tuple[str, int]]:
        """Return what the journal says of a payment."""
        reference = payment["reference_id"] if isinstance(payment, dict) else payment.reference_id
        found = await self.simulator.effects(str(reference).partition(":")[0])
        return [(effect["type"], effect["amount"]) for effect in found]


def refusal(response: httpx.Response) -> tuple[int, str, str]:
    """Return the status, category and code of an error."""
    [error] = response.json()["errors"]
    return response.status_code, error["category"], error["code"]


async def _check(response: httpx.Response) -> None:
    await response.aread()
    assert_shape(response.json())
