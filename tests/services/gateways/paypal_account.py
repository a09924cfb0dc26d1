"""An account at PayPal's stand-in, as plain HTTP reaches it, and a payer who clicks."""

from __future__ import annotations

import base64
from typing import Any

import httpx

from clearway.domain.ids import PAYMENT, new_id
from tests.services.gateways.running import Simulator
from tests.support.paypal_shapes import assert_shape


class Account:
    """One account. `send` shows status, headers and body as they are; every answer's shape is checked."""

    def __init__(self, simulator: Simulator, name: str) -> None:
        self.simulator = simulator
        self.client_id, self.secret = f"client_{name}", f"secret_{name}"
        self._token: str | None = None

    async def token(self, client_id: str | None = None, secret: str | None = None) -> httpx.Response:
        """Ask for an access token."""
        pair = f"{client_id or self.client_id}:{secret or self.secret}"
        headers = {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
        form = {"grant_type": "client_credentials"}
        return await self.simulator.http.post("/paypal/v1/oauth2/token", data=form, headers=headers)

    async def send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        key: str | None = None,
        whole: bool = True,
        **more: str,
    ) -> httpx.Response:
        """Send one request; fail if the answer has not the shape of PayPal's."""
        if self._token is None:
            self._token = (await self.token()).json()["access_token"]
        headers = {
            "authorization": f"Bearer {self._token}",
            "prefer": f"return={'representation' if whole else 'minimal'}",
        }
        headers |= ({"paypal-request-id": key} if key else {}) | {
            name.replace("_", "-"): text for name, text in more.items()
        }
        content = {"json": body} if body is not None else {"headers": {}}
        content["headers"] = headers
        response = await self.simulator.http.request(method, f"/paypal{path}", **content)
        assert_shape(path, response)
        return response

    async def order(
        self, intent: str = "CAPTURE", value: str = "10.00", currency: str = "USD", **unit: Any
    ) -> dict[str, Any]:
        """Create an order of a new payment, which waits for its payer."""
        payment_id = new_id(PAYMENT)
        asked = new_order(intent, value, currency, custom_id=payment_id, invoice_id=f"{payment_id}:authorise:1", **unit)
        response = await self.send("POST", "/v2/checkout/orders", asked, key=f"{payment_id}:order")
        assert response.status_code == 201, response.text
        made: dict[str, Any] = response.json()
        return made

    async def click(self, order: dict[str, Any], button: str = "approve/balance") -> httpx.Response:
        """Press a button of the page, as the payer does."""
        [page] = [link["href"] for link in order["links"] if link["rel"] == "payer-action"]
        assert (await self.simulator.http.get(page)).status_code == 200
        return await self.simulator.http.post(f"/paypal/checkoutnow/{order['id']}/{button}")

    async def approved(self, intent: str = "CAPTURE", button: str = "approve/balance", **fields: Any) -> dict[str, Any]:
        """Create an order and have the payer approve it."""
        order = await self.order(intent, **fields)
        assert (await self.click(order, button)).status_code == 303
        return order

    async def paid(self, intent: str = "CAPTURE", button: str = "approve/balance", **fields: Any) -> dict[str, Any]:
        """Create an order, approve it, and capture or authorise it."""
        order = await self.approved(intent, button, **fields)
        act = intent.lower()
        response = await self.send("POST", f"/v2/checkout/orders/{order['id']}/{act}", {}, key=f"{order['id']}:{act}")
        assert response.status_code == 201, response.text
        paid: dict[str, Any] = response.json()
        return paid

    async def read(self, order: dict[str, Any]) -> dict[str, Any]:
        """Show an order."""
        found: dict[str, Any] = (await self.send("GET", f"/v2/checkout/orders/{order['id']}")).json()
        return found

    async def effects(self, order: dict[str, Any]) -> list[tuple[str, int]]:
        """Return what the journal says of an order."""
        found = await self.simulator.effects(order["purchase_units"][0]["custom_id"])
        return [(effect["type"], effect["amount"]) for effect in found]


def new_order(intent: str = "CAPTURE", value: str = "10.00", currency: str = "USD", **unit: Any) -> dict[str, Any]:
    """Return the body of a new order that the payer approves on PayPal's page."""
    context = {"return_url": "https://shop.example/back", "cancel_url": "https://shop.example/cancel"}
    return {
        "intent": intent,
        "purchase_units": [{"amount": {"currency_code": currency, "value": value}, **unit}],
        "payment_source": {"paypal": {"experience_context": context}},
    }


def only(order: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the one capture, authorization or refund of an order."""
    [found] = order["purchase_units"][0]["payments"][kind]
    assert isinstance(found, dict)
    return found


def issue(response: httpx.Response) -> tuple[int, str]:
    """Return the status and the issue of an error."""
    return response.status_code, response.json()["details"][0]["issue"]
