"""The payments and refunds of gateway events, and the reviews of all merchants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Row,
    bindparam,
    func,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import (
    captures,
    gateway_events,
    payment_attempts,
    payments,
    refunds,
    reviews,
)
from clearway.domain.review import SubjectType


@dataclass(frozen=True, slots=True)
class Attempted:
    """One attempt of a payment: the configuration where it was made, and the gateway's ids by name."""

    gateway_id: str
    references: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Subject:
    """The part of a stored payment or refund that a gateway event can contradict.

    amount_minor: captured of the payment, or the amount of the refund. captures: what was captured, by the gateway's
    reference. references: the gateway's ids, by the names of the contract. gateway_id: where it was made.
    attempts: the attempts of a payment, by number.
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
    references: Mapping[str, str]
    created_at: datetime
    gateway_id: str
    attempts: Mapping[int, Attempted]

    def is_former_attempt(self, number: int) -> bool:
        """Return whether another attempt followed this one."""
        return number < max(self.attempts, default=1)


_ATTEMPT: Final = (payment_attempts.c.number, payment_attempts.c.gateway_id, payment_attempts.c.gateway_references)
_ATTEMPTED: Final = (
    select(func.json_agg(func.json_build_array(*_ATTEMPT)))
    .where(payment_attempts.c.payment_id == payments.c.id)
    .scalar_subquery()
    .label("attempted")
)
_LAST: Final = (
    select(func.coalesce(func.max(payment_attempts.c.number), 1))
    .where(payment_attempts.c.payment_id == payments.c.id)
    .scalar_subquery()
)
OF_PAYMENT: Final = (
    select(payments.c.id, _LAST)
    .where(payments.c.gateway_id == bindparam("gateway_id"), payments.c.gateway_reference == bindparam("reference"))
    .limit(1)
)
OF_ATTEMPT: Final = (
    select(payment_attempts.c.payment_id, payment_attempts.c.number)
    .where(
        payment_attempts.c.gateway_id == bindparam("gateway_id"),
        payment_attempts.c.gateway_references["payment"].astext == bindparam("reference"),
    )
    .order_by(payment_attempts.c.number.desc())
    .limit(1)
)
_CAPTURED: Final = (
    select(func.json_agg(func.json_build_array(captures.c.gateway_reference, captures.c.amount_minor)))
    .where(captures.c.payment_id == payments.c.id)
    .scalar_subquery()
    .label("captured")
)


FIND_PAYMENT: Final = select(payments, _CAPTURED, _ATTEMPTED).where(payments.c.id == bindparam("subject"))


FIND_REFUND: Final = (
    select(refunds, payments.c.gateway_reference.label("payment_reference"))
    .join(payments, payments.c.id == refunds.c.payment_id)
    .where(refunds.c.id == bindparam("subject"))
)


async def find_subject(connection: AsyncConnection, kind: SubjectType, subject_id: str) -> Subject | None:
    """Return a payment or refund of any merchant; None when no row has this id."""
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
        references=_references(row, refunded=refunded),
        created_at=row.created_at,
        gateway_id=row.gateway_id,
        attempts={} if refunded else {number: Attempted(*rest) for number, *rest in row.attempted or ()},
    )


def _references(row: Row[Any], *, refunded: bool) -> dict[str, str]:
    if not refunded:
        return {"payment": row.gateway_reference} if row.gateway_reference else {}
    named = {"payment": row.payment_reference, "refund": row.gateway_reference}
    return {name: value for name, value in named.items() if value}


async def find_by_reference(connection: AsyncConnection, gateway_id: str, reference: str) -> tuple[str, int] | None:
    """Return the payment that a gateway knows by this reference, and the number of its attempt there.

    An attempt that another followed is found too: its customer may still pay.
    """
    asked = {"gateway_id": gateway_id, "reference": reference}
    row = (await connection.execute(OF_PAYMENT, asked)).one_or_none()
    row = row or (await connection.execute(OF_ATTEMPT, asked)).one_or_none()
    return None if row is None else (row[0], row[1])


async def find_gateway_event(connection: AsyncConnection, event_id: str) -> Row[Any] | None:
    """Return an event of any merchant's gateway: for operators. event_id: Clearway's id, `gwe_…`."""
    return (await connection.execute(select(gateway_events).where(gateway_events.c.id == event_id))).one_or_none()


async def find_review(connection: AsyncConnection, review_id: str) -> Row[Any] | None:
    """Return a review of any merchant."""
    return (await connection.execute(select(reviews).where(reviews.c.id == review_id))).one_or_none()


async def count_open_reviews(connection: AsyncConnection) -> Mapping[str, int]:
    """Return how many reviews are open, by kind."""
    query = (
        select(reviews.c.kind, func.count().label("open"))
        .where(reviews.c.resolved_at.is_(None))
        .group_by(reviews.c.kind)
    )
    return {row.kind: row.open for row in await connection.execute(query)}
