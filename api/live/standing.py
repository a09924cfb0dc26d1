"""Whether a listener is still authorised: checked each minute, because a connection outlives its first check.

It does not count as a use of the session: a dashboard that is left open comes to its idle end like a closed one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import Final

from api.auth.principal import Principal
from api.http.services import ApiServices
from clearway.db import across_merchants
from clearway.db.users import sessions as rows
from clearway.domain.permissions import Permission
from clearway.users import sessions

CHECKED_EACH_S: Final = 60.0


class Standing(Enum):
    """Whether a listener is still authorised."""

    GOOD = "good"
    SIGNED_OUT = "signed_out"
    CHANGED = "changed"
    """Another role, no member any more, or a merchant that is switched off: the rights of the start no longer hold."""


async def standing_of(services: ApiServices, principal: Principal) -> Standing:
    """Return whether the key or the session that a connection began with is still as it was."""
    if principal.user is None:
        return await _of_key(services, principal)
    async with services.reader.connect() as connection:
        row = await rows.find(connection, principal.user.session_id, principal.merchant_id)
    if row is None or not sessions.is_open(services.settings, row, datetime.now(UTC)):
        return Standing.SIGNED_OUT
    now = sessions.signed_in(row)
    before = principal.user
    same = (now.role, now.is_operator) == (before.role, before.is_operator) and row.merchant_id is not None
    return Standing.GOOD if same else Standing.CHANGED


async def _of_key(services: ApiServices, principal: Principal) -> Standing:
    async with services.reader.connect() as connection:
        key = await across_merchants.find_key(connection, principal.actor.name.removeprefix("key:"))
    if key is None or not key.usable:
        return Standing.SIGNED_OUT
    return Standing.GOOD if Permission.EVENTS_READ in key.grant.allowed else Standing.CHANGED
