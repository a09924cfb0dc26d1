"""The row of a payment: what it holds at first, and what the rules and the merchants read of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row

from clearway.domain.command import CommandKind, CommandStatus, PaymentCommand
from clearway.domain.events import CREATED_STEP
from clearway.domain.payment import FINAL, CaptureMethod, NewPayment, Payment, PaymentStatus
from clearway.domain.resources import NextAction, PaymentResource


@dataclass(frozen=True, slots=True)
class SealedParts:
    """What a row keeps encrypted. operation: what the gateway is asked with. return_url: the merchant's."""

    operation: str | None = None
    return_url: str | None = None


class RecordMovedError(Exception):
    """The row is not where its run believes it to be: the database or Temporal was restored to an earlier moment."""


def payment_of(row: Row[Any] | SimpleNamespace) -> Payment:
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


def first_row(new: NewPayment, sealed: SealedParts, now: datetime) -> SimpleNamespace:
    """Return all columns of a payment as it is recorded, so that the row need not be read back."""
    return SimpleNamespace(
        id=new.id,
        merchant_id=new.merchant_id,
        order_id=new.order_id,
        amount_minor=new.amount_minor,
        currency=new.currency,
        method=new.method,
        capture_method=new.capture_method,
        status=PaymentStatus.PENDING.value,
        captured_minor=0,
        refunded_minor=0,
        refund_pending_minor=0,
        gateway=new.gateway,
        gateway_reference=None,
        instrument=new.shown,
        sealed=sealed.operation,
        sealed_return_url=sealed.return_url,
        customer=new.customer,
        notes=new.notes,
        action_url=None,
        error_code=None,
        error_description=None,
        version=0,
        last_step=CREATED_STEP,
        created_at=now,
        updated_at=now,
    )


def new_payment_of(row: Row[Any], instrument: str, return_url: str | None) -> NewPayment:
    """Return the payment as it was asked for. instrument and return_url: what the row keeps sealed."""
    return NewPayment(
        id=row.id,
        merchant_id=row.merchant_id,
        order_id=row.order_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        method=row.method,
        capture_method=row.capture_method,
        instrument=instrument,
        shown=row.instrument,
        customer=row.customer,
        notes=row.notes,
        gateway=row.gateway,
        return_url=return_url,
    )


def columns_after(payment: Payment, now: datetime) -> dict[str, Any]:
    """Return the columns that a change may move, as they stand after it."""
    forgotten = {"sealed": None} if payment.status in FINAL else {}
    return forgotten | {
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


def command_of(row: Row[Any]) -> PaymentCommand:
    """Read the row of a command."""
    return PaymentCommand(
        id=row.id,
        kind=CommandKind(row.kind),
        number=row.number,
        amount_minor=row.amount_minor,
        final=row.final,
        status=CommandStatus(row.status),
        refusal=row.refusal,
    )
