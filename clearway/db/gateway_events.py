"""Webhooks received from gateways, as stored: each once, before it is answered, with what became of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import gateway_events


class Disposition(StrEnum):
    """What became of a gateway's news."""

    RECEIVED = "received"
    """Stored, and not yet passed on: a repeat of it passes it on."""
    SIGNALLED = "signalled"
    LATE = "late"
    """Its payment or refund had ended already; nothing was changed."""


@dataclass(frozen=True, slots=True)
class ReceivedNews:
    """A verified webhook to be stored."""

    gateway: str
    event_id: str
    operation_key: str
    workflow_id: str
    body: str
    disposition: Disposition


STORE: Final = insert(gateway_events).on_conflict_do_nothing()


async def store(connection: AsyncConnection, news: ReceivedNews) -> Disposition | None:
    """Store the news unless it is there; return what became of it so far, or None when it is new."""
    if (await connection.execute(STORE, asdict(news))).rowcount == 1:
        return None
    query = select(gateway_events.c.disposition).where(_is(news.gateway, news.event_id))
    return Disposition((await connection.execute(query)).scalar_one())


async def set_disposition(connection: AsyncConnection, gateway: str, event_id: str, disposition: Disposition) -> None:
    """Write what became of the news."""
    await connection.execute(update(gateway_events).where(_is(gateway, event_id)).values(disposition=disposition.value))


def _is(gateway: str, event_id: str) -> ColumnElement[bool]:
    return (gateway_events.c.gateway == gateway) & (gateway_events.c.event_id == event_id)
