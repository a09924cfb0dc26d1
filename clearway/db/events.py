"""Events: written with their deliveries in the statement of the change; read by merchants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Label, Result, Row, Select, and_, bindparam, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.pages import PageRequest, fetch_page
from clearway.db.pages import Rows as Page
from clearway.db.tables import events, payments, webhook_deliveries, webhook_endpoints
from clearway.db.writing import Rows, Write, write
from clearway.domain.endpoint import EndpointStatus
from clearway.domain.events import CREATED_STEP, EventType, delivery_body, instrument_at, kept_body, personal_fields
from clearway.domain.ids import DELIVERY, EVENT, NOUNS, REFUND, earliest, new_id, noun_of

_OPEN: Final = webhook_endpoints.c.deleted_at.is_(None) & (webhook_endpoints.c.status == EndpointStatus.ENABLED.value)
_WANTED: Final = (webhook_endpoints.c.id, webhook_endpoints.c.event_types, webhook_endpoints.c.retry_intervals_s)
ENDPOINTS: Final = select(*_WANTED).where(webhook_endpoints.c.merchant_id == bindparam("of_merchant"), _OPEN)

BODY: Final = (
    events.c.body,
    events.c.step.label("person_step"),
    *(
        payments.c[name].label(f"person_{name}")
        for name in ("instrument", "former_instruments", "customer", "notes", "forgotten_at")
    ),
)
"""The body of an event as it is kept, and what is put into it. `payments` must be joined by `events.c.subject_id`."""
CHANGE: Final = tuple(
    events.c[name] for name in ("id", "merchant_id", "type", "subject_type", "subject_id", "payment_id")
)
"""What live updates tell of an event: nothing that a person wrote or owns."""
_STEP_COLUMNS: Final = tuple(
    events.c[name] for name in ("id", "type", "from_status", "to_status", "reason", "actor", "created_at")
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint that takes deliveries. event_types empty: all. retry_intervals_s None: the installation's."""

    id: str
    event_types: Sequence[str]
    retry_intervals_s: Sequence[int] | None


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A delivery that waits for its workflow. retry_intervals_s None: the installation's schedule.

    schedule_attempts, next_attempt_at and recovery_id: its progress, for a workflow that continues from there.
    """

    merchant_id: str
    payment_id: str | None
    delivery_id: str
    event_id: str
    endpoint_id: str
    event_type: str
    retry_intervals_s: tuple[int, ...] | None
    schedule_attempts: int = 0
    next_attempt_at: datetime | None = None
    recovery_id: str | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """An event before it has an id.

    data: the resource in its JSON form after the change. subject_id: the resource that changed. payment_id: of the
    payment it is about, if any.
    """

    type: EventType
    merchant_id: str
    data: dict[str, Any]
    step: str
    subject_id: str
    payment_id: str | None = None
    from_status: str | None = None
    to_status: str | None = None
    reason: str | None = None
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class Announcement:
    """Events and their deliveries, ready to be written with the change."""

    due: list[DueDelivery]
    writes: list[Write]


def endpoints_beside(merchant_id: ColumnElement[str]) -> Label[Any]:
    """Return a column with the result of `endpoints_of`, for a query that reads the merchant's row anyway."""
    each = func.json_build_array(*_WANTED)
    found = select(func.json_agg(each)).where(webhook_endpoints.c.merchant_id == merchant_id, _OPEN)
    return found.scalar_subquery().label("endpoints")


def endpoints_in(row: Row[Any]) -> Sequence[Endpoint]:
    """Read what `endpoints_beside` found."""
    return [Endpoint(*each) for each in row.endpoints or ()]


async def endpoints_of(
    connection: AsyncConnection, merchant_id: str, only_endpoint: str | None = None
) -> Sequence[Endpoint]:
    """Return the endpoints of a merchant that take deliveries; only_endpoint: of them, this one."""
    query = ENDPOINTS if only_endpoint is None else ENDPOINTS.where(webhook_endpoints.c.id == only_endpoint)
    rows = await connection.execute(query, {"of_merchant": merchant_id})
    return [Endpoint(**row) for row in rows.mappings()]


