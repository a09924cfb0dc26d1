"""Reading webhook deliveries: one with its attempts, and pages of them. Nothing here writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.events import BODY
from clearway.db.pages import PageRequest, Rows, fetch_page
from clearway.db.tables import events, payments, webhook_attempts, webhook_deliveries, webhook_endpoints
from clearway.domain.endpoint import EndpointStatus

ATTEMPTS_SHOWN_MAX: Final = 100
"""A schedule has fewer; a delivery retried by hand more often shows the newest."""


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """The filters of a list of deliveries."""

    status: str | None = None
    event_type: str | None = None
    event_id: str | None = None
    payment_id: str | None = None
    endpoint_id: str | None = None


def response_context(delivery_id: str, _: int = 0) -> str:
    """Return the context that binds an encrypted answer to its delivery (its attempt has no number yet)."""
    return f"webhook_attempts/{delivery_id}/response_body"


async def list_deliveries(
    connection: AsyncConnection, merchant_id: str, wanted: DeliveryFilter, page: PageRequest
) -> Rows:
    """Return one page of the merchant's deliveries, newest first."""
    column = webhook_deliveries.c
    pairs = [
        (wanted.status, column.status),
        (wanted.event_type, column.event_type),
        (wanted.event_id, column.event_id),
        (wanted.payment_id, column.payment_id),
        (wanted.endpoint_id, column.endpoint_id),
    ]
    conditions = [held == value for value, held in pairs if value is not None]
    query = select(webhook_deliveries).where(column.merchant_id == merchant_id, *conditions)
    return await fetch_page(connection, query, column.id, page)


async def find_delivery(connection: AsyncConnection, merchant_id: str, delivery_id: str) -> Row[Any] | None:
    """Return the merchant's delivery, with what `body_of` makes the body of and its endpoint's state, or None.

    Beside the delivery's own columns: those of `BODY`, retry_intervals_s and endpoint_open.
    """
    is_open = (webhook_endpoints.c.status == EndpointStatus.ENABLED.value) & webhook_endpoints.c.deleted_at.is_(None)
    query = (
        select(
            webhook_deliveries,
            *BODY,
            webhook_endpoints.c.retry_intervals_s,
            is_open.label("endpoint_open"),
        )
        .join(events, events.c.id == webhook_deliveries.c.event_id)
        .outerjoin(payments, payments.c.id == events.c.subject_id)
        .join(webhook_endpoints, webhook_endpoints.c.id == webhook_deliveries.c.endpoint_id)
        .where(webhook_deliveries.c.id == delivery_id, webhook_deliveries.c.merchant_id == merchant_id)
    )
    return (await connection.execute(query)).one_or_none()


async def find_delivery_of(
    connection: AsyncConnection, merchant_id: str, event_id: str, endpoint_id: str
) -> str | None:
    """Return the id of the delivery of the merchant's event to this endpoint, or None."""
    query = select(webhook_deliveries.c.id).where(
        webhook_deliveries.c.merchant_id == merchant_id,
        webhook_deliveries.c.event_id == event_id,
        webhook_deliveries.c.endpoint_id == endpoint_id,
    )
    found: str | None = await connection.scalar(query)
    return found


async def attempts_of(connection: AsyncConnection, delivery_id: str) -> Sequence[Row[Any]]:
    """Return a delivery's attempts, oldest first; of very many, the newest."""
    query = (
        select(webhook_attempts)
        .where(webhook_attempts.c.delivery_id == delivery_id)
        .order_by(webhook_attempts.c.number.desc())
        .limit(ATTEMPTS_SHOWN_MAX)
    )
    return (await connection.execute(query)).all()[::-1]


async def list_payment_deliveries(
    connection: AsyncConnection, merchant_id: str, payment_id: str, page: PageRequest
) -> Rows:
    """Return one page of the webhook deliveries about a payment, newest first."""
    query = select(webhook_deliveries).where(
        webhook_deliveries.c.merchant_id == merchant_id, webhook_deliveries.c.payment_id == payment_id
    )
    return await fetch_page(connection, query, webhook_deliveries.c.id, page)
