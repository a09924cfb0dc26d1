"""Events received from gateways, as stored: each once, before it is answered, with what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, bindparam, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import gateway_events
from clearway.db.writing import Changed, Write
from clearway.domain.gateway_event import Disposition, Verdict
from clearway.domain.ids import GATEWAY_EVENT, new_id

REFUSED_WITHIN: Final = timedelta(hours=1)
REFUSED_MAX: Final = 1_000
"""How many refused or unreadable events are kept in that time: anybody can send them, so they must not fill a disk."""


@dataclass(frozen=True, slots=True)
class Received:
    """A verified event to be stored. subject_id: the payment or refund that it is about."""

    gateway: str
    event_id: str
    operation_key: str
    subject_id: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that could not be believed or read. reason: why not, as storable text."""

    gateway: str
    verdict: Verdict
    reason: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """An event as stored: its id here, and what became of it so far."""

    id: str
    disposition: Disposition


_EVENT: Final = and_(
    gateway_events.c.gateway == bindparam("of_gateway"),
    gateway_events.c.event_id == bindparam("of_event"),
    gateway_events.c.verdict == Verdict.VERIFIED.value,
)
STORE: Final = insert(gateway_events).on_conflict_do_nothing()
FIND: Final = select(gateway_events.c.id, gateway_events.c.disposition).where(_EVENT)


async def store(connection: AsyncConnection, event: Received, disposition: Disposition) -> Kept:
    """Store a verified event unless it is there; return it as it stands."""
    kept = Kept(new_id(GATEWAY_EVENT), disposition)
    row = {
        "id": kept.id,
        "gateway": event.gateway,
        "verdict": Verdict.VERIFIED.value,
        "disposition": disposition.value,
        "event_id": event.event_id,
        "operation_key": event.operation_key,
        "subject_id": event.subject_id,
        "headers": dict(event.headers),
        "body": event.body,
    }
    if (await connection.execute(STORE, row)).rowcount == 1:
        return kept
    found = (await connection.execute(FIND, {"of_gateway": event.gateway, "of_event": event.event_id})).one()
    return Kept(found.id, Disposition(found.disposition))


async def keep_refused(connection: AsyncConnection, event: Refused) -> bool:
    """Keep an event while there is room; return whether it was kept."""
    disposition = Disposition.REFUSED if event.verdict is Verdict.UNSIGNED else Disposition.IGNORED
    values: dict[str, Any] = {
        "id": new_id(GATEWAY_EVENT),
        "gateway": event.gateway,
        "verdict": event.verdict.value,
        "disposition": disposition.value,
        "reason": event.reason,
        "headers": dict(event.headers),
        "body": event.body,
    }
    table = gateway_events.c
    recent = (table.verdict != Verdict.VERIFIED.value) & (table.received_at > func.now() - REFUSED_WITHIN)
    # The count stops at the limit: a flood makes no statement slower.
    counted = select(table.id).where(recent).limit(REFUSED_MAX).subquery()
    room = select(func.count()).select_from(counted).scalar_subquery() < REFUSED_MAX
    row = select(*(literal(value, table[name].type) for name, value in values.items())).where(room)
    return (await connection.execute(insert(gateway_events).from_select(list(values), row))).rowcount == 1


async def set_disposition(connection: AsyncConnection, event: Kept, disposition: Disposition) -> None:
    """Write what became of an event."""
    changed = update(gateway_events).where(gateway_events.c.id == event.id).values(disposition=disposition.value)
    await connection.execute(changed)


def becomes(event: Kept, disposition: Disposition) -> Write:
    """Return the write of what became of an event, to go with others in one statement."""
    return Changed(gateway_events, event.id, {"disposition": disposition.value})


async def newest(
    connection: AsyncConnection, limit: int, *, subject_id: str | None = None, disposition: str | None = None
) -> list[Row[Any]]:
    """Return the newest events, narrowed to a payment or refund or to a disposition."""
    table = gateway_events.c
    conditions: list[ColumnElement[bool]] = []
    if subject_id is not None:
        conditions.append(table.subject_id == subject_id)
    if disposition is not None:
        conditions.append(table.disposition == disposition)
    query = select(gateway_events).where(*conditions).order_by(table.id.desc()).limit(limit)
    return list((await connection.execute(query)).all())
