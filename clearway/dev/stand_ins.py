"""Connects the test merchant of a development stack to the stand-ins of Stripe, PayPal and Square, as a merchant would.

It does what docs/gateways say, over the public API: connect, make the webhook at the gateway, enter its secret. The
credentials are those of accounts at the stand-ins; no real gateway knows them. The simulator keeps its priority, so
that payments go to it unless a request or a rule names another gateway.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx

from clearway.dev.errors import StackError
from clearway.settings import TEST_API_KEY, TEST_API_SECRET

TIMEOUT_S: Final = 30.0
STRIPE_EVENTS: Final = (
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.amount_capturable_updated",
    "payment_intent.requires_action",
    "payment_intent.canceled",
    "refund.created",
    "refund.updated",
    "refund.failed",
)
STRIPE_VERSION: Final = "2026-10-28.endive"
SQUARE_EVENTS: Final = ("payment.created", "payment.updated", "refund.created", "refund.updated")
AFTER_THE_SIMULATOR: Final = (200, 300, 400)
"""The priorities of Stripe, PayPal and Square; the simulator has 100."""

Json = dict[str, Any]


@dataclass(frozen=True)
class StandIn:
    """A gateway to connect. webhook: makes the webhook at the stand-in, and returns the credential it gives.

    assigned: asks the stand-in for settings that it assigns.
    """

    kind: str
    priority: int
    credentials: Json
    settings: Json
    webhook: Callable[[httpx.AsyncClient, str], Awaitable[Json]]
    assigned: Callable[[httpx.AsyncClient], Awaitable[Json]] | None = None


def stripe(account: str, priority: int = AFTER_THE_SIMULATOR[0]) -> StandIn:
    """Return an account at the stand-in of Stripe."""
    key = f"sk_test_{account}"

    async def webhook(simulator: httpx.AsyncClient, url: str) -> Json:
        form: Json = {"url": url, "api_version": STRIPE_VERSION}
        form |= {f"enabled_events[{number}]": name for number, name in enumerate(STRIPE_EVENTS)}
        headers = {"authorization": f"Bearer {key}"}
        made = await simulator.post("/stripe/v1/webhook_endpoints", data=form, headers=headers)
        return {"webhook_secret": made.raise_for_status().json()["secret"]}

    settings = {"publishable_key": f"pk_test_{account}", "multicapture": True}
    return StandIn("stripe", priority, {"secret_key": key}, settings, webhook)


def paypal(account: str, priority: int = AFTER_THE_SIMULATOR[1]) -> StandIn:
    """Return an app of an account at the stand-in of PayPal."""
    client_id, secret = f"client_{account}", f"secret_{account}"

    async def webhook(simulator: httpx.AsyncClient, url: str) -> Json:
        grant = {"grant_type": "client_credentials"}
        token = await simulator.post("/paypal/v1/oauth2/token", data=grant, auth=(client_id, secret))
        headers = {"authorization": f"Bearer {token.raise_for_status().json()['access_token']}"}
        asked = {"url": url, "event_types": [{"name": "*"}]}
        made = await simulator.post("/paypal/v1/notifications/webhooks", json=asked, headers=headers)
        return {"webhook_id": made.raise_for_status().json()["id"]}

    credentials = {"client_id": client_id, "client_secret": secret}
    return StandIn("paypal", priority, credentials, {"environment": "sandbox", "client_id": client_id}, webhook)


def square(account: str, priority: int = AFTER_THE_SIMULATOR[2]) -> StandIn:
    """Return the first location of a seller at the stand-in of Square, which takes US dollars."""
    token = f"EAAA_{account}"
    headers = {"authorization": f"Bearer {token}"}

    async def assigned(simulator: httpx.AsyncClient) -> Json:
        listed = await simulator.get("/square/v2/locations", headers=headers)
        location = listed.raise_for_status().json()["locations"][0]
        return {"location_id": location["id"], "currency": location["currency"]}

    async def webhook(simulator: httpx.AsyncClient, url: str) -> Json:
        asked = {"name": "Clearway", "event_types": SQUARE_EVENTS, "notification_url": url}
        made = await simulator.post("/square/v2/webhooks/subscriptions", json={"subscription": asked}, headers=headers)
        return {"signature_key": made.raise_for_status().json()["subscription"]["signature_key"]}

    settings = {"environment": "sandbox", "application_id": f"sandbox-sq0idb-{account}"}
    return StandIn("square", priority, {"access_token": token}, settings, webhook, assigned)


DEVELOPMENT: Final = (stripe("clearway_development"), paypal("clearway_development"), square("clearway_development"))
"""The accounts of the published test merchant."""


async def connect_test_merchant(api_url: str, simulator_url: str) -> list[str]:
    """Connect the test merchant to the stand-ins that it has no gateway of yet; return the titles of all its gateways.

    Raises StackError when the API or a stand-in refuses.
    """
    credentials = {"X-Api-Key": TEST_API_KEY, "X-Api-Secret": TEST_API_SECRET}
    async with (
        httpx.AsyncClient(base_url=f"{api_url}/api/v1", headers=credentials, timeout=TIMEOUT_S, trust_env=False) as api,
        httpx.AsyncClient(base_url=simulator_url, timeout=TIMEOUT_S, trust_env=False) as simulator,
    ):
        try:
            for stand_in in DEVELOPMENT:
                await _ensure(api, simulator, stand_in)
            return [row["name"] for row in await _gateways(api) if row["enabled"]]
        except httpx.HTTPStatusError as error:
            raise StackError(f"{error.request.url} answered {error.response.text}") from error
        except httpx.TransportError as error:
            raise StackError(f"the API or the simulator does not answer ({type(error).__name__})") from error


async def connect(api: httpx.AsyncClient, simulator: httpx.AsyncClient, stand_in: StandIn) -> Json:
    """Connect the merchant of `api` to a stand-in, its webhook included; return the gateway. Raises HTTPError."""
    assigned = await stand_in.assigned(simulator) if stand_in.assigned else {}
    settings = stand_in.settings | assigned | {"api_base": _base(simulator, stand_in)}
    body = {
        "kind": stand_in.kind,
        "priority": stand_in.priority,
        "credentials": stand_in.credentials,
        "settings": settings,
    }
    made = (await api.post("/gateways", json=body)).raise_for_status().json()
    return await _hear_from(api, simulator, stand_in, made)


async def _ensure(api: httpx.AsyncClient, simulator: httpx.AsyncClient, stand_in: StandIn) -> None:
    found = [row for row in await _gateways(api) if row["kind"] == stand_in.kind]
    if not found:
        await connect(api, simulator, stand_in)
        return
    base = _base(simulator, stand_in)
    for row in found:
        before = row["settings"].get("api_base")
        if before != base and _is_a_stand_in(before):
            # The stack listens on other ports than at its last start.
            change = {"settings": {"api_base": base}}
            (await api.patch(f"/gateways/{row['id']}", json=change)).raise_for_status()
            await _hear_from(api, simulator, stand_in, row)


async def _hear_from(api: httpx.AsyncClient, simulator: httpx.AsyncClient, stand_in: StandIn, gateway: Json) -> Json:
    credential = await stand_in.webhook(simulator, gateway["webhook_url"])
    changed = await api.patch(f"/gateways/{gateway['id']}", json={"credentials": credential})
    row: Json = changed.raise_for_status().json()
    return row


async def _gateways(api: httpx.AsyncClient) -> list[Json]:
    rows: list[Json] = (await api.get("/gateways", params={"limit": 100})).raise_for_status().json()["data"]
    return rows[::-1]


def _base(simulator: httpx.AsyncClient, stand_in: StandIn) -> str:
    return f"{str(simulator.base_url).rstrip('/')}/{stand_in.kind}"


def _is_a_stand_in(api_base: str | None) -> bool:
    return api_base is not None and httpx.URL(api_base).host == "127.0.0.1"
