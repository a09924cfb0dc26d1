"""Gateway events, as stored: each before it is answered, with its disposition.

An event belongs to the gateway whose address it was sent to, and to that gateway's merchant. Bodies come in encrypted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, bindparam, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.pages import PageRequest, Rows, created_within
from clearway.db.tables import gateway_events
from clearway.db.walks import Walk, Way, walked_page
from clearway.db.writing import Changed, Write
from clearway.domain.gateway_event import Disposition, Verdict
from clearway.domain.ids import GATEWAY_EVENT

CLOCK_SKEW: Final = timedelta(days=1)
REFUSED_WITHIN: Final = timedelta(hours=1)
REFUSED_MAX: Final = 1_000
"""How many refused events of a gateway are kept in that time, and how many unreadable ones: anybody can send them."""


@dataclass(frozen=True, slots=True)
class Raw:
    """A stored request of a gateway. sealed_body: encrypted under `body_context(id)`."""

    id: str
    gateway: str
    gateway_id: str
    merchant_id: str
    method: str
    query: str
    headers: Mapping[str, str]
    sealed_body: str
    received_at: datetime
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Received:
    """A verified event to be stored. subject_id: its payment or refund."""

    raw: Raw
    event_id: str
    operation_key: str
    subject_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A request with an invalid signature or an unreadable body. reason: why, as storable text.

    disposition: None: that of the verdict.
    """

    raw: Raw
    verdict: Verdict
    reason: str
    disposition: Disposition | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored event: its id here, and its disposition so far."""

    id: str
    merchant_id: str
    disposition: Disposition


@dataclass(frozen=True, slots=True)
class EventFilter:
    """The filters of a list of gateway events; since ≤ received_at < until."""

    gateway_id: str | None = None
    subject_id: str | None = None
    verdict: str | None = None
    disposition: str | None = None
    since: datetime | None = None
    until: datetime | None = None


_EVENT: Final = and_(
    gateway_events.c.merchant_id == bindparam("of_merchant"),
    gateway_events.c.gateway_id == bindparam("of_gateway"),
    gateway_events.c.event_id == bindparam("of_event"),
    gateway_events.c.verdict == Verdict.VERIFIED.value,
)
STORE: Final = insert(gateway_events).on_conflict_do_nothing()
FIND: Final = select(gateway_events.c.id, gateway_events.c.disposition).where(_EVENT)


async def store(connection: AsyncConnection, event: Received, disposition: Disposition) -> Kept:
    """Store a verified event unless it exists; return the stored one."""
    raw = event.raw
    row = _columns(raw) | {
        "verdict": Verdict.VERIFIED.value,
        "disposition": disposition.value,
        "event_id": event.event_id,
        "operation_key": event.operation_key,
        "subject_id": event.subject_id,
    }
    if (await connection.execute(STORE, row)).rowcount == 1:
        return Kept(raw.id, raw.merchant_id, disposition)
    given = {"of_merchant": raw.merchant_id, "of_gateway": raw.gateway_id, "of_event": event.event_id}
    found = (await connection.execute(FIND, given)).one()
    return Kept(found.id, raw.merchant_id, Disposition(found.disposition))


async def keep_refused(connection: AsyncConnection, event: Refused) -> bool:
    """Keep a request while there is room; return whether it was kept."""
    usual = Disposition.REFUSED if event.verdict is Verdict.UNSIGNED else Disposition.IGNORED
    disposition = event.disposition or usual
    more = {"verdict": event.verdict.value, "disposition": disposition.value, "reason": event.reason}
    values: dict[str, Any] = _columns(event.raw) | more
    table = gateway_events.c
    recent = (
        (table.merchant_id == event.raw.merchant_id)
        & (table.gateway_id == event.raw.gateway_id)
        & (table.verdict != Verdict.VERIFIED.value)
        & (table.verdict == event.verdict.value)
        & (table.received_at > func.now() - REFUSED_WITHIN)
    )
    # The count stops at the limit, so a flood does not slow the statement.
    counted = select(table.id).where(recent).limit(REFUSED_MAX).subquery()
    room = select(func.count()).select_from(counted).scalar_subquery() < REFUSED_MAX
    row = select(*(literal(value, table[name].type) for name, value in values.items())).where(room)
    return (await connection.execute(insert(gateway_events).from_select(list(values), row))).rowcount == 1


async def set_disposition(connection: AsyncConnection, event: Kept, disposition: Disposition) -> None:
    """Write the disposition of an event."""
    this = (gateway_events.c.id == event.id, gateway_events.c.merchant_id == event.merchant_id)
    await connection.execute(update(gateway_events).where(*this).values(disposition=disposition.value))


def becomes(event: Kept, disposition: Disposition) -> Write:
    """Return the write of an event's disposition, for a statement with other writes."""
    return Changed(gateway_events, event.id, {"disposition": disposition.value})


