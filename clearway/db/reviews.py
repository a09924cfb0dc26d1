"""Reviews in the database: opened with the event that a merchant receives, listed, closed with an audit line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.events import DueDelivery, Happening, announce, endpoints_of
from clearway.db.tables import captures, payments, refunds, reviews
from clearway.db.writing import Rows, Write, write_if
from clearway.domain.events import EventType
from clearway.domain.resources import ContradictionResource
from clearway.domain.review import SubjectType


@dataclass(frozen=True, slots=True)
class Subject:
    """What is recorded of a payment or refund, as far as a gateway's report can contradict it.

    amount_minor: captured of the payment, or the amount of the refund. captures: what was captured, by the gateway's
    reference.
    """

    type: SubjectType
    id: str
    merchant_id: str
    payment_id: str
    status: str
    amount_minor: int
    asked_minor: int
    currency: str
    captures: Mapping[str | None, int]


_CAPTURED: Final = (
    select(func.json_agg(func.json_build_array(captures.c.gateway_reference, captures.c.amount_minor)))
    .where(captures.c.payment_id == payments.c.id)
    .scalar_subquery()
    .label("captured")
)
FIND_PAYMENT: Final = select(payments, _CAPTURED).where(payments.c.id == bindparam("subject"))
FIND_REFUND: Final = select(refunds).where(refunds.c.id == bindparam("subject"))


async def find_subject(connection: AsyncConnection, kind: SubjectType, subject_id: str) -> Subject | None:
    """Return what is recorded of a payment or refund, whosever it is; None when there is none."""
    query = FIND_REFUND if kind is SubjectType.REFUND else FIND_PAYMENT
    row = (await connection.execute(query, {"subject": subject_id})).one_or_none()
    if row is None:
        return None
    refunded = kind is SubjectType.REFUND
    return Subject(
        type=kind,
        id=row.id,
        merchant_id=row.merchant_id,
        payment_id=row.payment_id if refunded else row.id,
        status=row.status,
        amount_minor=row.amount_minor if refunded else row.captured_minor,
        asked_minor=row.amount_minor,
        currency=row.currency,
        captures={} if refunded else dict(row.captured or ()),
    )


async def open_review(
    connection: AsyncConnection,
    subject: Subject,
    contradiction: ContradictionResource,
    *,
    beside: Sequence[Write],
    now: datetime,
) -> list[DueDelivery] | None:
    """Open a review and write its event, its deliveries and `beside` in one statement; return the due deliveries.

    None, with nothing written: a review of this kind is open for the subject already.
    """
    data = contradiction.data()
    row = {
        "id": contradiction.id,
        "merchant_id": subject.merchant_id,
        "subject_type": subject.type.value,
        "subject_id": subject.id,
        "kind": contradiction.kind.value,
        "detail": data,
        "opened_at": now,
    }
    happening = Happening(
        type=EventType(f"{subject.type}.contradicted"),
        merchant_id=subject.merchant_id,
        data=data,
        step=contradiction.id,
        subject_id=subject.id,
        payment_id=subject.payment_id,
        reason=contradiction.description,
        actor="gateway",
    )
    told = announce([happening], await endpoints_of(connection, subject.merchant_id), now=now)
    opened = await write_if(connection, Rows(reviews, [row], unless_there=True), [*beside, *told.writes])
    return told.due if opened else None


async def listed(
    connection: AsyncConnection, *, merchant_id: str | None = None, only_open: bool = True, limit: int = 100
) -> list[Row[Any]]:
    """Return reviews, newest first; merchant_id None: of the whole installation."""
    conditions: list[ColumnElement[bool]] = []
    if merchant_id is not None:
        conditions.append(reviews.c.merchant_id == merchant_id)
    if only_open:
        conditions.append(reviews.c.resolved_at.is_(None))
    query = select(reviews).where(*conditions).order_by(reviews.c.id.desc()).limit(limit)
    return list((await connection.execute(query)).all())


async def find(connection: AsyncConnection, review_id: str) -> Row[Any] | None:
    """Return a review, whosever it is."""
    return (await connection.execute(select(reviews).where(reviews.c.id == review_id))).one_or_none()


async def close(
    connection: AsyncConnection, review_id: str, *, by: str, resolution: str, now: datetime
) -> Row[Any] | None:
    """Close an open review and return it; None when there is no open one."""
    closing = (
        update(reviews)
        .where(reviews.c.id == review_id, reviews.c.resolved_at.is_(None))
        .values(resolved_at=now, resolved_by=by, resolution=resolution)
        .returning(*reviews.c)
    )
    return (await connection.execute(closing)).one_or_none()


async def count_open(connection: AsyncConnection) -> Mapping[str, int]:
    """Return how many reviews are open, by kind."""
    query = (
        select(reviews.c.kind, func.count().label("open"))
        .where(reviews.c.resolved_at.is_(None))
        .group_by(reviews.c.kind)
    )
    return {row.kind: row.open for row in await connection.execute(query)}
