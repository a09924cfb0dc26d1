"""Recording payments and every change of them: row, captures, books, order, events and deliveries in one transaction.

Nothing else writes to `payments`, except `clearway.db.refunds` to the refunded amounts. Recording is safe to repeat:
what is recorded already is recognised by its id or its step, and answered as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import Row, bindparam, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import ledger
from clearway.db.events import DueDelivery, Happening, announce, due_for_step
from clearway.db.tables import OrderStatus, captures, orders, payments
from clearway.db.writing import Changed, Rows, Write, row_after, write
from clearway.domain.events import EventType
from clearway.domain.payment import (
    Applied,
    CapturedAmount,
    CaptureMethod,
    Change,
    NewPayment,
    Payment,
    PaymentStatus,
    apply_change,
)
from clearway.domain.resources import NextAction, PaymentResource

CREATED_STEP = "created"

# Whatever unique index it conflicts with: when two record the same payment at once, the second may meet any of them.
RECORD: Final = upsert(payments).on_conflict_do_nothing().returning(payments)
LOCK: Final = select(payments).where(payments.c.id == bindparam("payment_id")).with_for_update()


class OrderTakenError(Exception):
    """The order has a payment in progress or a successful one."""


class OrderUnknownError(Exception):
    """There is no such order of this merchant in this currency."""


class PaymentUnknownError(Exception):
    """There is no such payment. A workflow that meets this has a bug."""


@dataclass(frozen=True, slots=True)
class RecordedPayment:
    """A payment as it stands after a step, its resource then, and the deliveries that are due."""

    payment: Payment
    resource: PaymentResource
    due: list[DueDelivery]


async def record(connection: AsyncConnection, new: NewPayment, *, now: datetime) -> RecordedPayment:
    """Insert a payment with its first event. Raises OrderTakenError or OrderUnknownError, having done nothing."""
    inserted = await _insert(connection, new, now)
    if inserted is None:
        try:
            there = await lock(connection, new.id)
        except PaymentUnknownError:
            raise OrderTakenError(new.order_id) from None
        return await _already(connection, there, CREATED_STEP)
    attempted = Changed(
        orders,
        new.order_id,
        {"status": OrderStatus.ATTEMPTED.value, "updated_at": now},
        where={"status": OrderStatus.CREATED.value},
    )
    happening = Happening(
        type=EventType.PAYMENT_CREATED,
        merchant_id=new.merchant_id,
        data=resource_of(inserted).data(),
        step=CREATED_STEP,
        payment_id=new.id,
        to_status=PaymentStatus.PENDING.value,
        reason="payment recorded",
        actor="merchant",
    )
    told = await announce(connection, [happening], now=now)
    await write(connection, [attempted, *told.writes])
    return RecordedPayment(payment_of(inserted), resource_of(inserted), told.due)


async def apply(connection: AsyncConnection, payment_id: str, change: Change, *, now: datetime) -> RecordedPayment:
    """Apply a change to the locked row and write everything that follows from it.

    Raises MoveRefusedError (nothing is written) or PaymentUnknownError.
    """
    row = await lock(connection, payment_id)
    if is_recorded(row, change.step):
        return await _already(connection, row, change.step)
    before = payment_of(row)
    applied = apply_change(before, change)
    after = _columns_after(applied.payment, now)
    resource = resource_of(row_after(row, after))
    told = await announce(connection, _happenings(before, applied, change, resource), now=now)
    writes: list[Write] = [Changed(payments, payment_id, after)]
    if change.capture is not None:
        writes.append(_capture(before, change.capture, now))
    if applied.payment.status is PaymentStatus.SUCCESS:
        writes.append(Changed(orders, before.order_id, {"status": OrderStatus.PAID.value, "updated_at": now}))
    writes += ledger.bookings(applied.transactions, payment_id=payment_id, now=now)
    await write(connection, [*writes, *told.writes])
    return RecordedPayment(applied.payment, resource, told.due)


async def lock(connection: AsyncConnection, payment_id: str) -> Row[Any]:
    """Return the row, locked until the transaction ends."""
    found = (await connection.execute(LOCK, {"payment_id": payment_id})).first()
    if found is None:
        raise PaymentUnknownError(payment_id)
    return found


def is_recorded(row: Row[Any], step: str) -> bool:
    """Tell whether a payment or refund has taken this step: it is the last one, or its number lies behind."""
    return bool(row.last_step == step or (step.isdecimal() and int(step) <= row.version))


def payment_of(row: Row[Any]) -> Payment:
    """Read the part of a row that the rules speak of."""
    return Payment(
        id=row.id,
        merchant_id=row.merchant_id,
        order_id=row.order_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        capture_method=CaptureMethod(row.capture_method),
        gateway=row.gateway,
        status=PaymentStatus(row.status),
        captured_minor=row.captured_minor,
        refunded_minor=row.refunded_minor,
        refund_pending_minor=row.refund_pending_minor,
        gateway_reference=row.gateway_reference,
        action_url=row.action_url,
        error_code=row.error_code,
        error_description=row.error_description,
        version=row.version,
        last_step=row.last_step,
    )


def resource_of(row: Row[Any] | SimpleNamespace) -> PaymentResource:
    """Render a row as merchants see it."""
    return PaymentResource(
        id=row.id,
        order_id=row.order_id,
        amount=row.amount_minor,
        currency=row.currency,
        status=row.status,
        method=row.method,
        capture_method=row.capture_method,
        captured=row.captured_minor > 0,
        amount_captured=row.captured_minor,
        amount_refunded=row.refunded_minor,
        customer=row.customer,
        notes=row.notes,
        next_action=NextAction(url=row.action_url) if row.action_url else None,
        gateway=row.gateway,
        error_code=row.error_code,
        error_description=row.error_description,
        created_at=row.created_at,
        updated_at=row.updated_at,
        **row.instrument,
    )


async def _insert(connection: AsyncConnection, new: NewPayment, now: datetime) -> Row[Any] | None:
    """Insert the row; None when this payment is there already, or another that holds the order."""
    values = {
        "id": new.id,
        "merchant_id": new.merchant_id,
        "order_id": new.order_id,
        "amount_minor": new.amount_minor,
        "currency": new.currency,
        "method": new.method,
        "capture_method": new.capture_method,
        "status": PaymentStatus.PENDING.value,
        "gateway": new.gateway,
        "instrument": new.shown,
        "customer": new.customer,
        "notes": new.notes,
        "last_step": CREATED_STEP,
        "created_at": now,
        "updated_at": now,
    }
    try:
        inserted: Row[Any] | None = (await connection.execute(RECORD, values)).first()
    except IntegrityError as error:
        if "fk_payments_order" in str(error.orig):
            raise OrderUnknownError(new.order_id) from error
        raise
    return inserted


def _columns_after(payment: Payment, now: datetime) -> dict[str, Any]:
    return {
        "status": payment.status.value,
        "captured_minor": payment.captured_minor,
        "gateway_reference": payment.gateway_reference,
        "action_url": payment.action_url,
        "error_code": payment.error_code,
        "error_description": payment.error_description,
        "version": payment.version,
        "last_step": payment.last_step,
        "updated_at": now,
    }


def _capture(payment: Payment, capture: CapturedAmount, now: datetime) -> Rows:
    row = {
        "id": capture.id,
        "merchant_id": payment.merchant_id,
        "payment_id": payment.id,
        "amount_minor": capture.amount_minor,
        "currency": payment.currency,
        "gateway_reference": capture.gateway_reference,
        "created_at": now,
    }
    return Rows(captures, [row])


async def _already(connection: AsyncConnection, row: Row[Any], step: str) -> RecordedPayment:
    due = await due_for_step(connection, step, payment_id=row.id)
    return RecordedPayment(payment_of(row), resource_of(row), due)


def _happenings(before: Payment, applied: Applied, change: Change, resource: PaymentResource) -> list[Happening]:
    data = resource.data()
    return [
        Happening(
            type=event_type,
            merchant_id=before.merchant_id,
            data=data,
            step=change.step,
            payment_id=before.id,
            from_status=before.status.value,
            to_status=applied.payment.status.value,
            reason=change.reason,
            actor=change.actor,
        )
        for event_type in applied.events
    ]
