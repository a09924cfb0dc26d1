"""Reserving refunds and every change of them, in one transaction with the payment's amounts, the books and the events.

A refund is reserved on the payment's locked row, and the row's constraints refuse more than was captured, so any number
of racing refunds cannot give back too much.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import ledger
from clearway.db.events import DueDelivery, Happening, announce, due_for_step, endpoints_of
from clearway.db.payments import PaymentUnknownError, is_recorded, lock, payment_of
from clearway.db.tables import payments, refunds
from clearway.db.writing import Changed, Write, row_after, write
from clearway.domain import ledger as books
from clearway.domain.events import EventType
from clearway.domain.money import Money
from clearway.domain.payment import Payment
from clearway.domain.refund import NewRefund, Refund, RefundChange, RefundStatus, apply_refund_change
from clearway.domain.resources import RefundResource

CREATED_STEP = "created"


class AmountNotRefundableError(Exception):
    """The refund exceeds what was captured and is neither refunded nor promised; str(error) is for the merchant."""


class RefundUnknownError(Exception):
    """There is no such refund. A workflow that meets this has a bug."""


@dataclass(frozen=True, slots=True)
class RecordedRefund:
    """A refund as it stands after a step, its resource, its payment's gateway reference, and the deliveries due."""

    refund: Refund
    resource: RefundResource
    payment_reference: str | None
    due: list[DueDelivery]


async def reserve(connection: AsyncConnection, new: NewRefund, *, now: datetime) -> RecordedRefund:
    """Promise a refund. Raises PaymentUnknownError or AmountNotRefundableError, having done nothing."""
    payment_row = await lock(connection, new.payment_id)
    payment = payment_of(payment_row)
    if payment.merchant_id != new.merchant_id:
        raise PaymentUnknownError(new.payment_id)
    existing = (await connection.execute(select(refunds).where(refunds.c.id == new.id))).first()
    if existing is not None:
        return await _already(connection, existing, payment, CREATED_STEP)
    amount_minor = _refundable(payment, new.amount_minor)
    row = await _insert(connection, new, payment, amount_minor, now)
    booked = books.refund_reserved(new.id, payment.merchant_id, Money(amount_minor, payment.currency))
    asked = RefundChange(step=CREATED_STEP, to=RefundStatus.PENDING, reason="refund asked for", actor="merchant")
    happening = _happening(row, EventType.REFUND_CREATED, asked, None)
    told = announce([happening], await endpoints_of(connection, payment.merchant_id), now=now)
    promised = _added_to_payment(payment.id, pending_minor=amount_minor, now=now)
    booking = ledger.bookings([booked], payment_id=payment.id, refund_id=new.id, now=now)
    await write(connection, [promised, *booking, *told.writes])
    return RecordedRefund(refund_of(row), resource_of(row), payment.gateway_reference, told.due)


async def apply(connection: AsyncConnection, refund_id: str, change: RefundChange, *, now: datetime) -> RecordedRefund:
    """Apply a change to the refund and to its payment's amounts. Raises MoveRefusedError or RefundUnknownError."""
    payment = await _lock_payment_of(connection, refund_id)
    row = (await connection.execute(select(refunds).where(refunds.c.id == refund_id).with_for_update())).one()
    if is_recorded(row, change.step):
        return await _already(connection, row, payment, change.step)
    applied = apply_refund_change(refund_of(row), change)
    after = _columns_after(applied.refund, now)
    changed = row_after(row, after)
    happening = _happening(changed, applied.event, change, row.status)
    told = announce([happening], await endpoints_of(connection, payment.merchant_id), now=now)
    writes: list[Write] = [Changed(refunds, refund_id, after)]
    pending_minor, refunded_minor = applied.pending_delta_minor, applied.refunded_delta_minor
    if pending_minor or refunded_minor:
        writes.append(
            _added_to_payment(payment.id, pending_minor=pending_minor, refunded_minor=refunded_minor, now=now)
        )
    writes += ledger.bookings(applied.transactions, payment_id=payment.id, refund_id=refund_id, now=now)
    await write(connection, [*writes, *told.writes])
    return RecordedRefund(applied.refund, resource_of(changed), payment.gateway_reference, told.due)


