"""The go-live checklist, item by item. It reads the database, calls the gateways, and changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import Row

from clearway.db import across_merchants, gateway_health, gateways
from clearway.db.across_merchants import Rehearsal
from clearway.domain.gateway_health import HealthStatus
from clearway.domain.merchant import Mode
from clearway.gateway_configs import coverage, trial
from clearway.services import Services

TESTED_AT_ONCE: Final = 10
"""How many gateways are asked; the rest of a long list is tested one by one."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item. what: a statement that is true or false. how: what to do when it is false."""

    name: str
    what: str
    done: bool
    how: str

    @property
    def how_now(self) -> str | None:
        """What to do, if the item is not done."""
        return None if self.done else self.how


async def checklist(services: Services, merchant_id: str, mode: Mode) -> Sequence[Item]:
    """Return the items, in the recommended order."""
    async with services.reader.connect() as connection:
        rows = await gateways.list_all(connection, merchant_id)
        seen = await across_merchants.rehearsal(connection, merchant_id)
        health = await gateway_health.statuses(connection, merchant_id)
    unrouted = await coverage.without_route(services, merchant_id)
    enabled = [row for row in rows if row.enabled]
    tests = await asyncio.gather(*(trial.test(services, merchant_id, mode, row.id) for row in enabled[:TESTED_AT_ONCE]))
    failed = [
        f"{row.name}: {report.message}" for row, (report, _) in zip(enabled, tests, strict=False) if not report.ok
    ]
    odd = [f"{row.name}: {warning}" for row, (_, found) in zip(enabled, tests, strict=False) for warning in found]
    return [
        *_rehearsed(seen),
        *_of_webhooks(seen),
        Item(
            "gateway_enabled",
            "A gateway is connected and enabled.",
            bool(enabled),
            "Connect one with `POST /gateways`, or enable one that is disabled.",
        ),
        Item(
            "gateways_accept_credentials",
            "Every enabled gateway accepts its credentials.",
            bool(enabled) and not failed,
            _joined(failed, "Connect a gateway first."),
        ),
        Item(
            "no_warnings",
            "Nothing about the enabled gateways looks wrong.",
            bool(enabled) and not odd,
            _joined(odd, "Connect a gateway first."),
        ),
        _is_healthy(enabled, health),
        Item(
            "currencies_have_a_route",
            "Every currency of your newest orders is taken by an enabled gateway.",
            not unrouted,
            _joined([f"No enabled gateway takes {currency}." for currency in unrouted], "")
            + " Connect a gateway that takes it, or enable one.",
        ),
        _heard_from(enabled, seen),
        *_of_installation(services),
    ]


def _of_installation(services: Services) -> Iterable[Item]:
    settings = services.settings
    yield Item(
        "production_secrets",
        "The installation runs with secrets of its own.",
        settings.is_production,
        "Set CLEARWAY_ENV=production: it refuses to start with published secrets. See docs/operations.md.",
    )
    yield Item(
        "public_address",
        "Gateways and customers can reach the API over https.",
        _is_public(settings.api_public_url),
        "Set API_PUBLIC_URL to the https address of the API that the internet can reach.",
    )


def _is_healthy(enabled: Sequence[Row[Any]], health: Mapping[str, HealthStatus]) -> Item:
    ill = [row.name for row in enabled if health.get(row.id) is not HealthStatus.HEALTHY]
    return Item(
        "gateways_healthy",
        "Every enabled gateway passes its regular checks.",
        bool(enabled) and not ill,
        _joined(
            [f"{name}: see `GET /gateways/{{id}}/health`, or wait for its first check." for name in ill],
            "Connect a gateway first.",
        ),
    )


def _heard_from(enabled: Sequence[Row[Any]], seen: Rehearsal) -> Item:
    silent = [row.name for row in enabled if row.id not in seen.heard_gateways]
    return Item(
        "gateway_webhooks_arrive",
        "Every enabled gateway has sent a webhook with a valid signature.",
        bool(enabled) and not silent,
        "Enter the `webhook_url` of the gateway at the gateway, and create a payment. "
        + _joined([f"{name} has sent none." for name in silent], "Connect a gateway first."),
    )


def _of_webhooks(seen: Rehearsal) -> Iterable[Item]:
    yield Item(
        "webhook_endpoint",
        "Your program receives webhooks at an https address.",
        seen.https_endpoint,
        "Register one with `POST /webhook_endpoints`.",
    )
    yield Item(
        "webhook_delivered",
        "Your program has accepted a webhook.",
        seen.delivered,
        "Send a test with `POST /webhook_endpoints/{id}/test`, and answer it with a 2xx.",
    )


def _rehearsed(seen: Rehearsal) -> Iterable[Item]:
    yield Item(
        "test_payment",
        "A payment of the account's test merchant succeeded.",
        seen.paid,
        "Create a payment with the API key of the test merchant: docs/testing-values.md lists what succeeds.",
    )
    yield Item(
        "test_refund",
        "A refund of the account's test merchant was processed.",
        seen.refunded,
        "Refund a payment of the test merchant.",
    )


def _joined(found: Sequence[str], otherwise: str) -> str:
    return " ".join(found) or otherwise


def _is_public(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        return parts.scheme == "https" and ip_address(host).is_global
    except ValueError:
        return parts.scheme == "https" and "." in host and not host.endswith((".localhost", ".internal", ".test"))
