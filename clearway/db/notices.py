"""Which notices a person chose for a merchant, and what happened at a merchant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import events, notice_choices, webhook_deliveries, webhook_endpoints
from clearway.domain.delivery import DeliveryStatus
from clearway.domain.endpoint import EndpointStatus
from clearway.domain.events import EventType
from clearway.domain.ids import DELIVERY, EVENT, first_id
from clearway.domain.notices import ENDPOINT_DISABLED, OF_EVENTS, WEBHOOKS_FAILED, WORDS, NoticeKind

LONGEST_SCHEDULE: Final = timedelta(days=7)
"""A delivery that failed was begun within this time before."""


@dataclass(frozen=True, slots=True)
class Happened:
    """What happened at a merchant: how often, and the id of one of the things."""

    kind: NoticeKind
    words: str
    count: int
    example: str


async def chosen(connection: AsyncConnection, merchant_id: str, user_id: str) -> list[str] | None:
    """Return the kinds that a person chose; None: they have not chosen."""
    column = notice_choices.c
    query = select(column.kinds).where(column.merchant_id == merchant_id, column.user_id == user_id)
    return (await connection.execute(query)).scalar_one_or_none()


async def choose(connection: AsyncConnection, merchant_id: str, user_id: str, kinds: Sequence[NoticeKind]) -> None:
    """Keep what a person chose."""
    values = {"kinds": [kind.value for kind in kinds], "updated_at": func.now()}
    statement = insert(notice_choices).values(merchant_id=merchant_id, user_id=user_id, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["merchant_id", "user_id"], set_=values))


async def happened(connection: AsyncConnection, merchant_id: str, since: datetime, until: datetime) -> list[Happened]:
    """Return what notices may be about, from since to before until."""
    return [
        *await _events(connection, merchant_id, since, until),
        *await _failed_webhooks(connection, merchant_id, since, until),
        *await _disabled_endpoints(connection, merchant_id, since, until),
    ]


async def _events(connection: AsyncConnection, merchant_id: str, since: datetime, until: datetime) -> list[Happened]:
    column = events.c
    query = (
        select(column.type, func.count(), func.max(column.subject_id))
        .where(
            column.merchant_id == merchant_id,
            column.id >= first_id(EVENT, since),
            column.id < first_id(EVENT, until),
            column.type.in_([each.value for each in OF_EVENTS]),
        )
        .group_by(column.type)
    )
    found = {EventType(name): (count, example) for name, count, example in await connection.execute(query)}
    return [Happened(OF_EVENTS[each], WORDS[each], *found[each]) for each in OF_EVENTS if each in found]


async def _failed_webhooks(
    connection: AsyncConnection, merchant_id: str, since: datetime, until: datetime
) -> list[Happened]:
    column = webhook_deliveries.c
    query = select(func.count(), func.max(column.id)).where(
        column.merchant_id == merchant_id,
        column.status == DeliveryStatus.FAILED.value,
        column.id >= first_id(DELIVERY, since - LONGEST_SCHEDULE),
        column.updated_at >= since,
        column.updated_at < until,
    )
    count, example = (await connection.execute(query)).one()
    return [Happened(NoticeKind.WEBHOOKS_FAILED, WEBHOOKS_FAILED, count, example)] if count else []


async def _disabled_endpoints(
    connection: AsyncConnection, merchant_id: str, since: datetime, until: datetime
) -> list[Happened]:
    column = webhook_endpoints.c
    query = select(func.count(), func.max(column.id)).where(
        column.merchant_id == merchant_id,
        column.deleted_at.is_(None),
        column.status == EndpointStatus.DISABLED.value,
        column.updated_at >= since,
        column.updated_at < until,
    )
    count, example = (await connection.execute(query)).one()
    return [Happened(NoticeKind.ENDPOINT_DISABLED, ENDPOINT_DISABLED, count, example)] if count else []
