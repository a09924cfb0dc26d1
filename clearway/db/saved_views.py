"""Views of lists, as stored. A person reaches their own only, at one merchant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import saved_views, users


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose views: of which person, at which merchant."""

    user_id: str
    merchant_id: str


def _of(owner: Owner) -> ColumnElement[bool]:
    return (saved_views.c.user_id == owner.user_id) & (saved_views.c.merchant_id == owner.merchant_id)


async def list_all(connection: AsyncConnection, owner: Owner, page: str | None) -> Sequence[Row[Any]]:
    """Return the views of a page, or of all pages, by name."""
    query = select(saved_views).where(_of(owner))
    if page is not None:
        query = query.where(saved_views.c.page == page)
    return (await connection.execute(query.order_by(saved_views.c.name, saved_views.c.id))).all()


async def find(connection: AsyncConnection, owner: Owner, view_id: str) -> Row[Any] | None:
    """Return a view of theirs, or None."""
    query = select(saved_views).where(_of(owner), saved_views.c.id == view_id)
    return (await connection.execute(query)).one_or_none()


async def count(connection: AsyncConnection, owner: Owner) -> int:
    """Return how many views they have; nobody adds one until this transaction ends."""
    await connection.execute(select(users.c.id).where(users.c.id == owner.user_id).with_for_update(key_share=True))
    return int(await connection.scalar(select(func.count()).where(_of(owner))) or 0)


async def add(connection: AsyncConnection, owner: Owner, view_id: str, values: Mapping[str, Any]) -> Row[Any] | None:
    """Add a view and return it; None: they have one of this page with this name."""
    statement = insert(saved_views).values(id=view_id, user_id=owner.user_id, merchant_id=owner.merchant_id, **values)
    added = statement.on_conflict_do_nothing().returning(saved_views)
    row: Row[Any] | None = (await connection.execute(added)).one_or_none()
    return row


async def change(
    connection: AsyncConnection, owner: Owner, view_id: str, values: Mapping[str, Any], now: datetime
) -> Row[Any] | None:
    """Change a view of theirs and return it, or None. Raises IntegrityError for a name that is taken."""
    statement = update(saved_views).where(_of(owner), saved_views.c.id == view_id)
    changed = statement.values(**values, updated_at=now).returning(saved_views)
    row: Row[Any] | None = (await connection.execute(changed)).one_or_none()
    return row


async def remove(connection: AsyncConnection, owner: Owner, view_id: str) -> bool:
    """Remove a view of theirs; return whether there was one."""
    statement = delete(saved_views).where(_of(owner), saved_views.c.id == view_id)
    return (await connection.execute(statement)).rowcount > 0
