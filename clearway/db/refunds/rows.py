"""The row of a refund: what it holds at first, and what the rules and the merchants read of it."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row

from clearway.domain.events import CREATED_STEP
from clearway.domain.payment import Payment
from clearway.domain.refund import NewRefund, Refund, RefundStatus
from clearway.domain.resources import RefundResource


def refund_of(row: Row[Any] | SimpleNamespace) -> Refund:
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


def first_row(new: NewRefund, payment: Payment, amount_minor: int, now: datetime) -> SimpleNamespace:
    """Return all columns of a refund as it is reserved, so that the row need not be read back."""
    return SimpleNamespace(
        id=new.id,
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        amount_minor=amount_minor,
        currency=payment.currency,
        status=RefundStatus.PENDING.value,
        reason=new.reason,
        gateway=payment.gateway,
        gateway_reference=None,
        error_code=None,
        error_description=None,
        version=0,
        last_step=CREATED_STEP,
        created_at=now,
        updated_at=now,
    )


def columns_after(refund: Refund, now: datetime) -> dict[str, Any]:
    """Return the columns that a change may move, as they stand after it."""
    return {
        "status": refund.status.value,
        "amount_minor": refund.amount_minor,
        "gateway_reference": refund.gateway_reference,
        "error_code": refund.error_code,
        "error_description": refund.error_description,
        "version": refund.version,
        "last_step": refund.last_step,
        "updated_at": now,
    }
