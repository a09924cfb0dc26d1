"""Gateway configurations of a merchant, as stored. Credentials come in encrypted, never in plain text.

A deleted configuration stays as a row without credentials, because payments name it. Only `repeated` returns it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.pages import PageRequest, Rows, fetch_page
from clearway.db.tables import gateway_configs, merchants, payments, refunds
from clearway.domain import payment, refund
from clearway.domain.limits import GATEWAYS_PER_MERCHANT_MAX


@dataclass(frozen=True, slots=True)
class NewGateway:
    """A configuration to be recorded. sealed_credentials: encrypted. masked: the parts that are shown.

    methods: None: all that the kind takes.
    """

    id: str
    merchant_id: str
    kind: str
    name: str
    enabled: bool
    priority: int
    sealed_credentials: str | None
    masked: Mapping[str, str]
    settings: Mapping[str, Any]
    allowed_networks: tuple[str, ...]
    alerts: Mapping[str, Any]
    limits: Mapping[str, Any]
    methods: list[str] | None


@dataclass(frozen=True, slots=True)
class InUse:
    """How many rows are open on a configuration, and the ids of some of them."""

    count: int
    some: tuple[str, ...]


SOME: Final = 5


async def repeated(connection: AsyncConnection, merchant_id: str, gateway_id: str) -> Row[Any] | None:
    """Return the configuration that the same request recorded before, even if changed or deleted since."""
    query = select(gateway_configs).where(
        gateway_configs.c.id == gateway_id, gateway_configs.c.merchant_id == merchant_id
    )
    return (await connection.execute(query)).one_or_none()


async def has_room(connection: AsyncConnection, merchant_id: str, more: int = 1) -> bool:
    """Return whether the merchant may have this many more; nobody else adds one until this transaction ends."""
    lock = select(merchants.c.id).where(merchants.c.id == merchant_id).with_for_update(key_share=True)
    await connection.execute(lock)
    count = await connection.scalar(select(func.count()).select_from(gateway_configs).where(*_live(merchant_id)))
    return int(count or 0) + more <= GATEWAYS_PER_MERCHANT_MAX


async def add(connection: AsyncConnection, new: NewGateway) -> Row[Any]:
    """Record a configuration."""
    statement = (
        insert(gateway_configs)
        .values(
            id=new.id,
            merchant_id=new.merchant_id,
            kind=new.kind,
            name=new.name,
            enabled=new.enabled,
            priority=new.priority,
            sealed_credentials=new.sealed_credentials,
            masked=dict(new.masked),
            settings=dict(new.settings),
            allowed_networks=list(new.allowed_networks),
            alerts=dict(new.alerts),
            limits=dict(new.limits),
            methods=new.methods,
        )
        .returning(gateway_configs)
    )
    row: Row[Any] = (await connection.execute(statement)).one()
    return row


async def find(connection: AsyncConnection, merchant_id: str, gateway_id: str) -> Row[Any] | None:
    """Return the merchant's configuration, or None."""
    query = select(gateway_configs).where(*_live(merchant_id), gateway_configs.c.id == gateway_id)
    return (await connection.execute(query)).one_or_none()


async def lock(connection: AsyncConnection, merchant_id: str, gateway_id: str) -> Row[Any] | None:
    """Return the merchant's configuration, locked until this transaction ends, or None."""
    query = select(gateway_configs).where(*_live(merchant_id), gateway_configs.c.id == gateway_id)
    row: Row[Any] | None = (await connection.execute(query.with_for_update(key_share=True))).one_or_none()
    return row


async def list_page(connection: AsyncConnection, merchant_id: str, page: PageRequest) -> Rows:
    """Return one page of the merchant's configurations, newest first."""
    query = select(gateway_configs).where(*_live(merchant_id))
    return await fetch_page(connection, query, gateway_configs.c.id, page)


async def list_all(connection: AsyncConnection, merchant_id: str) -> list[Row[Any]]:
    """Return all of the merchant's configurations, in the order in which they are tried. There are few."""
    query = select(gateway_configs).where(*_live(merchant_id))
    ordered = query.order_by(gateway_configs.c.priority, gateway_configs.c.id)
    return list((await connection.execute(ordered)).all())


async def change(
    connection: AsyncConnection, merchant_id: str, gateway_id: str, values: Mapping[str, Any], now: datetime
) -> Row[Any]:
    """Set these columns, increase the version, and return the changed configuration."""
    statement = (
        update(gateway_configs)
        .where(gateway_configs.c.id == gateway_id, gateway_configs.c.merchant_id == merchant_id)
        .values(**values, version=gateway_configs.c.version + 1, updated_at=now)
        .returning(gateway_configs)
    )
    row: Row[Any] = (await connection.execute(statement)).one()
    return row


async def open_on(connection: AsyncConnection, merchant_id: str, gateway_id: str) -> InUse:
    """Return the merchant's open payments and refunds at this gateway."""
    open_payments = select(payments.c.id).where(
        payments.c.merchant_id == merchant_id,
        payments.c.gateway_id == gateway_id,
        payments.c.status.not_in(sorted(payment.FINAL)),
    )
    open_refunds = select(refunds.c.id).where(
        refunds.c.merchant_id == merchant_id,
        refunds.c.gateway_id == gateway_id,
        refunds.c.status.not_in(sorted(refund.FINAL)),
    )
    found = open_payments.union_all(open_refunds).subquery()
    query = select(func.count(), func.array_agg(found.c.id))
    count, ids = (await connection.execute(query)).one()
    return InUse(count, tuple(ids or ())[:SOME])


def _live(merchant_id: str) -> tuple[Any, ...]:
    return (gateway_configs.c.merchant_id == merchant_id, gateway_configs.c.deleted_at.is_(None))
