"""What Postgres knows of the installation: itself, the processes that are connected, and what waits to be sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import mails, webhook_deliveries
from clearway.domain.delivery import DeliveryStatus
from clearway.domain.mail import MailStatus

COUNTED_MAX: Final = 10_000
"""Counting stops here: that many is answer enough."""


@dataclass(frozen=True, slots=True)
class Server:
    """The database server. connections: of all its databases."""

    version: str
    size_bytes: int
    connections: int
    connections_max: int


@dataclass(frozen=True, slots=True)
class Connected:
    """A process of Clearway, by its connections. name: as `clearway.db.engine` names it."""

    name: str
    address: str | None
    since: datetime
    connections: int
    busy: int


@dataclass(frozen=True, slots=True)
class Overdue:
    """What should have been sent already, counted to COUNTED_MAX. oldest_at: when the longest overdue was due."""

    kind: str
    waiting: int
    oldest_at: datetime | None


async def server(connection: AsyncConnection) -> Server:
    """Return what the server says of itself."""
    query = text(
        "SELECT current_setting('server_version'), pg_database_size(current_database()),"
        " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),"
        " current_setting('max_connections')::int"
    )
    return Server(*(await connection.execute(query)).one())


async def connected(connection: AsyncConnection) -> list[Connected]:
    """Return the processes that have connections to this database. One that has none now is not among them."""
    query = text(
        "SELECT application_name, host(client_addr), min(backend_start), count(*),"
        " count(*) FILTER (WHERE state <> 'idle') FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'clearway-%'"
        " GROUP BY application_name, client_addr ORDER BY application_name, client_addr"
    )
    return [Connected(*row) for row in await connection.execute(query)]


async def overdue(connection: AsyncConnection) -> list[Overdue]:
    """Return how many deliveries and mails should have been sent by now."""
    deliveries, letters = webhook_deliveries.c, mails.c
    return [
        await _overdue(
            connection,
            "deliveries",
            webhook_deliveries,
            deliveries.next_attempt_at,
            deliveries.status == DeliveryStatus.PENDING.value,
        ),
        await _overdue(connection, "mails", mails, letters.due_at, letters.status == MailStatus.PENDING.value),
    ]


async def _overdue(
    connection: AsyncConnection, kind: str, table: Table, due: ColumnElement[datetime], is_pending: ColumnElement[bool]
) -> Overdue:
    found = (
        select(due.label("due"))
        .select_from(table)
        .where(is_pending, due < func.now())
        .order_by(due)
        .limit(COUNTED_MAX)
        .subquery()
    )
    row = (await connection.execute(select(func.count(), func.min(found.c.due)).select_from(found))).one()
    return Overdue(kind, row[0], row[1])
