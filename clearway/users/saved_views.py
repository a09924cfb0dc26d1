"""Keeping views of lists: a person's own, at one merchant, with a limit and one name for each view of a list."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db import saved_views as rows
from clearway.db.saved_views import Owner
from clearway.domain.errors import ConflictError, NotFoundError
from clearway.domain.saved_views import VIEWS_MAX


async def create(engine: AsyncEngine, owner: Owner, view_id: str, values: Mapping[str, Any]) -> Row[Any]:
    """Keep a view, or return the one that an earlier run of this request kept. Raises ConflictError."""
    async with engine.begin() as connection:
        kept = await rows.count(connection, owner)
        if (before := await rows.find(connection, owner, view_id)) is not None:
            return before
        if kept >= VIEWS_MAX:
            detail = f"You have {VIEWS_MAX} views at this merchant, the maximum. Nothing was saved. Delete one."
            raise ConflictError("saved_view_limit", detail)
        added = await rows.add(connection, owner, view_id, values)
        if added is None:
            raise _name_taken(values["name"])
        return added


async def change(engine: AsyncEngine, owner: Owner, view_id: str, values: Mapping[str, Any]) -> Row[Any]:
    """Change only these columns of a view. Raises NotFoundError and ConflictError."""
    try:
        async with engine.begin() as connection:
            changed = await rows.change(connection, owner, view_id, values, datetime.now(UTC))
    except IntegrityError:
        raise _name_taken(values.get("name", "")) from None
    if changed is None:
        raise view_not_found(view_id)
    return changed


async def remove(engine: AsyncEngine, owner: Owner, view_id: str) -> None:
    """Remove a view. Raises NotFoundError."""
    async with engine.begin() as connection:
        if not await rows.remove(connection, owner, view_id):
            raise view_not_found(view_id)


def view_not_found(view_id: str) -> NotFoundError:
    """Return the error for a view that the person does not have."""
    return NotFoundError("saved_view_not_found", f"You have no view {view_id!r} at this merchant. Nothing was done.")


def _name_taken(name: str) -> ConflictError:
    detail = f"You have a view of this list with the name {name!r}. Nothing was saved. Choose another name."
    return ConflictError("saved_view_exists", detail)
