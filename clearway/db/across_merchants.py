"""Every query that is not one merchant's: for requests that know no merchant yet, for gateways, and for housekeeping.

All other modules of `clearway.db` name the merchant in each query (`tests/unit/tidy/test_merchant_rule.py`), so a leak
between merchants can only be here. Who calls a function of this module must not show what it returns to a merchant
before the merchant is compared.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    DateTime,
    Row,
    Select,
    Table,
    Text,
    bindparam,
    column,
    delete,
    exists,
    func,
    select,
    text,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.api_secrets import SecretHash
from clearway.db.api_keys import grant_of
from clearway.db.events import DueDelivery, due
from clearway.db.idempotency import TTL
from clearway.db.orders import order_resource
from clearway.db.payments.rows import resource_of
from clearway.db.tables import (
    api_keys,
    captures,
    gateway_events,
    idempotency_keys,
    merchants,
    orders,
    payments,
    refunds,
    webhook_deliveries,
    webhook_recoveries,
)
from clearway.domain import payment, refund
from clearway.domain.api_key import Grant
from clearway.domain.delivery import DeliveryStatus, RecoveryStatus
from clearway.domain.gateway_event import Verdict
from clearway.domain.merchant import Mode
from clearway.domain.payment import HOLDS_ORDER, PaymentStatus
from clearway.domain.refund import RefundStatus
from clearway.domain.resources import OrderResource, PaymentResource

PARTITIONS_AHEAD: Final = 6
"""Months. A round runs every few minutes: this is how long it may fail before rows go to the default partition."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """An API key with what decides whether it opens anything, and what."""

    id: str
    merchant_id: str
    mode: Mode
    secret: SecretHash
    previous_secret: SecretHash | None
    """Valid beside the secret for now, after a rotation."""
    grant: Grant
    usable: bool
    """Neither revoked nor expired nor of a merchant that is switched off."""


@dataclass(frozen=True, slots=True)
class PayableOrder:
    """An order with its merchant and their mode. held_by: the payment, in progress or successful, that holds it."""

    resource: OrderResource
    merchant_id: str
    mode: Mode
    held_by: str | None


@dataclass(frozen=True, slots=True)
class RecoveryName:
    """What a recovery's workflow is started with."""

    recovery_id: str
    merchant_id: str


FIND_KEY: Final = (
    select(
        api_keys,
        merchants.c.mode,
        (
            api_keys.c.revoked_at.is_(None)
            & merchants.c.active
            & func.coalesce(api_keys.c.expires_at > func.now(), true())
        ).label("usable"),
        (api_keys.c.previous_secret_expires_at > func.now()).label("previous_is_valid"),
    )
    .join(merchants, merchants.c.id == api_keys.c.merchant_id)
    .where(api_keys.c.id == bindparam("key_id"))
)


async def find_key(connection: AsyncConnection, key_id: str) -> StoredKey | None:
    """Return the key with this public half, or None."""
    row = (await connection.execute(FIND_KEY, {"key_id": key_id})).one_or_none()
    if row is None:
        return None
    previous = SecretHash(row.previous_pepper_id, bytes(row.previous_secret_hash)) if row.previous_is_valid else None
    return StoredKey(
        id=row.id,
        merchant_id=row.merchant_id,
        mode=Mode(row.mode),
        secret=SecretHash(row.pepper_id, bytes(row.secret_hash)),
        previous_secret=previous,
        grant=grant_of(row),
        usable=row.usable,
    )


async def owner_of_key(connection: AsyncConnection, key_id: str) -> str | None:
    """Return the merchant of a key: for operators, who name keys by their id alone."""
    merchant_id: str | None = await connection.scalar(select(api_keys.c.merchant_id).where(api_keys.c.id == key_id))
    return merchant_id


async def list_keys(connection: AsyncConnection, *, merchant_id: str | None, pepper_id: str | None) -> list[Row[Any]]:
    """Return keys, newest first: for operators, of one merchant or all, hashed with one pepper or any."""
    query = select(api_keys).order_by(api_keys.c.created_at.desc())
    if merchant_id is not None:
        query = query.where(api_keys.c.merchant_id == merchant_id)
    if pepper_id is not None:
        query = query.where(api_keys.c.pepper_id == pepper_id)
    return list((await connection.execute(query)).all())


async def note_use(connection: AsyncConnection, used: Mapping[str, datetime]) -> None:
    """Write down when keys were used last, in one statement."""
    values = func.unnest(bindparam("ids", type_=ARRAY(Text)), bindparam("times", type_=ARRAY(DateTime(timezone=True))))
    given = values.table_valued(column("id", Text), column("at", DateTime(timezone=True)), name="used").render_derived()
    statement = (
        update(api_keys)
        .where(api_keys.c.id == given.c.id)
        .values(last_used_at=func.greatest(func.coalesce(api_keys.c.last_used_at, given.c.at), given.c.at))
    )
    await connection.execute(statement, {"ids": list(used), "times": list(used.values())})


