"""Figures of a merchant's gateways: calls from `gateway_calls`, payments from their attempts. Read only.

Rows are found by the time in their ids, so a query reads only the partitions and the part of an index it needs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Float, Row, cast, func, literal, null, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import gateway_calls, payment_attempts, payments
from clearway.domain.attempt import AttemptStatus
from clearway.domain.gateway_call import CallOperation
from clearway.domain.ids import GATEWAY_CALL, PAYMENT, first_id

PERCENTILES: Final = (0.5, 0.95, 0.99)


class GroupBy(StrEnum):
    """How figures are divided."""

    GATEWAY = "gateway"
    HOUR = "hour"
    DAY = "day"
    OPERATION = "operation"
    METHOD = "method"
    CURRENCY = "currency"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which figures: of a merchant, since (inclusive) until (exclusive), of one gateway or of all."""

    merchant_id: str
    since: datetime
    until: datetime
    gateway_id: str | None = None


async def of_calls(connection: AsyncConnection, scope: Scope, by: GroupBy | None) -> Sequence[Row[Any]]:
    """Return rows of `whole, part, calls, failures, percentiles`: one of the whole time, and one of each group.

    whole: the row is of the whole time; its percentiles are None without calls. part: the group, None in the row of
    the whole time and in that of a group without a name.
    """
    call = gateway_calls.c
    key = _key(by, gateway_id=call.gateway_id, at=call.started_at, method=call.method, currency=call.currency)
    if by is GroupBy.OPERATION:
        key = call.operation
    percentiles = func.percentile_cont(cast(list(PERCENTILES), ARRAY(Float))).within_group(call.latency_ms)
    query = select(
        # A group without a name has no part either, so the row of the whole time says what it is.
        (literal(value=True) if key is None else func.grouping(key) == 1).label("whole"),
        _shown(by, key).label("part"),
        func.count().label("calls"),
        func.count(call.failure).label("failures"),
        percentiles.label("percentiles"),
    ).where(
        call.merchant_id == scope.merchant_id,
        call.id >= first_id(GATEWAY_CALL, scope.since),
        call.id < first_id(GATEWAY_CALL, scope.until),
    )
    if key is not None:
        query = query.group_by(func.grouping_sets(tuple_(), tuple_(key)))
    if scope.gateway_id is not None:
        query = query.where(call.gateway_id == scope.gateway_id)
    return (await connection.execute(query)).all()


async def of_payments(
    connection: AsyncConnection, scope: Scope, by: GroupBy | None, issuer_codes: Collection[str]
) -> Sequence[Row[Any]]:
    """Return rows of `part, currency, attempts, approved, declined, approved_minor` of payments created in the time.

    Every attempt is in one row, so their sums are those of the whole time. part: the group; None without a division.
    issuer_codes: the unified codes with which an issuer declines.
    """
    payment, attempt = payments.c, payment_attempts.c
    key = _key(
        by, gateway_id=attempt.gateway_id, at=attempt.started_at, method=payment.method, currency=payment.currency
    )
    part = literal(CallOperation.AUTHORISE.value) if by is GroupBy.OPERATION else _shown(by, key)
    approved, declined = _decided(issuer_codes)
    query = (
        select(
            part.label("part"),
            payment.currency,
            func.count().label("attempts"),
            func.count().filter(approved).label("approved"),
            func.count().filter(declined).label("declined"),
            func.coalesce(func.sum(payment.amount_minor).filter(approved), 0).label("approved_minor"),
        )
        .join(payment_attempts, attempt.payment_id == payment.id)
        .where(
            payment.merchant_id == scope.merchant_id,
            payment.id >= first_id(PAYMENT, scope.since),
            payment.id < first_id(PAYMENT, scope.until),
            *_attempts_of(scope),
        )
        .group_by(payment.currency, *(() if key is None else (key,)))
    )
    if scope.gateway_id is not None:
        query = query.where(attempt.gateway_id == scope.gateway_id)
    return (await connection.execute(query)).all()


async def of_recent_payments(
    connection: AsyncConnection, scope: Scope, slot_s: float, payments_max: int, issuer_codes: Collection[str]
) -> Sequence[Row[Any]]:
    """Return rows of `gateway_id, method, currency, slot, approved, declined` of the newest payments of the time.

    slot: which `slot_s` seconds since 1970 the payment was created in. Only attempts that are approved or declined.
    """
    recent = (
        select(payments.c.id, payments.c.method, payments.c.currency, payments.c.created_at)
        .where(
            payments.c.merchant_id == scope.merchant_id,
            payments.c.id >= first_id(PAYMENT, scope.since),
            payments.c.id < first_id(PAYMENT, scope.until),
        )
        .order_by(payments.c.id.desc())
        .limit(payments_max)
        .subquery("recent")
    )
    approved, declined = _decided(issuer_codes)
    slot = cast(func.floor(func.extract("epoch", recent.c.created_at) / slot_s), BigInteger)
    part = (payment_attempts.c.gateway_id, recent.c.method, recent.c.currency, slot.label("slot"))
    query = (
        select(*part, func.count().filter(approved).label("approved"), func.count().filter(declined).label("declined"))
        .join(payment_attempts, payment_attempts.c.payment_id == recent.c.id)
        .where(
            *_attempts_of(scope),
            approved | declined,
        )
        .group_by(*part)
    )
    return (await connection.execute(query)).all()


def _attempts_of(scope: Scope) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the period of the payments, said again of their attempts: so their index is read and not the table."""
    of = payment_attempts.c.payment_id
    return of >= first_id(PAYMENT, scope.since), of < first_id(PAYMENT, scope.until)


def _decided(issuer_codes: Collection[str]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return what tells of an attempt that it was approved, and that an issuer declined it."""
    attempt = payment_attempts.c
    approved = attempt.status == AttemptStatus.SUCCEEDED.value
    declined = (attempt.status == AttemptStatus.FAILED.value) & attempt.error_code.in_(sorted(issuer_codes))
    return approved, declined


def _key(
    by: GroupBy | None,
    *,
    gateway_id: ColumnElement[str],
    at: ColumnElement[Any],
    method: ColumnElement[str],
    currency: ColumnElement[str],
) -> ColumnElement[Any] | None:
    """Return what rows are grouped by; None: they are not divided, or by what only calls have."""
    match by:
        case None | GroupBy.OPERATION:
            return None
        case GroupBy.GATEWAY:
            return gateway_id
        case GroupBy.METHOD:
            return method
        case GroupBy.CURRENCY:
            return currency
        case GroupBy.HOUR | GroupBy.DAY:
            return func.date_trunc(by.value, func.timezone("UTC", at))


def _shown(by: GroupBy | None, key: ColumnElement[Any] | None) -> ColumnElement[Any]:
    """Return the name of a group. A time is written once for a group, and not for each of its rows."""
    if key is None:
        return null()
    return func.to_char(key, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') if by in {GroupBy.HOUR, GroupBy.DAY} else key
