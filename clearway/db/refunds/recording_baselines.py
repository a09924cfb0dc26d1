"""What a gateway said before a refund was sent. One refund of a payment at a time has one, so that growth is its own.

Some gateways know no idempotency key for refunds. Their look-up compares the refunded amount with the one before.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import case, func, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from clearway.db.payments.rows import RecordMovedError
from clearway.db.tables import refunds
from clearway.domain.refund import RefundStatus

BEING_READ: Final = ""


async def claim(connection: AsyncConnection, refund_id: str) -> str | None:
    """Return the baseline, or `BEING_READ` when it is to be read now; None: another refund of the payment is under way.

    Raises RecordMovedError when the refund is no longer pending.
    """
    claiming = (
        update(refunds)
        .where(refunds.c.id == refund_id, refunds.c.status == RefundStatus.PENDING)
        .values(baseline=func.coalesce(refunds.c.baseline, BEING_READ))
        .returning(refunds.c.baseline)
    )
    try:
        return await _baseline(connection, claiming, refund_id)
    except IntegrityError:  # ux_refunds_baseline
        return None


async def keep(connection: AsyncConnection, refund_id: str, baseline: str) -> str:
    """Record a baseline, and return it; one that was recorded before stays. Raises RecordMovedError."""
    keeping = (
        update(refunds)
        .where(refunds.c.id == refund_id, refunds.c.status == RefundStatus.PENDING, refunds.c.baseline.is_not(None))
        .values(baseline=case((refunds.c.baseline == BEING_READ, baseline), else_=refunds.c.baseline))
        .returning(refunds.c.baseline)
    )
    return await _baseline(connection, keeping, refund_id)


async def _baseline(connection: AsyncConnection, statement: ReturningUpdate[Any], refund_id: str) -> str:
    found = (await connection.execute(statement)).scalar_one_or_none()
    if found is None:
        raise RecordMovedError(f"refund {refund_id} is no longer pending, so nothing is read for it")
    return str(found)