async def put_hash(connection: AsyncConnection, key_id: str, before: SecretHash, after: SecretHash) -> None:
    """Replace a hash by one of the same secret with another pepper, unless the secret has changed meanwhile."""
    this = (api_keys.c.id == key_id, api_keys.c.secret_hash == before.digest)
    values = {"secret_hash": after.digest, "pepper_id": after.pepper_id}
    await connection.execute(update(api_keys).where(*this).values(values))


async def forget_sealed_secrets(connection: AsyncConnection) -> int:
    """Drop the sealed secrets of keys whose requests can no longer be repeated; return how many."""
    old = api_keys.c.sealed_secret.is_not(None) & (api_keys.c.secret_set_at < func.now() - TTL)
    return (await connection.execute(update(api_keys).where(old).values(sealed_secret=None))).rowcount


async def list_merchants(connection: AsyncConnection) -> list[dict[str, Any]]:
    """Return every merchant with how many usable keys it has: for operators."""
    usable = func.count(api_keys.c.id).filter(api_keys.c.revoked_at.is_(None)).label("keys")
    query = (
        select(*(merchants.c[name] for name in ("id", "account_id", "mode", "name", "active", "created_at")), usable)
        .outerjoin(api_keys, api_keys.c.merchant_id == merchants.c.id)
        .group_by(merchants.c.id)
        .order_by(merchants.c.account_id, merchants.c.mode)
    )
    return [dict(row) for row in (await connection.execute(query)).mappings()]


_HELD_BY: Final = (
    select(payments.c.id)
    .where(payments.c.order_id == orders.c.id, payments.c.status.in_(sorted(HOLDS_ORDER)))
    .limit(1)
    .scalar_subquery()
)
FIND_PAYABLE: Final = (
    select(orders, merchants.c.mode, _HELD_BY.label("held_by"))
    .join(merchants, merchants.c.id == orders.c.merchant_id)
    .where(orders.c.id == bindparam("order_id"))
)


async def find_payable(connection: AsyncConnection, order_id: str) -> PayableOrder | None:
    """Return an order, whosever it is, with what decides whether it can be paid; or None."""
    row = (await connection.execute(FIND_PAYABLE, {"order_id": order_id})).one_or_none()
    return PayableOrder(order_resource(row), row.merchant_id, Mode(row.mode), row.held_by) if row else None


async def merchant_of(connection: AsyncConnection, payment_id: str) -> str | None:
    """Return whose payment this is: for operators, who know a payment by its id alone."""
    merchant_id: str | None = await connection.scalar(select(payments.c.merchant_id).where(payments.c.id == payment_id))
    return merchant_id


async def find_any_payment(connection: AsyncConnection, payment_id: str) -> PaymentResource | None:
    """Return any merchant's payment: for public pages, which know only its id."""
    row = (await connection.execute(select(payments).where(payments.c.id == payment_id))).one_or_none()
    return resource_of(row) if row else None


@dataclass(frozen=True, slots=True)
class Returning:
    """What is needed of a payment whose customer comes back."""

    id: str
    merchant_id: str
    gateway: str
    status: PaymentStatus
    sealed_return_url: str | None


FIND_RETURNING: Final = select(
    payments.c.id,
    payments.c.merchant_id,
    payments.c.gateway,
    payments.c.status,
    payments.c.sealed_return_url,
).where(payments.c.id == bindparam("payment_id"))


async def find_returning(connection: AsyncConnection, payment_id: str) -> Returning | None:
    """Return any merchant's payment for its returning customer, who has shown its token."""
    row = (await connection.execute(FIND_RETURNING, {"payment_id": payment_id})).one_or_none()
    if row is None:
        return None
    return Returning(row.id, row.merchant_id, row.gateway, PaymentStatus(row.status), row.sealed_return_url)


async def overdue_deliveries(
    connection: AsyncConnection, before: datetime, limit: int, after: DueDelivery | None = None
) -> list[DueDelivery]:
    """Return pending deliveries whose next attempt is overdue, longest first: their workflow may be lost.

    Whether it is lost Temporal decides: `TemporalDeliveries.resume` leaves a workflow that runs alone. after: the last
    one of the page before.
    """
    column = webhook_deliveries.c
    overdue = (column.status == DeliveryStatus.PENDING.value) & (column.next_attempt_at < before)
    if after is not None:
        overdue &= tuple_(column.next_attempt_at, column.id) > (after.next_attempt_at, after.delivery_id)
    return await due(connection, overdue, limit=limit, order=(column.next_attempt_at, column.id))


@dataclass(frozen=True, slots=True)
class PartitionState:
    """The partitions of one table after a round.

    made: how many months were made. missing: how many could not be. outside: rows that no month takes, 10,000 at most.
    """

    table: str
    made: int
    missing: int
    outside: int


async def ensure_partitions(connection: AsyncConnection) -> list[PartitionState]:
    """Make the partitions of this month and of the PARTITIONS_AHEAD after it, where they are not there yet."""
    rows = await connection.execute(text("SELECT * FROM ensure_partitions(:ahead)"), {"ahead": PARTITIONS_AHEAD})
    return [PartitionState(*row) for row in rows]


