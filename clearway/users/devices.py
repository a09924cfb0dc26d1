"""A sign-in from a browser or program that the person did not use before: they get a mail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.users import sessions
from clearway.mail import letters, outbox
from clearway.services import Services
from clearway.users.visitor import Visitor


async def report_new(
    connection: AsyncConnection, services: Services, visitor: Visitor, user: Row[Any], device: str
) -> list[str]:
    """Record the mail about a new device, before its session is added. Return what waits for the commit."""
    if await sessions.device_is_known(connection, user.id, device):
        return []
    letter = letters.new_login(
        user.email,
        at=datetime.now(UTC),
        device=device,
        network_address=visitor.address,
        sessions_link=f"{services.settings.dashboard_url.rstrip('/')}/account?tab=sessions",
    )
    return [await outbox.record(connection, services.cipher, letter, user_id=user.id)]
