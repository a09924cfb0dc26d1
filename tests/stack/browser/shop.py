"""A shop for browser tests: makes orders over the public API, and counts what the gateway really charged."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from clearway.settings import TEST_API_KEY
from tests.stack.e2e.merchant import eventually

DEMANDING_AMOUNT = 123_450


@dataclass
class Shop:
    """One merchant, and the gateway's journal."""

    api: httpx.AsyncClient
    gateway: httpx.AsyncClient
    checkout_url: str
    key: str = TEST_API_KEY

    @classmethod
    def of(cls, api_url: str, simulator_url: str, checkout_url: str, key: str, secret: str) -> Self:
        """Return the shop of the merchant with this key."""
        headers = {"X-Api-Key": key, "X-Api-Secret": secret}
        api = httpx.AsyncClient(base_url=f"{api_url}/api/v1", headers=headers, timeout=30, trust_env=False)
        gateway = httpx.AsyncClient(base_url=simulator_url, timeout=30, trust_env=False)
        return cls(api, gateway, checkout_url, key)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.api.aclose()
        await self.gateway.aclose()

    async def order(self, amount: int = 50_000, currency: str = "INR", **more: object) -> str:
        """Make an order; return its id."""
        answer = await self.api.post("/orders", json={"amount": amount, "currency": currency, **more})
        return str(answer.raise_for_status().json()["id"])

    async def read(self, path: str) -> dict[str, Any]:
        """Return what the API shows at a path."""
        found: dict[str, Any] = (await self.api.get(path)).raise_for_status().json()
        return found

    async def payment(
        self, status: str, *, vpa: str = "success@razorpay", amount: int = 50_000, **fields: object
    ) -> dict[str, Any]:
        """Pay an order of its own by UPI; return the payment once it has this status."""
        body = {"order_id": await self.order(amount), "method": "upi", "vpa": vpa, **fields}
        made = (await self.api.post("/payments", json=body)).raise_for_status().json()
        return await eventually(lambda: self.read(f"/payments/{made['id']}"), lambda found: found["status"] == status)

    async def status(self, order: str) -> str:
        """Return the status of an order."""
        return str((await self.api.get(f"/orders/{order}")).raise_for_status().json()["status"])

    async def payments(self, order: str) -> list[dict[str, Any]]:
        """Return the payments of an order, newest first."""
        answer = await self.api.get("/payments", params={"order_id": order})
        rows: list[dict[str, Any]] = answer.raise_for_status().json()["data"]
        return rows

    async def charges(self, order: str) -> int:
        """Return how often the gateway took the money of an order."""
        count = 0
        for payment in await self.payments(order):
            answer = await self.gateway.get(
                "/v1/operations", params={"since": "2020-01-01T00:00:00Z", "payment": payment["id"]}
            )
            rows = answer.raise_for_status().json()["data"]
            count += sum(row["type"] == "payment" and row["status"] in {"captured", "succeeded"} for row in rows)
        return count

    async def gateways(self) -> list[dict[str, Any]]:
        """Return the merchant's gateways."""
        rows: list[dict[str, Any]] = (await self.api.get("/gateways")).raise_for_status().json()["data"]
        return rows

    async def set_gateway(self, gateway_id: str, **settings: object) -> None:
        """Change the settings of a gateway."""
        (await self.api.patch(f"/gateways/{gateway_id}", json={"settings": settings})).raise_for_status()

    def page(self, order: str, **query: str) -> str:
        """Return the address of the order's checkout page."""
        given = httpx.QueryParams({"key": self.key, **query})
        return f"{self.checkout_url}/checkout/{order}?{given}"
