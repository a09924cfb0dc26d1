"""Failed sign-ins in the audit log: enough rows to see an attack, and never so many that an attack fills the table.

The first failures of a user are rows of their own; under attack there is at most one an hour. Failures with unknown
addresses share one such limit. It is written after the answer, whose time must not show whether the address has a user.
"""

from __future__ import annotations

from clearway.db import audit
from clearway.db.users import users
from clearway.domain.ids import INSTALLATION
from clearway.services import Services
from clearway.users import throttling
from clearway.users.visitor import Visitor


async def note(services: Services, visitor: Visitor, email: str) -> None:
    """Record that somebody gave a wrong password for this address. The text that they gave is not stored."""
    async with services.engine.begin() as connection:
        user = await users.find_by_email(connection, email)
        subject_id = INSTALLATION if user is None else user.id
        if not await throttling.may_audit(connection, services.peppers, subject_id):
            return
        detail = {"device": visitor.device, "address_known": user is not None}
        await audit.record(connection, visitor.unknown(services.cipher), "user.sign_in_failed", subject_id, detail)


async def note_second_factor(services: Services, visitor: Visitor, user_id: str) -> None:
    """Record that somebody with the right password gave a wrong code. How often that happens is limited by itself."""
    async with services.reader.connect() as connection:
        await audit.record(connection, visitor.unknown(services.cipher), "user.second_factor_failed", user_id)
