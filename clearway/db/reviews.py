"""Reviews in the database: opened with the event that a merchant receives, listed, closed with an audit line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.across_merchants import Subject
from clearway.db.events import DueDelivery, Happening, announce, endpoints_of
from clearway.db.tables import reviews
from clearway.db.writing import Rows, Write, write_if
from clearway.domain.events import EventType
from clearway.domain.resources import ContradictionResource


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
    announced = announce([happening], await endpoints_of(connection, subject.merchant_id), now=now)
    opened = await write_if(connection, Rows(reviews, [row], unless_there=True), [*beside, *announced.writes])
    return announced.due if opened else None


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


async def close(
    connection: AsyncConnection, merchant_id: str, review_id: str, *, by: str, resolution: str, now: datetime
) -> Row[Any] | None:
    """Close an open review and return it; None when there is no open one."""
    closing = (
        update(reviews)
        .where(reviews.c.id == review_id, reviews.c.merchant_id == merchant_id, reviews.c.resolved_at.is_(None))
        .values(resolved_at=now, resolved_by=by, resolution=resolution)
        .returning(*reviews.c)
    )
    return (await connection.execute(closing)).one_or_none()
