"""The row of a signed-in user, which nobody else changes until the transaction ends."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.users import users
from clearway.domain.errors import AuthenticationError


async def lock_user(connection: AsyncConnection, user_id: str) -> Row[Any]:
    """Return the user's row, locked. Raises AuthenticationError when the user was deleted meanwhile."""
    row = await users.lock(connection, user_id)
    if row is None:
        raise AuthenticationError("session_ended", "The user is deleted. Nothing was done.")
    return row
