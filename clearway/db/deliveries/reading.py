"""Reading webhook deliveries: one with its attempts, and pages of them. Nothing here writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.events import BODY
from clearway.db.pages import PageRequest, Rows, fetch_page
from clearway.db.tables import events, payments, webhook_attempts, webhook_deliveries, webhook_endpoints
from clearway.db.walks import Walk, Way, walked_page
from clearway.domain.delivery import DeliveryStatus
from clearway.domain.endpoint import EndpointStatus
from clearway.domain.events import EventType

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
    within = [column.merchant_id == merchant_id]
    found_by = {name: getattr(wanted, name) for name in ("event_id", "payment_id", "endpoint_id")}
    within += [column[name] == value for name, value in found_by.items() if value is not None]
    if len(within) > 1:
        walk = Walk(webhook_deliveries, [Way(within)], partial(_conditions, wanted))
    elif wanted.status is not None or wanted.event_type is not None:
        walk = Walk(webhook_deliveries, [Way(within, kinds(wanted.status, wanted.event_type))])
    else:
        walk = Walk(webhook_deliveries, [Way(within)])
    return await walked_page(connection, walk, page)


def kinds(status: str | None = None, event_type: str | None = None) -> dict[str, Sequence[str]]:
    """Return the parts of `ix_webhook_deliveries_merchant_id_parts` of a status and a type; None: of all."""
    return {
        "status": [*DeliveryStatus] if status is None else [status],
        "event_type": [*EventType] if event_type is None else [event_type],
    }


def _conditions(wanted: DeliveryFilter, column: Any) -> list[ColumnElement[bool]]:
    values = {name: getattr(wanted, name) for name in ("status", "event_type")}
    return [column[name] == value for name, value in values.items() if value is not None]


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