def announce(
    happenings: Sequence[Happening], endpoints: Sequence[Endpoint], *, now: datetime, unasked: bool = False
) -> Announcement:
    """Prepare one event for each happening and one delivery for each subscribed endpoint.

    endpoints: the merchant's endpoints. unasked: ignore the endpoints' filters.
    """
    rows = [_event_row(happening, now) for happening in happenings]
    due = [
        DueDelivery(
            merchant_id=row["merchant_id"],
            payment_id=row["payment_id"],
            delivery_id=new_id(DELIVERY),
            event_id=row["id"],
            endpoint_id=endpoint.id,
            event_type=row["type"],
            retry_intervals_s=_schedule(endpoint.retry_intervals_s),
            next_attempt_at=now,
        )
        for row in rows
        for endpoint in endpoints
        if unasked or not endpoint.event_types or row["type"] in endpoint.event_types
    ]
    writes: list[Write] = [Rows(events, rows)] if rows else []
    if due:
        writes.append(Rows(webhook_deliveries, [_delivery_row(delivery, now) for delivery in due]))
    return Announcement(due, writes)


async def record_events(
    connection: AsyncConnection, happenings: Sequence[Happening], *, now: datetime, only_endpoint: str | None = None
) -> list[DueDelivery]:
    """Announce and write the event alone, without another change."""
    endpoints = await endpoints_of(connection, happenings[0].merchant_id, only_endpoint)
    announced = announce(happenings, endpoints, now=now, unasked=only_endpoint is not None)
    await write(connection, announced.writes)
    return announced.due


def bodies_of(merchant_id: str, *columns: Any) -> Select[Any]:
    """Return a query of a merchant's events with these columns and what `body_of` needs."""
    with_payments = select(*columns, *BODY).outerjoin(payments, payments.c.id == events.c.subject_id)
    return with_payments.where(events.c.merchant_id == merchant_id)


def body_of(row: Row[Any]) -> str:
    """Return the delivery body, byte for byte, from a row that has the columns of `BODY`."""
    body: str = row.body
    if row.person_notes is None:
        return body  # no event of a payment
    instrument = instrument_at(row.person_step, row.person_instrument, row.person_former_instruments)
    person = (row.person_customer, row.person_notes, row.person_forgotten_at)
    return delivery_body(body, personal_fields(instrument, *person))


async def creation_body(connection: AsyncConnection, merchant_id: str, subject_id: str) -> str | None:
    """Return the body of the event of a creation, or None when nothing was created under this id."""
    query = bodies_of(merchant_id).where(*_of_step(subject_id, CREATED_STEP))
    row = (await connection.execute(query)).first()
    return body_of(row) if row else None


async def list_events(
    connection: AsyncConnection, merchant_id: str, page: PageRequest, *, event_type: str | None = None
) -> Page:
    """Return one page of the merchant's events, newest first; `body_of` a row is the delivery body."""
    query = bodies_of(merchant_id, events.c.id)
    if event_type is not None:
        query = query.where(events.c.type == event_type)
    return await fetch_page(connection, query, events.c.id, page)


async def changes_after(connection: AsyncConnection, merchant_id: str, after_id: str, limit: int) -> Sequence[Row[Any]]:
    """Return ids and types of the merchant's events after this one, oldest first."""
    query = select(*CHANGE).where(events.c.merchant_id == merchant_id, events.c.id > after_id)
    rows: Sequence[Row[Any]] = (await connection.execute(query.order_by(events.c.id).limit(limit))).all()
    return rows


async def find_event_body(connection: AsyncConnection, merchant_id: str, event_id: str) -> str | None:
    """Return the delivery body of the merchant's event, byte for byte, or None."""
    query = bodies_of(merchant_id).where(events.c.id == event_id)
    row = (await connection.execute(query)).first()
    return body_of(row) if row else None


async def payment_history(connection: AsyncConnection, merchant_id: str, payment_id: str) -> list[Row[Any]]:
    """Return the events of a payment and of its refunds, oldest first; refund_id is None for the payment's own."""
    refund_id = case((events.c.subject_type == NOUNS[REFUND], events.c.subject_id)).label("refund_id")
    query = (
        select(*_STEP_COLUMNS, refund_id)
        .where(
            events.c.payment_id == payment_id,
            events.c.merchant_id == merchant_id,
            events.c.id >= earliest(EVENT, payment_id),
        )
        .order_by(events.c.id)
    )
    return [*(await connection.execute(query))]


