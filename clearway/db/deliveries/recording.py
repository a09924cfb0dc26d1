"""Webhook deliveries in the database: load what an attempt needs, and record its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.events import BODY, DueDelivery, body_of, due
from clearway.db.mapping import Mapped
from clearway.db.tables import events, payments, webhook_attempts, webhook_deliveries, webhook_endpoints
from clearway.db.writing import Changed, Rows, Write, write_if
from clearway.domain.delivery import AttemptTrigger, DeliveryStatus
from clearway.domain.endpoint import EndpointStatus

LOAD: Final = (
    select(
        webhook_deliveries,
        *BODY,
        webhook_endpoints.c.url,
        webhook_endpoints.c.secret,
        webhook_endpoints.c.previous_secret,
        webhook_endpoints.c.previous_secret_expires_at,
        webhook_endpoints.c.status.label("endpoint_status"),
        webhook_endpoints.c.deleted_at,
    )
    .join(events, events.c.id == webhook_deliveries.c.event_id)
    .outerjoin(payments, payments.c.id == events.c.subject_id)
    .join(webhook_endpoints, webhook_endpoints.c.id == webhook_deliveries.c.endpoint_id)
    .where(webhook_deliveries.c.id == bindparam("of_delivery"))
)


@dataclass(frozen=True, slots=True)
class Consignment:
    """Everything one attempt needs. secrets are still encrypted; the current one is first.

    attempt_count: all attempts. schedule_attempts: those of the present schedule, which the event began or, with a
    recovery_id, a recovery.
    """

    delivery_id: str
    merchant_id: str
    event_id: str
    endpoint_id: str
    status: DeliveryStatus
    attempt_count: int
    schedule_attempts: int
    recovery_id: str | None
    next_attempt_at: datetime | None
    url: str
    body: str
    secrets: tuple[str, ...]
    endpoint_open: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt and its outcome, for `GET /webhooks/{id}`. retry_id: the retry by hand that asked for it.

    response_body: encrypted, because endpoints may echo what they received.
    """

    trigger: AttemptTrigger
    url: str
    request_headers: dict[str, str]
    duration_ms: int
    retry_id: str | None = None
    response_status: int | None = None
    response_headers: dict[str, str] | None = None
    response_body: str | None = None
    error_code: str | None = None
    error: str | None = None


ATTEMPTS: Final = Mapped(Attempt, webhook_attempts)


@dataclass(frozen=True, slots=True)
class Left:
    """The delivery after an attempt. disable_endpoint: why the endpoint is disabled."""

    status: DeliveryStatus
    schedule_attempts: int
    next_attempt_at: datetime | None
    disable_endpoint: str | None = None


async def load(connection: AsyncConnection, delivery_id: str, *, now: datetime) -> Consignment:
    """Return the body, endpoint and secrets of a delivery. Its row is written before its workflow starts."""
    row = (await connection.execute(LOAD, {"of_delivery": delivery_id})).one()
    return Consignment(
        delivery_id=row.id,
        merchant_id=row.merchant_id,
        event_id=row.event_id,
        endpoint_id=row.endpoint_id,
        status=DeliveryStatus(row.status),
        attempt_count=row.attempt_count,
        schedule_attempts=row.schedule_attempts,
        recovery_id=row.recovery_id,
        next_attempt_at=row.next_attempt_at,
        url=row.url,
        body=body_of(row),
        secrets=_valid_secrets(row, now),
        endpoint_open=row.endpoint_status == EndpointStatus.ENABLED.value and row.deleted_at is None,
    )


async def find_retry(connection: AsyncConnection, delivery_id: str, retry_id: str) -> Row[Any] | None:
    """Return the attempt that was made for this retry by hand, or None."""
    query = select(webhook_attempts).where(
        webhook_attempts.c.delivery_id == delivery_id, webhook_attempts.c.retry_id == retry_id
    )
    return (await connection.execute(query)).one_or_none()


async def record_attempt(
    connection: AsyncConnection, consignment: Consignment, attempt: Attempt, left: Left, *, now: datetime
) -> bool:
    """Write an attempt and the delivery after it in one statement. False: the row has changed since it was loaded.

    Optimistic locking: attempts are numbered by the row they were made from, so no two have the same number and none is
    overwritten. An endpoint is only disabled while it has the URL of this attempt.
    """
    number = consignment.attempt_count + 1
    made = {"delivery_id": consignment.delivery_id, "number": number, **ATTEMPTS.columns(attempt), "created_at": now}
    values = {
        "status": left.status.value,
        "attempt_count": number,
        "schedule_attempts": left.schedule_attempts,
        "next_attempt_at": left.next_attempt_at,
        "last_response_status": attempt.response_status,
        "last_error": attempt.error,
        "updated_at": now,
    }
    as_loaded = {"status": consignment.status.value, "attempt_count": consignment.attempt_count}
    writes: list[Write] = [Rows(webhook_attempts, [made])]
    if left.disable_endpoint is not None:
        disabled = {"status": EndpointStatus.DISABLED.value, "disabled_reason": left.disable_endpoint}
        where = {"url": attempt.url}
        writes.append(Changed(webhook_endpoints, consignment.endpoint_id, disabled | {"updated_at": now}, where=where))
    changed = Changed(webhook_deliveries, consignment.delivery_id, values, where=as_loaded)
    return await write_if(connection, changed, writes)


async def cancel(connection: AsyncConnection, delivery_id: str, why: str, now: datetime) -> None:
    """End a pending delivery without an attempt."""
    await _end(connection, delivery_id, DeliveryStatus.CANCELLED, why, now)


async def give_up(connection: AsyncConnection, delivery_id: str, why: str, now: datetime) -> None:
    """End a pending delivery as failed, when no attempt can be recorded."""
    await _end(connection, delivery_id, DeliveryStatus.FAILED, why, now)


async def _end(connection: AsyncConnection, delivery_id: str, status: DeliveryStatus, why: str, now: datetime) -> None:
    await connection.execute(
        update(webhook_deliveries)
        .where(webhook_deliveries.c.id == delivery_id, webhook_deliveries.c.status == DeliveryStatus.PENDING.value)
        .values(status=status.value, next_attempt_at=None, last_error=why, updated_at=now)
    )


async def cancel_page(
    connection: AsyncConnection, merchant_id: str, endpoint_id: str, *, after: str, limit: int, why: str
) -> list[DueDelivery]:
    """Cancel the next pending deliveries to an endpoint in the order of their ids; return them."""
    column = webhook_deliveries.c
    mine = (column.merchant_id == merchant_id) & (column.endpoint_id == endpoint_id) & (column.id > after)
    page = await due(connection, mine & (column.status == DeliveryStatus.PENDING.value), limit, order=(column.id,))
    now = datetime.now(UTC)
    await connection.execute(
        update(webhook_deliveries)
        .where(column.id.in_([each.delivery_id for each in page]), column.status == DeliveryStatus.PENDING.value)
        .values(status=DeliveryStatus.CANCELLED.value, next_attempt_at=None, last_error=why, updated_at=now)
    )
    return page


def _valid_secrets(row: Row[Any], now: datetime) -> tuple[str, ...]:
    if row.previous_secret is not None and row.previous_secret_expires_at > now:
        return (row.secret, row.previous_secret)
    return (row.secret,)
