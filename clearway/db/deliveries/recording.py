"""Webhook deliveries in the database: what an attempt needs, and the record of what it came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import events, webhook_attempts, webhook_deliveries, webhook_endpoints
from clearway.db.writing import Changed, Rows, Write, write
from clearway.domain.delivery import DeliveryStatus
from clearway.domain.endpoint import EndpointStatus

LOAD: Final = (
    select(
        webhook_deliveries,
        events.c.body,
        webhook_attempts.c.number.label("recorded_number"),
        webhook_endpoints.c.url,
        webhook_endpoints.c.secret,
        webhook_endpoints.c.previous_secret,
        webhook_endpoints.c.previous_secret_expires_at,
        webhook_endpoints.c.status.label("endpoint_status"),
        webhook_endpoints.c.deleted_at,
    )
    .join(events, events.c.id == webhook_deliveries.c.event_id)
    .join(webhook_endpoints, webhook_endpoints.c.id == webhook_deliveries.c.endpoint_id)
    .outerjoin(
        webhook_attempts,
        (webhook_attempts.c.delivery_id == webhook_deliveries.c.id)
        & (webhook_attempts.c.number == bindparam("attempt_number")),
    )
    .where(webhook_deliveries.c.id == bindparam("of_delivery"))
)


@dataclass(frozen=True, slots=True)
class Consignment:
    """Everything one attempt needs. secrets are still encrypted; the current one is first.

    attempted: this attempt is on record already, and status and next_attempt_at are what it came to.
    """

    delivery_id: str
    merchant_id: str
    event_id: str
    endpoint_id: str
    status: DeliveryStatus
    next_attempt_at: datetime | None
    attempted: bool
    url: str
    body: str
    secrets: tuple[str, ...]
    endpoint_open: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt was and came to; for `GET /webhooks/{id}`."""

    number: int
    url: str
    request_headers: dict[str, str]
    duration_ms: int
    response_status: int | None = None
    response_headers: dict[str, str] | None = None
    response_body: str | None = None
    error_code: str | None = None
    error: str | None = None


async def load(connection: AsyncConnection, delivery_id: str, number: int, *, now: datetime) -> Consignment | None:
    """Return what attempt `number` is to deliver where; None when there is no such delivery."""
    row = (await connection.execute(LOAD, {"of_delivery": delivery_id, "attempt_number": number})).first()
    if row is None:
        return None
    return Consignment(
        delivery_id=row.id,
        merchant_id=row.merchant_id,
        event_id=row.event_id,
        endpoint_id=row.endpoint_id,
        status=DeliveryStatus(row.status),
        next_attempt_at=row.next_attempt_at,
        attempted=row.recorded_number is not None,
        url=row.url,
        body=row.body,
        secrets=_valid_secrets(row, now),
        endpoint_open=row.endpoint_status == EndpointStatus.ENABLED.value and row.deleted_at is None,
    )


async def record_attempt(
    connection: AsyncConnection,
    consignment: Consignment,
    attempt: Attempt,
    status: DeliveryStatus,
    *,
    next_wait_s: float | None,
    disable_endpoint: str | None = None,
    now: datetime,
) -> None:
    """Write down an attempt and where it leaves the delivery, in one statement.

    disable_endpoint: the reason for which nothing more is sent to the endpoint until its merchant enables it again; it
    is left alone if it has moved away from the URL of this attempt.
    """
    made = {"delivery_id": consignment.delivery_id, **asdict(attempt), "created_at": now}
    left = {
        "status": status.value,
        "attempt_count": attempt.number,
        "next_attempt_at": None if next_wait_s is None else now + timedelta(seconds=next_wait_s),
        "last_response_status": attempt.response_status,
        "last_error": attempt.error,
        "updated_at": now,
    }
    writes: list[Write] = [Rows(webhook_attempts, [made]), Changed(webhook_deliveries, consignment.delivery_id, left)]
    if disable_endpoint is not None:
        disabled = {"status": EndpointStatus.DISABLED.value, "disabled_reason": disable_endpoint, "updated_at": now}
        writes.append(Changed(webhook_endpoints, consignment.endpoint_id, disabled, where={"url": attempt.url}))
    await write(connection, writes)


async def close(connection: AsyncConnection, delivery_id: str, status: DeliveryStatus, why: str, now: datetime) -> None:
    """End a delivery without an attempt."""
    await connection.execute(
        update(webhook_deliveries)
        .where(webhook_deliveries.c.id == delivery_id)
        .values(status=status.value, next_attempt_at=None, last_error=why, updated_at=now)
    )


def _valid_secrets(row: Row[Any], now: datetime) -> tuple[str, ...]:
    if row.previous_secret is not None and row.previous_secret_expires_at > now:
        return (row.secret, row.previous_secret)
    return (row.secret,)