def refund_of(row: Row[Any]) -> Refund:
    """Read the part of a row that the rules speak of."""
    return Refund(
        id=row.id,
        merchant_id=row.merchant_id,
        payment_id=row.payment_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        gateway=row.gateway,
        status=RefundStatus(row.status),
        gateway_reference=row.gateway_reference,
        error_code=row.error_code,
        error_description=row.error_description,
        version=row.version,
        last_step=row.last_step,
    )


def resource_of(row: Row[Any] | SimpleNamespace) -> RefundResource:
    """Render a row as merchants see it."""
    return RefundResource(
        id=row.id,
        payment_id=row.payment_id,
        amount=row.amount_minor,
        currency=row.currency,
        status=row.status,
        reason=row.reason,
        error_code=row.error_code,
        error_description=row.error_description,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _refundable(payment: Payment, asked_minor: int | None) -> int:
    left = payment.refundable_minor
    amount_minor = left if asked_minor is None else asked_minor
    if 0 < amount_minor <= left:
        return amount_minor
    if payment.captured_minor == 0:
        message = f"payment {payment.id} is {payment.status} and nothing of it is captured, so nothing can be refunded"
    else:
        asked = "" if asked_minor is None else f"{Money(asked_minor, payment.currency)} asked for, but "
        message = (
            f"{asked}{Money(left, payment.currency)} of payment {payment.id} is left to refund: "
            f"{payment.captured_minor} captured, {payment.refunded_minor} refunded, "
            f"{payment.refund_pending_minor} in refunds under way. Nothing was refunded by this request."
        )
    raise AmountNotRefundableError(message)


async def _lock_payment_of(connection: AsyncConnection, refund_id: str) -> Payment:
    """Lock the payment before the refund, as `reserve` does: one order, so no two transactions wait for each other."""
    query = (
        select(payments)
        .join(refunds, refunds.c.payment_id == payments.c.id)
        .where(refunds.c.id == refund_id)
        .with_for_update(of=payments)
    )
    row = (await connection.execute(query)).first()
    if row is None:
        raise RefundUnknownError(refund_id)
    return payment_of(row)


def _added_to_payment(payment_id: str, *, pending_minor: int, refunded_minor: int = 0, now: datetime) -> Changed:
    added = {"refund_pending_minor": pending_minor, "refunded_minor": refunded_minor}
    return Changed(payments, payment_id, {"updated_at": now}, added=added)


async def _insert(
    connection: AsyncConnection, new: NewRefund, payment: Payment, amount_minor: int, now: datetime
) -> Row[Any]:
    statement = (
        insert(refunds)
        .values(
            id=new.id,
            merchant_id=payment.merchant_id,
            payment_id=payment.id,
            amount_minor=amount_minor,
            currency=payment.currency,
            status=RefundStatus.PENDING.value,
            reason=new.reason,
            gateway=payment.gateway,
            last_step=CREATED_STEP,
            created_at=now,
            updated_at=now,
        )
        .returning(refunds)
    )
    written: Row[Any] = (await connection.execute(statement)).one()
    return written


def _columns_after(refund: Refund, now: datetime) -> dict[str, Any]:
    return {
        "status": refund.status.value,
        "gateway_reference": refund.gateway_reference,
        "error_code": refund.error_code,
        "error_description": refund.error_description,
        "version": refund.version,
        "last_step": refund.last_step,
        "updated_at": now,
    }


async def _already(connection: AsyncConnection, row: Row[Any], payment: Payment, step: str) -> RecordedRefund:
    due = await due_for_step(connection, step, refund_id=row.id)
    return RecordedRefund(refund_of(row), resource_of(row), payment.gateway_reference, due)


def _happening(
    row: Row[Any] | SimpleNamespace, event_type: EventType, change: RefundChange, from_status: str | None
) -> Happening:
    return Happening(
        type=event_type,
        merchant_id=row.merchant_id,
        data=resource_of(row).data(),
        step=change.step,
        payment_id=row.payment_id,
        refund_id=row.id,
        from_status=from_status,
        to_status=row.status,
        reason=change.reason,
        actor=change.actor,
    )
