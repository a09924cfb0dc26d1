"""Replay stored requests of gateways: after a secret was corrected, or after work was lost.

The gateway's connector reads the request with its current credentials, as of the time of receipt. A payment
never moves back, so an event may be passed on any number of times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row

from clearway.crypto.encryption import DecryptionError
from clearway.db import audit, gateway_events
from clearway.db.gateway_events import EventFilter, Kept
from clearway.domain.actor import Actor
from clearway.domain.errors import ConflictError, NotFoundError
from clearway.domain.gateway_event import Disposition, Verdict
from clearway.domain.ids import GATEWAY_EVENT, is_id
from clearway.gateway_events import receiving
from clearway.gateway_events.raw import request_of
from clearway.gateways.connections import GatewayUnusableError
from clearway.gateways.contract import EventUnreadableError, SignatureInvalidError
from clearway.services import Services

AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Replayed:
    """The result of a replay. reason: why it changed nothing."""

    id: str
    dispositions: Sequence[Disposition] = ()
    reason: str | None = None


async def find(services: Services, merchant_id: str, event_id: str) -> Row[Any]:
    """Return an event of the merchant's gateways. Raises NotFoundError."""
    async with services.reader.connect() as connection:
        known = is_id(GATEWAY_EVENT, event_id)
        row = await gateway_events.find(connection, merchant_id, event_id) if known else None
    if row is None:
        raise NotFoundError("gateway_event_not_found", f"Your gateways have sent no event {event_id!r}.")
    return row


async def replay(services: Services, actor: Actor, event_id: str) -> Replayed:
    """Replay one. Raises NotFoundError, ConflictError and UnavailableError."""
    row = await find(services, actor.merchant_id, event_id)
    if not row.complete:
        detail = f"Only the beginning of gateway event {event_id} is kept. Have the gateway send it again."
        raise ConflictError("gateway_event_incomplete", detail)
    async with services.reader.connect() as connection:
        await audit.record(connection, actor, "gateway_event.replay", event_id)
    return await _again(services, row)


async def replay_range(
    services: Services, actor: Actor, wanted: EventFilter, cursor: str | None
) -> tuple[list[Replayed], str | None]:
    """Replay a page of a period, oldest first; return the result of each, and where the next page begins."""
    async with services.reader.connect() as connection:
        rows = await gateway_events.list_range(
            connection, actor.merchant_id, wanted, after_id=cursor, limit=AT_ONCE + 1
        )
        page = rows[:AT_ONCE]
        for row in page:
            await audit.record(connection, actor, "gateway_event.replay", row.id)
    done = [
        await _again(services, row) if row.complete else Replayed(row.id, reason="only its beginning is kept")
        for row in page
    ]
    return done, page[-1].id if len(rows) > AT_ONCE else None


async def _again(services: Services, row: Row[Any]) -> Replayed:
    try:
        connection = await services.gateways.get(row.gateway_id)
        request = request_of(services.cipher, row, connection.config.webhook_url(services.settings.api_public_url))
        taken = await receiving.take(services, connection, request, again=True)
    except (GatewayUnusableError, DecryptionError, SignatureInvalidError, EventUnreadableError) as error:
        return Replayed(row.id, reason=str(error))
    if row.verdict != Verdict.VERIFIED.value and taken.dispositions:
        async with services.reader.connect() as database:
            kept = Kept(row.id, row.merchant_id, Disposition(row.disposition))
            await gateway_events.set_disposition(database, kept, Disposition.REPLAYED)
    return Replayed(row.id, tuple(taken.dispositions))
