"""The row of a refund: its first values, and its mapping to the domain and to the API resource."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import Row

from clearway.db.mapping import Mapped
from clearway.db.tables import refunds
from clearway.domain.ids import made_at
from clearway.domain.payment import Payment
from clearway.domain.refund import NewRefund, Refund, begun
from clearway.domain.resources import RefundResource

REFUND: Final = Mapped(Refund, refunds)
RESOURCE: Final = Mapped(RefundResource, refunds, renamed={"amount": "amount_minor"})
MOVED: Final = (
    *("status", "amount_minor", "gateway_reference"),
    *("error_code", "error_description", "version", "last_step"),
)
"""What a change of the refund may move."""


def refund_of(row: Row[Any] | SimpleNamespace) -> Refund:
    """Read the part of a row that the rules need."""
    return REFUND.read(row)


def resource_of(row: Row[Any] | SimpleNamespace) -> RefundResource:
    """Return the API resource of a row."""
    return RESOURCE.read(row)


def first_row(
    new: NewRefund,
    payment: Payment,
    amount_minor: int,
    now: datetime,
    *,
    capture_id: str | None,
    settled_minor: int = 0,
) -> SimpleNamespace:
    """Return all columns of a refund as it is reserved, so that the row need not be read back.

    It is created at the time in its id, as payments are.
    """
    moments = {"created_at": made_at(new.id), "updated_at": now}
    more = {"settlement_minor": settled_minor, "reason": new.reason, **moments}
    return SimpleNamespace(**REFUND.columns(begun(new, payment, amount_minor, capture_id)) | more)


def columns_after(refund: Refund, now: datetime) -> dict[str, Any]:
    """Return the columns that a change may change, with their new values."""
    return REFUND.columns(refund, MOVED) | {"updated_at": now}