async def stale_recoveries(connection: AsyncConnection, before: datetime, limit: int) -> list[RecoveryName]:
    """Return recoveries under way that have not moved since then: their workflow is lost."""
    column = webhook_recoveries.c
    stale = (column.status == RecoveryStatus.RUNNING.value) & (column.updated_at < before)
    query = select(column.id, column.merchant_id).where(stale).order_by(column.updated_at).limit(limit)
    return [RecoveryName(*row) for row in await connection.execute(query)]


async def forget_idempotency_keys(connection: AsyncConnection) -> int:
    """Delete the keys that have expired; return how many."""
    expired = idempotency_keys.c.created_at < func.now() - TTL
    return (await connection.execute(delete(idempotency_keys).where(expired))).rowcount


@dataclass(frozen=True, slots=True)
class OpenRow:
    """A payment or refund that has not ended. untouched_since: when its row was last written."""

    id: str
    merchant_id: str
    status: str
    untouched_since: datetime


_OPEN_PAYMENTS: Final = payments.c.status.in_(sorted(frozenset(PaymentStatus) - payment.FINAL))
_OPEN_REFUNDS: Final = refunds.c.status.in_(sorted(frozenset(RefundStatus) - refund.FINAL))


async def open_payments(
    connection: AsyncConnection, untouched_since: datetime, *, after: str, limit: int
) -> list[OpenRow]:
    """Return payments that wait for something, by id, from the one behind `after`."""
    query = _open(payments, untouched_since, after).where(_OPEN_PAYMENTS)
    return [OpenRow(*row) for row in await connection.execute(query.limit(limit))]


async def open_refunds(
    connection: AsyncConnection, untouched_since: datetime, *, after: str, limit: int
) -> list[OpenRow]:
    """Return refunds that wait for something, by id, from the one behind `after`."""
    query = _open(refunds, untouched_since, after).where(_OPEN_REFUNDS)
    return [OpenRow(*row) for row in await connection.execute(query.limit(limit))]


def _open(table: Table, untouched_since: datetime, after: str) -> Select[Any]:
    column = table.c
    query = select(column.id, column.merchant_id, column.status, column.updated_at)
    return query.where(column.id > after, column.updated_at < untouched_since).order_by(column.id)


async def payment_row(connection: AsyncConnection, payment_id: str) -> Row[Any] | None:
    """Return any merchant's payment with all columns: for a run that goes on from it."""
    return (await connection.execute(select(payments).where(payments.c.id == payment_id))).one_or_none()


async def refund_row(connection: AsyncConnection, refund_id: str) -> Row[Any] | None:
    """Return any merchant's refund with all columns, and its payment's order: for a run that goes on from it."""
    query = (
        select(refunds, payments.c.order_id)
        .join(payments, payments.c.id == refunds.c.payment_id)
        .where(refunds.c.id == refund_id)
    )
    return (await connection.execute(query)).one_or_none()


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand in our rows. payments: status and captured amount by id. captures: gateway references."""

    payments: Mapping[str, tuple[str, int]]
    refunds: Mapping[str, str]
    captures: frozenset[str]


async def standing(
    connection: AsyncConnection,
    payment_ids: Collection[str],
    refund_ids: Collection[str],
    capture_references: Collection[str],
) -> Standing:
    """Return how these payments, refunds and captures stand; what has no row is left out."""
    found = select(payments.c.id, payments.c.status, payments.c.captured_minor).where(payments.c.id.in_(payment_ids))
    there = {row.id: (row.status, row.captured_minor) for row in await connection.execute(found)}
    refunded = select(refunds.c.id, refunds.c.status).where(refunds.c.id.in_(refund_ids))
    statuses = {row.id: row.status for row in await connection.execute(refunded)}
    booked = select(captures.c.gateway_reference).where(
        captures.c.payment_id.in_(payment_ids), captures.c.gateway_reference.in_(capture_references)
    )
    return Standing(there, statuses, frozenset((await connection.execute(booked)).scalars()))


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """A gateway's event about a payment or refund that has no row."""

    gateway: str
    event_id: str
    operation_key: str
    received_at: datetime


UNKNOWN_EVENTS_MAX: Final = 1_000


async def unknown_events(connection: AsyncConnection, since: datetime) -> list[UnknownEvent]:
    """Return the newest events of gateways about what has no row."""
    column = gateway_events.c
    is_payment = exists().where(payments.c.id == column.subject_id)
    is_refund = exists().where(refunds.c.id == column.subject_id)
    query = (
        select(column.gateway, column.event_id, column.operation_key, column.received_at)
        .where(column.verdict == Verdict.VERIFIED.value, column.received_at >= since, ~is_payment, ~is_refund)
        .order_by(column.received_at.desc())
        .limit(UNKNOWN_EVENTS_MAX)
    )
    return [UnknownEvent(*row) for row in await connection.execute(query)]
