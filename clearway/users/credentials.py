"""Changing how a person signs in: the password (also a forgotten one) and the e-mail address. Sessions end with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import audit
from clearway.db.users import users
from clearway.domain.actor import Actor
from clearway.domain.errors import ConflictError
from clearway.domain.user import SessionEnd, SignedIn, TokenPurpose
from clearway.mail import letters, outbox
from clearway.services import Services
from clearway.users import one_time_tokens, password_rules, sessions, throttling
from clearway.users.locking import lock_user
from clearway.users.visitor import Visitor


async def change_password(services: Services, visitor: Visitor, user: SignedIn, password: str) -> None:
    """Set another password and end the person's other sessions. Raises UnprocessableError."""
    password_hash = await services.passwords.hash(password)
    async with services.engine.begin() as connection:
        row = await lock_user(connection, user.user_id)
        new = _New(password, password_hash, but=user.session_id)
        posted = await _set_password(connection, services, visitor, row, new)
    await outbox.start(services.temporal, posted)


async def change_name(services: Services, actor: Actor, user_id: str, name: str) -> None:
    """Set another name."""
    async with services.engine.begin() as connection:
        await users.change(connection, user_id, {"name": name})
        await audit.record(connection, actor, "user.change_name", user_id)


async def reset_password(services: Services, visitor: Visitor, token: str, password: str) -> None:
    """Set another password by the token of a mail and end all sessions. TOTP, if on, is still asked for at the sign-in.

    Raises UnprocessableError for the token or the password.
    """
    password_hash = await services.passwords.hash(password)
    async with services.engine.begin() as connection:
        used = await one_time_tokens.use(connection, services, TokenPurpose.RESET_PASSWORD, token)
        row = await lock_user(connection, used.user_id or "")
        posted = await _set_password(connection, services, visitor, row, _New(password, password_hash))
        await throttling.open_account(connection, services.peppers, row.email)
    await outbox.start(services.temporal, posted)


async def confirm_email(services: Services, visitor: Visitor, token: str) -> None:
    """Take the new address, and report it to the old one. Other links to reset the password end.

    Raises UnprocessableError for the token, and ConflictError when the address has another user meanwhile.
    """
    async with services.engine.begin() as connection:
        used = await one_time_tokens.use(connection, services, TokenPurpose.CHANGE_EMAIL, token)
        row = await lock_user(connection, used.user_id or "")
        email = used.data["email"]
        if await users.find_by_email(connection, email) is not None:
            detail = "There is a user with this e-mail address already. Nothing was changed."
            raise ConflictError("user_exists", detail)
        await users.change(connection, row.id, {"email": email.strip()})
        actor = visitor.actor(services.cipher, row.id)
        await audit.record(connection, actor, "user.change_email", row.id)
        await sessions.end_others(connection, actor, row.id, SessionEnd.EMAIL_CHANGED)
        letter = letters.address_changed(row.email, at=datetime.now(UTC), new_address=email)
        posted = await outbox.record(connection, services.cipher, letter, user_id=row.id)
    await outbox.start(services.temporal, posted)


@dataclass(frozen=True, slots=True)
class _New:
    """A password to set. but: the session that does not end."""

    password: str = field(repr=False)
    hashed: str = field(repr=False)
    but: str | None = None


async def _set_password(
    connection: AsyncConnection, services: Services, visitor: Visitor, row: Row[Any], new: _New
) -> str:
    password_rules.check(new.password, (row.email, row.name), has_totp=row.totp_enabled_at is not None)
    now, actor = datetime.now(UTC), visitor.actor(services.cipher, row.id)
    short = len(new.password) < password_rules.LENGTH_MIN
    values = {"password_hash": new.hashed, "password_changed_at": now, "short_password": short}
    await users.change(connection, row.id, values)
    await sessions.end_others(connection, actor, row.id, SessionEnd.PASSWORD_CHANGED, but=new.but)
    await audit.record(connection, actor, "user.change_password", row.id)
    letter = letters.password_changed(row.email, at=now, network_address=visitor.address)
    return await outbox.record(connection, services.cipher, letter, user_id=row.id)
