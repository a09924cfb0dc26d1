"""Versions of routing rules, as stored, and the past payments for a dry run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.pages import PageRequest, Rows, fetch_page
from clearway.db.tables import merchants, payments, routing_versions
from clearway.domain.routing_version import VersionStatus

FIND_ACTIVE: Final[Select[Any]] = select(routing_versions.c.number, routing_versions.c.program).where(
    routing_versions.c.merchant_id == bindparam("of_merchant"), routing_versions.c.status == VersionStatus.ACTIVE.value
)
_REPLAYED: Final = tuple(
    payments.c[name]
    for name in (
        *("id", "method", "currency", "amount_minor", "capture_method"),
        *("instrument", "notes", "routing", "created_at"),
    )
)


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version to be recorded, as a draft. program: in its JSON form."""

    id: str
    merchant_id: str
    program: dict[str, Any]
    note: str | None
    created_by: str


async def active(connection: AsyncConnection, merchant_id: str) -> Row[Any] | None:
    """Return number and program of the active version, or None."""
    row: Row[Any] | None = (await connection.execute(FIND_ACTIVE, {"of_merchant": merchant_id})).one_or_none()
    return row


async def lock_merchant(connection: AsyncConnection, merchant_id: str) -> None:
    """Keep others from adding or switching versions of the merchant until this transaction ends."""
    lock = select(merchants.c.id).where(merchants.c.id == merchant_id).with_for_update(key_share=True)
    await connection.execute(lock)


async def newest_number(connection: AsyncConnection, merchant_id: str) -> int:
    """Return the number of the merchant's newest version; 0: there is none."""
    query = select(func.max(routing_versions.c.number)).where(routing_versions.c.merchant_id == merchant_id)
    return int(await connection.scalar(query) or 0)


async def add(connection: AsyncConnection, new: NewVersion, number: int) -> Row[Any]:
    """Record a version."""
    statement = (
        insert(routing_versions)
        .values(
            id=new.id,
            merchant_id=new.merchant_id,
            number=number,
            program=new.program,
            note=new.note,
            status=VersionStatus.DRAFT.value,
            created_by=new.created_by,
        )
        .returning(routing_versions)
    )
    row: Row[Any] = (await connection.execute(statement)).one()
    return row


async def repeated(connection: AsyncConnection, merchant_id: str, version_id: str) -> Row[Any] | None:
    """Return the version that an earlier run of the same request recorded."""
    query = select(routing_versions).where(
        routing_versions.c.id == version_id, routing_versions.c.merchant_id == merchant_id
    )
    return (await connection.execute(query)).one_or_none()


async def find(connection: AsyncConnection, merchant_id: str, number: int) -> Row[Any] | None:
    """Return a version of the merchant by its number, or None."""
    query = select(routing_versions).where(
        routing_versions.c.merchant_id == merchant_id, routing_versions.c.number == number
    )
    return (await connection.execute(query)).one_or_none()


async def list_versions(connection: AsyncConnection, merchant_id: str, page: PageRequest) -> Rows:
    """Return one page of the merchant's versions, newest first."""
    query = select(routing_versions).where(routing_versions.c.merchant_id == merchant_id)
    return await fetch_page(connection, query, routing_versions.c.id, page)


async def last_retired(connection: AsyncConnection, merchant_id: str) -> Row[Any] | None:
    """Return the version that was active before the present one, or None."""
    query = (
        select(routing_versions)
        .where(
            routing_versions.c.merchant_id == merchant_id,
            routing_versions.c.status == VersionStatus.RETIRED.value,
        )
        .order_by(routing_versions.c.retired_at.desc())
        .limit(1)
    )
    return (await connection.execute(query)).one_or_none()


async def retire_active(connection: AsyncConnection, merchant_id: str, now: datetime) -> Row[Any] | None:
    """Switch off the active version and return it, or None when there is none."""
    statement = (
        update(routing_versions)
        .where(routing_versions.c.merchant_id == merchant_id, routing_versions.c.status == VersionStatus.ACTIVE.value)
        .values(status=VersionStatus.RETIRED.value, retired_at=now)
        .returning(routing_versions)
    )
    row: Row[Any] | None = (await connection.execute(statement)).one_or_none()
    return row


async def switch_on(connection: AsyncConnection, merchant_id: str, number: int, now: datetime) -> Row[Any]:
    """Make a version the active one."""
    statement = (
        update(routing_versions)
        .where(routing_versions.c.merchant_id == merchant_id, routing_versions.c.number == number)
        .values(status=VersionStatus.ACTIVE.value, activated_at=now, retired_at=None)
        .returning(routing_versions)
    )
    row: Row[Any] = (await connection.execute(statement)).one()
    return row


async def last_payments(connection: AsyncConnection, merchant_id: str, limit: int) -> Sequence[Row[Any]]:
    """Return the facts of the merchant's newest payments that rules use."""
    query = select(*_REPLAYED).where(payments.c.merchant_id == merchant_id).order_by(payments.c.id.desc()).limit(limit)
    return (await connection.execute(query)).all()


async def decision_of(connection: AsyncConnection, merchant_id: str, payment_id: str) -> Row[Any] | None:
    """Return the routing decision that is stored with a payment of the merchant; None: there is no such payment."""
    query: Select[Any] = select(payments.c.routing, payments.c.gateway).where(
        payments.c.id == payment_id, payments.c.merchant_id == merchant_id
    )
    row: Row[Any] | None = (await connection.execute(query)).one_or_none()
    return row
