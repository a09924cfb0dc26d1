"""Record payment attempts, always in the statement of the payment's change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.payments.rows import attempt_of
from clearway.db.tables import payment_attempts, payments
from clearway.db.writing import Changed, Rows, Write
from clearway.domain.attempt import OPEN, Attempt, AttemptKept, AttemptSeen, AttemptStatus, attempt_key
from clearway.domain.payment import Applied, Change, Payment, PaymentStatus
from clearway.domain.resources import AttemptResource

FIND: Final = (
    select(payment_attempts)
    .where(payment_attempts.c.payment_id == bindparam("payment_id"))
    .order_by(payment_attempts.c.number)
)


def first(payment: Payment, now: datetime) -> Write:
    """Return the write of the first attempt, which is recorded with its payment."""
    return Rows(payment_attempts, [_row(payment, 1, now)])


def following(before: Payment, applied: Applied, change: Change, now: datetime) -> list[Write]:
    """Return the writes of a payment's change for its attempt, and for the next attempt if one follows."""
    if before.status is PaymentStatus.AUTHORIZED:
        return []  # the attempt has succeeded; later changes are about captures and voids
    seen = change.attempt or AttemptSeen()
    if change.retry is not None:
        return [Rows(payment_attempts, [_row(applied.payment, change.retry.number, now)])]
    values: dict[str, Any] = {}
    if change.attempt is not None:
        values |= {"gateway_references": seen.references, "state": seen.state}
    if applied.attempt_status is not None:
        ended_at = None if applied.attempt_status in OPEN else now
        values |= {"status": applied.attempt_status.value, "ended_at": ended_at}
    if applied.attempt_status is AttemptStatus.FAILED:
        values |= _failure(change, seen)
    if not values:
        return []
    # An attempt that has ended stays as it is: a review of a capture or a void says nothing about it.
    was = AttemptStatus.UNKNOWN if before.status is PaymentStatus.NEEDS_REVIEW else AttemptStatus.PENDING
    where = {"status": was.value} if applied.attempt_status is not None else {}
    changed = Changed(payment_attempts, attempt_key(before.id, seen.number), values, where=where)
    if change.next_attempt is None:
        return [changed]
    return [changed, Rows(payment_attempts, [_row(applied.payment, seen.number + 1, now)])]


async def failed(connection: AsyncConnection, before: Payment, change: Change, now: datetime) -> AttemptResource:
    """Return the resource of a failed attempt that is followed by another, for its event."""
    assert change.attempt is not None, "the attempt that failed"
    key = attempt_key(before.id, change.attempt.number)
    started_at = await connection.scalar(select(payment_attempts.c.started_at).where(payment_attempts.c.id == key))
    return AttemptResource(
        payment_id=before.id,
        number=change.attempt.number,
        gateway=before.gateway,
        gateway_id=before.gateway_id,
        status=AttemptStatus.FAILED,
        started_at=started_at or now,
        ended_at=now,
        **_failure(change, change.attempt),
    )


async def all_of(connection: AsyncConnection, payment_id: str) -> Sequence[Attempt]:
    """Return a payment's attempts in their order."""
    return [attempt_of(row) for row in await connection.execute(FIND, {"payment_id": payment_id})]


_NEWEST: Final = payment_attempts.alias("newest_attempt")
KEPT: Final = (
    select(func.json_build_array(_NEWEST.c.gateway_references, _NEWEST.c.state))
    .where(_NEWEST.c.payment_id == payments.c.id)
    .order_by(_NEWEST.c.number.desc())
    .limit(1)
    .scalar_subquery()
    .label("kept")
)
"""The references and state of a payment's last attempt, for a query that reads the payment's row anyway."""


def kept_in(row: Row[Any], payment_reference: str | None) -> AttemptKept:
    """Read what `KEPT` found; payment_reference: the one in the payment's row, which an operator may have set."""
    found: tuple[dict[str, str], str | None] = row.kept or ({}, None)
    references, state = found
    shown = {"payment": payment_reference} if payment_reference else {}
    return AttemptKept(references | shown, state)


def _row(payment: Payment, number: int, now: datetime) -> dict[str, Any]:
    return {
        "id": attempt_key(payment.id, number),
        "payment_id": payment.id,
        "merchant_id": payment.merchant_id,
        "number": number,
        "gateway": payment.gateway,
        "gateway_id": payment.gateway_id,
        "status": AttemptStatus.PENDING.value,
        "gateway_references": {},
        "started_at": now,
    }


def _failure(change: Change, seen: AttemptSeen) -> dict[str, Any]:
    return {
        "executed": seen.executed.value if seen.executed else None,
        "error_code": seen.error_code or change.error_code,
        "error_description": seen.error_description or change.error_description,
        "raw_code": seen.raw_code,
        "network_code": seen.network_code,
    }
