"""The story of any merchant's payment, for an operator who has only its id. The audit log records each reading."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import across_merchants, audit, events
from clearway.db.deliveries import reading as delivery_rows
from clearway.db.pages import PageRequest
from clearway.db.payments import reading
from clearway.db.refunds import reading as refund_rows
from clearway.db.refunds.reading import RefundFilter
from clearway.db.refunds.rows import resource_of
from clearway.domain.actor import Actor
from clearway.domain.ids import PAYMENT, is_id

SHOWN_MAX: Final = 100
STEP: Final = ("type", "from_status", "to_status", "reason", "actor", "refund_id")
DELIVERY: Final = (
    *("id", "status", "event_id", "event_type", "payment_id", "endpoint_id", "attempt_count"),
    *("last_response_status", "last_error"),
)


async def of_any_merchant(connection: AsyncConnection, payment_id: str, operator: str) -> dict[str, Any] | None:
    """Return a payment, its history, refunds and deliveries in their JSON forms, or None. operator: for the audit log.

    Runs in the caller's transaction, so that the reading and its audit row belong together.
    """
    merchant_id = await across_merchants.merchant_of(connection, payment_id) if is_id(PAYMENT, payment_id) else None
    if merchant_id is None:
        return None
    await audit.record(connection, Actor(operator, merchant_id), "payment.read", payment_id)
    payment = await reading.find_payment(connection, merchant_id, payment_id)
    assert payment is not None, "payments are never deleted"
    page = PageRequest(limit=SHOWN_MAX)
    returned = await refund_rows.list_refunds(connection, merchant_id, RefundFilter(payment_id=payment_id), page)
    sent = await delivery_rows.list_payment_deliveries(connection, merchant_id, payment_id, page)
    history = await events.payment_history(connection, merchant_id, payment_id)
    return {
        "merchant_id": merchant_id,
        "payment": payment.data(),
        "history": [_step(row) for row in history],
        "refunds": [resource_of(row).data() for row in returned.rows],
        "deliveries": [_delivery(row) for row in sent.rows],
    }


def _step(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in STEP} | {"at": row.created_at.isoformat(), "event_id": row.id}


def _delivery(row: Any) -> dict[str, Any]:
    next_at = row.next_attempt_at
    moment = {"next_attempt_at": next_at.isoformat() if next_at else None}
    return {name: getattr(row, name) for name in DELIVERY} | moment
