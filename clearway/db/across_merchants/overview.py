"""What operators see of all merchants: the merchants, what waits for a decision, the health of gateways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Table,
    Text,
    case,
    cast,
    literal,
    null,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.pages import PageRequest, Rows, fetch_page
from clearway.db.tables import accounts, gateway_configs, gateway_health, merchants, payments, refunds, reviews
from clearway.domain.payment import PaymentStatus
from clearway.domain.refund import RefundStatus
from clearway.domain.review import SubjectType


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of what waits begins: after the row that waits since then. Ids settle ties."""

    since: datetime
    id: str


@dataclass(frozen=True, slots=True)
class AwaitingPage:
    """One page of what waits; last: where the next one begins, None on the last page."""

    rows: Sequence[Row[Any]]
    last: Place | None


async def merchants_page(connection: AsyncConnection, page: PageRequest, search: str | None) -> Rows:
    """Return one page of all merchants with their accounts, newest first. search: a part of a name, or an id."""
    query = select(merchants, accounts.c.name.label("account_name")).join(
        accounts, accounts.c.id == merchants.c.account_id
    )
    if search is not None:
        named = [name.icontains(search, autoescape=True) for name in (merchants.c.name, accounts.c.name)]
        query = query.where(or_(*named, merchants.c.id == search, accounts.c.id == search))
    return await fetch_page(connection, query, merchants.c.id, page)


async def awaiting_decision(connection: AsyncConnection, limit: int, after: Place | None = None) -> AwaitingPage:
    """Return one page of payments and refunds in needs_review and open reviews, the longest waiting first.

    The order is not that of ids, so the cursor has the time too: a row that is decided meanwhile leaves no gap.
    """
    none = null()
    waiting = union_all(
        _waiting("payment", payments.c.id, payments.c.id, payments, payments.c.updated_at).where(
            payments.c.status == PaymentStatus.NEEDS_REVIEW.value
        ),
        _waiting("refund", refunds.c.id, refunds.c.payment_id, refunds, refunds.c.updated_at).where(
            refunds.c.status == RefundStatus.NEEDS_REVIEW.value
        ),
        select(
            literal("review").label("kind"),
            *(reviews.c.id, reviews.c.merchant_id, reviews.c.subject_id),
            case((reviews.c.subject_type == SubjectType.PAYMENT.value, reviews.c.subject_id)).label("payment_id"),
            *(none.label(name) for name in ("gateway", "gateway_reference", "amount", "currency")),
            *(reviews.c.kind.label("review_kind"), reviews.c.opened_at.label("since")),
        ).where(reviews.c.resolved_at.is_(None)),
    ).subquery()
    query = (
        select(waiting, merchants.c.name.label("merchant_name"), merchants.c.mode)
        .join(merchants, merchants.c.id == waiting.c.merchant_id)
        .order_by(waiting.c.since, waiting.c.id)
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(tuple_(waiting.c.since, waiting.c.id) > tuple_(after.since, after.id))
    rows = (await connection.execute(query)).all()
    shown = rows[:limit]
    return AwaitingPage(shown, Place(shown[-1].since, shown[-1].id) if len(rows) > limit else None)


async def gateways_page(connection: AsyncConnection, page: PageRequest) -> Rows:
    """Return one page of the gateways of all merchants with their health, newest first."""
    query = (
        select(
            *(gateway_configs.c[name] for name in ("id", "merchant_id", "kind", "name", "enabled")),
            merchants.c.name.label("merchant_name"),
            merchants.c.mode,
            *(gateway_health.c[name] for name in ("status", "since", "degraded_since", "message", "checked_at")),
        )
        .join(merchants, merchants.c.id == gateway_configs.c.merchant_id)
        .outerjoin(gateway_health, gateway_health.c.gateway_id == gateway_configs.c.id)
        .where(gateway_configs.c.deleted_at.is_(None))
    )
    return await fetch_page(connection, query, gateway_configs.c.id, page)


def _waiting(
    kind: str,
    identifier: ColumnElement[str],
    payment_id: ColumnElement[str],
    table: Table,
    since: ColumnElement[object],
) -> Select[Any]:
    return select(
        literal(kind).label("kind"),
        *(identifier, table.c.merchant_id, identifier.label("subject_id"), payment_id.label("payment_id")),
        *(table.c.gateway, table.c.gateway_reference, table.c.amount_minor.label("amount"), table.c.currency),
        *(cast(null(), Text).label("review_kind"), since.label("since")),
    )