async def find_kept(connection: AsyncConnection, merchant_id: str, gateway_id: str, event_id: str) -> Kept | None:
    """Return a stored event by the gateway's own id of it."""
    given = {"of_merchant": merchant_id, "of_gateway": gateway_id, "of_event": event_id}
    row = (await connection.execute(FIND, given)).first()
    return None if row is None else Kept(row.id, merchant_id, Disposition(row.disposition))


async def find(connection: AsyncConnection, merchant_id: str, event_id: str) -> Row[Any] | None:
    """Return an event of the merchant's gateways, or None. event_id: Clearway's id, `gwe_…`."""
    this = (gateway_events.c.id == event_id, gateway_events.c.merchant_id == merchant_id)
    return (await connection.execute(select(gateway_events).where(*this))).one_or_none()


async def list_page(connection: AsyncConnection, merchant_id: str, wanted: EventFilter, page: PageRequest) -> Rows:
    """Return one page of the merchant's gateway events, newest first."""
    within = [gateway_events.c.merchant_id == merchant_id, *_around(wanted)]
    if wanted.subject_id is not None:
        within.append(gateway_events.c.subject_id == wanted.subject_id)
    walk = Walk(gateway_events, [Way(within)], partial(_conditions, replace(wanted, subject_id=None)))
    return await walked_page(connection, walk, page)


async def list_range(
    connection: AsyncConnection, merchant_id: str, wanted: EventFilter, *, after_id: str | None, limit: int
) -> list[Row[Any]]:
    """Return events in order of receipt, after `after_id`."""
    query = select(gateway_events).where(
        gateway_events.c.merchant_id == merchant_id, *_conditions(wanted, gateway_events.c)
    )
    if after_id is not None:
        query = query.where(gateway_events.c.id > after_id)
    return list((await connection.execute(query.order_by(gateway_events.c.id).limit(limit))).all())


async def newest(
    connection: AsyncConnection,
    limit: int,
    *,
    merchant_id: str | None = None,
    subject_id: str | None = None,
    disposition: str | None = None,
) -> list[Row[Any]]:
    """Return the newest events, of one merchant or of all: for operators."""
    conditions = _conditions(EventFilter(subject_id=subject_id, disposition=disposition), gateway_events.c)
    if merchant_id is not None:
        conditions.append(gateway_events.c.merchant_id == merchant_id)
    query = select(gateway_events).where(*conditions).order_by(gateway_events.c.id.desc()).limit(limit)
    return list((await connection.execute(query)).all())


def _around(wanted: EventFilter) -> list[ColumnElement[bool]]:
    """Bound the ids, which are made when an event is received, by clocks that may differ by a day."""
    since = wanted.since and wanted.since - CLOCK_SKEW
    until = wanted.until and wanted.until + CLOCK_SKEW
    return created_within(gateway_events.c.id, GATEWAY_EVENT, since, until)


def _conditions(wanted: EventFilter, column: Any) -> list[ColumnElement[bool]]:
    pairs: Collection[tuple[Any, Any]] = (
        (wanted.gateway_id, column.gateway_id.__eq__),
        (wanted.subject_id, column.subject_id.__eq__),
        (wanted.verdict, column.verdict.__eq__),
        (wanted.disposition, column.disposition.__eq__),
        (wanted.since, column.received_at.__ge__),
        (wanted.until, column.received_at.__lt__),
    )
    return [holds(value) for value, holds in pairs if value is not None]


def _columns(raw: Raw) -> dict[str, Any]:
    return {
        "id": raw.id,
        "gateway": raw.gateway,
        "gateway_id": raw.gateway_id,
        "merchant_id": raw.merchant_id,
        "method": raw.method,
        "query": raw.query,
        "headers": dict(raw.headers),
        "sealed_body": raw.sealed_body,
        "complete": raw.complete,
        "received_at": raw.received_at,
    }
