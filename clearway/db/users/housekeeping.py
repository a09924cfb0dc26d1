"""Deleting what people leave behind: sessions long over, used links, and failed attempts that no longer count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.users import codes, failures, sessions

SESSIONS_KEPT_FOR: Final = timedelta(days=30)
"""After their end: so long a replaced refresh token is recognised, and a known device too."""


async def forget_old(connection: AsyncConnection) -> None:
    """Delete what nothing needs any more."""
    now = datetime.now(UTC)
    await sessions.forget_old(connection, now - SESSIONS_KEPT_FOR)
    await codes.forget_old(connection, now)
    await failures.forget_old(connection, now)