async def due_for_step(connection: AsyncConnection, merchant_id: str, subject_id: str, step: str) -> list[DueDelivery]:
    """Return the deliveries of a recorded step, for a repeat of the recording after a crash."""
    return await due(connection, and_(*_of_step(subject_id, step), events.c.merchant_id == merchant_id))


async def statuses_of_step(connection: AsyncConnection, merchant_id: str, subject_id: str, step: str) -> set[str]:
    """Return what a recorded step made of its payment or refund; empty: the step has no event."""
    this = (*_of_step(subject_id, step), events.c.merchant_id == merchant_id)
    query = select(events.c.to_status).where(*this, events.c.to_status.is_not(None))
    return set((await connection.execute(query)).scalars())


def _of_step(subject_id: str, step: str) -> tuple[ColumnElement[bool], ...]:
    return (events.c.subject_id == subject_id, events.c.step == step, events.c.id >= earliest(EVENT, subject_id))


async def due(
    connection: AsyncConnection,
    condition: ColumnElement[bool],
    limit: int = 1_000,
    order: Sequence[ColumnElement[Any]] = (webhook_deliveries.c.created_at,),
) -> list[DueDelivery]:
    """Return deliveries that match the condition, with the input of their workflows."""
    query = (
        select(
            webhook_deliveries.c.merchant_id,
            webhook_deliveries.c.payment_id,
            webhook_deliveries.c.id,
            webhook_deliveries.c.event_id,
            webhook_deliveries.c.endpoint_id,
            webhook_deliveries.c.event_type,
            webhook_deliveries.c.schedule_attempts,
            webhook_deliveries.c.next_attempt_at,
            webhook_deliveries.c.recovery_id,
            webhook_endpoints.c.retry_intervals_s,
        )
        .join(events, events.c.id == webhook_deliveries.c.event_id)
        .join(webhook_endpoints, webhook_endpoints.c.id == webhook_deliveries.c.endpoint_id)
        .where(condition)
        .order_by(*order)
        .limit(limit)
    )
    found: Result[Any] = await connection.execute(query)
    return [due_of(row) for row in found]


def due_of(row: Row[Any]) -> DueDelivery:
    """Read a row of `webhook_deliveries` that also has its endpoint's `retry_intervals_s`."""
    return DueDelivery(
        merchant_id=row.merchant_id,
        payment_id=row.payment_id,
        delivery_id=row.id,
        event_id=row.event_id,
        endpoint_id=row.endpoint_id,
        event_type=row.event_type,
        retry_intervals_s=_schedule(row.retry_intervals_s),
        schedule_attempts=row.schedule_attempts,
        next_attempt_at=row.next_attempt_at,
        recovery_id=row.recovery_id,
    )


def _event_row(happening: Happening, now: datetime) -> dict[str, Any]:
    event_id = new_id(EVENT)
    return {
        "id": event_id,
        "merchant_id": happening.merchant_id,
        "type": happening.type.value,
        "subject_type": noun_of(happening.subject_id),
        "subject_id": happening.subject_id,
        "payment_id": happening.payment_id,
        "step": happening.step,
        "from_status": happening.from_status,
        "to_status": happening.to_status,
        "reason": happening.reason,
        "actor": happening.actor,
        "body": kept_body(event_id, happening.type, now, happening.data),
        "created_at": now,
    }


def _delivery_row(delivery: DueDelivery, now: datetime) -> dict[str, Any]:
    return {
        "id": delivery.delivery_id,
        "merchant_id": delivery.merchant_id,
        "event_id": delivery.event_id,
        "endpoint_id": delivery.endpoint_id,
        "event_type": delivery.event_type,
        "payment_id": delivery.payment_id,
        "next_attempt_at": now,
        "created_at": now,
        "updated_at": now,
    }


def _schedule(intervals: Sequence[int] | None) -> tuple[int, ...] | None:
    return None if intervals is None else tuple(intervals)
