"""Delete the personal data behind a payment from the database (not from backups).

Money stays as it is: amounts, the ledger, ids and references at the gateway. Events need no change: they hold no
personal data. Every statement may be repeated, and all of them belong in one transaction.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import (
    gateway_events,
    idempotency_keys,
    orders,
    payments,
    refunds,
    webhook_attempts,
    webhook_deliveries,
)
from clearway.domain.events import timestamp, without_person
from clearway.domain.ids import DELIVERY, earliest
from clearway.domain.payment import FINAL


async def forget_person(
    connection: AsyncConnection, merchant_id: str, payment_id: str, now: datetime
) -> Row[Any] | None:
    """Empty the personal columns of a payment and return its row; None, with nothing changed: it has not ended."""
    emptied: dict[str, Any] = {
        "instrument": {},
        "former_instruments": [],
        "customer": None,
        "notes": {},
        "personal": None,
        "sealed_return_url": None,
        "updated_at": now,
        "forgotten_at": func.coalesce(payments.c.forgotten_at, now),
    }
    statement = (
        update(payments)
        .where(
            payments.c.id == payment_id,
            payments.c.merchant_id == merchant_id,
            payments.c.status.in_(sorted(FINAL)),
        )
        .values(emptied)
        .returning(payments)
    )
    row: Row[Any] | None = (await connection.execute(statement)).one_or_none()
    return row


async def forget_traces(connection: AsyncConnection, payment: Row[Any]) -> None:
    """Delete personal data from all rows that refer to a payment whose own row is emptied already."""
    mine = orders.c.merchant_id == payment.merchant_id
    await connection.execute(update(orders).where(orders.c.id == payment.order_id, mine).values(notes={}))
    await _empty_gateway_events(connection, payment)
    await _empty_endpoint_answers(connection, payment)
    await _strip_stored_answers(connection, payment)


async def _empty_gateway_events(connection: AsyncConnection, payment: Row[Any]) -> None:
    """Gateway events name the person. The disposition of each event stays."""
    of_refunds = select(refunds.c.id).where(
        refunds.c.payment_id == payment.id, refunds.c.merchant_id == payment.merchant_id
    )
    about = gateway_events.c.subject_id.in_(of_refunds) | (gateway_events.c.subject_id == payment.id)
    await connection.execute(update(gateway_events).where(about).values(sealed_body="", query="", complete=False))


async def _empty_endpoint_answers(connection: AsyncConnection, payment: Row[Any]) -> None:
    """Merchants' endpoints may echo what they received."""
    about = select(webhook_deliveries.c.id).where(
        webhook_deliveries.c.payment_id == payment.id, webhook_deliveries.c.merchant_id == payment.merchant_id
    )
    statement = update(webhook_attempts).where(
        webhook_attempts.c.delivery_id.in_(about),
        webhook_attempts.c.delivery_id >= earliest(DELIVERY, payment.id),
        webhook_attempts.c.response_body.is_not(None),
    )
    await connection.execute(statement.values(response_body=None))


async def _strip_stored_answers(connection: AsyncConnection, payment: Row[Any]) -> None:
    """Stored answers serve repeats of a request: each stays, without personal data. They all name the order."""
    column = idempotency_keys.c
    query = (
        select(column.key, column.response_body)
        .where(
            column.merchant_id == payment.merchant_id,
            func.encode(column.response_body, "escape").contains(payment.order_id),
        )
        .with_for_update()
    )
    for key, body in (await connection.execute(query)).all():
        answer = without_person(orjson.loads(body), timestamp(payment.forgotten_at))
        this = (column.merchant_id == payment.merchant_id) & (column.key == key)
        await connection.execute(update(idempotency_keys).where(this).values(response_body=orjson.dumps(answer)))
