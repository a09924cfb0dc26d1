"""The views of a person at every merchant, to be deleted with the person."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import saved_views


async def delete_of(connection: AsyncConnection, user_id: str) -> None:
    """Delete all views of a person: their filters may name customers."""
    await connection.execute(delete(saved_views).where(saved_views.c.user_id == user_id))
