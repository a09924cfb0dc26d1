"""Sending events to the API as the simulator does."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks import Webhook

from clearway.db.seed import TEST_MERCHANT_ID
from clearway.db.tables import gateway_events
from clearway.domain.gateway import first_gateway_id
from clearway.domain.ids import new_id
from clearway.settings import DEVELOPMENT_SIMULATOR_SECRET
from tests.services.api.conftest import Caller

PATH = f"/gateways/{first_gateway_id(TEST_MERCHANT_ID)}/webhook"


def path_of(caller: Caller | None) -> str:
    """Return where the simulator of a merchant sends its webhooks; None: that of the published test merchant."""
    return PATH if caller is None else f"/gateways/{first_gateway_id(caller.id)}/webhook"


def event_about(key: str, **data: Any) -> dict[str, Any]:
    """Describe an event of the simulator, by default about an approved and captured payment."""
    return {
        "id": new_id("sim_evt"),
        "occurred_at": "2026-11-21T10:00:00Z",
        "data": {
            "object": "operation",
            "id": "sim_pay_1",
            "type": "payment",
            "idempotency_key": key,
            "status": "captured",
            "amount": 50_000,
            "currency": "INR",
        }
        | data,
    }


async def send(
    client: httpx.AsyncClient,
    event: dict[str, Any],
    *,
    at: float | None = None,
    to: Caller | None = None,
    gateway_id: str | None = None,
    secret: str = DEVELOPMENT_SIMULATOR_SECRET,
) -> httpx.Response:
    """Send an event signed as the simulator signs. to: whose simulator sends it, or which gateway."""
    body = json.dumps(event)
    moment = datetime.fromtimestamp(at or time.time(), UTC)
    signature = Webhook(secret).sign(event["id"], moment, body)
    headers = {
        "webhook-id": event["id"],
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": signature,
        "content-type": "application/json",
    }
    return await client.post(
        f"/gateways/{gateway_id}/webhook" if gateway_id else path_of(to), content=body, headers=headers
    )


async def disposition(engine: AsyncEngine, event_id: str) -> str | None:
    """Return the disposition of an event, or None when it is not stored."""
    async with engine.connect() as connection:
        query = select(gateway_events.c.disposition).where(gateway_events.c.event_id == event_id)
        return (await connection.execute(query)).scalar_one_or_none()
