"""What the person who runs an installation does about users: find, disable, enable, and help those who are locked out.

Each act is done in the caller's transaction, and audited. A disabled user keeps memberships and invitations; their
sessions and tokens end at once, and the sign-in answers as for a wrong password.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.encryption import Cipher
from clearway.db import audit
from clearway.db.users import codes, users
from clearway.domain.actor import Actor
from clearway.domain.errors import ConflictError, NotFoundError
from clearway.domain.ids import USER, is_id
from clearway.domain.user import SessionEnd
from clearway.mail import letters, outbox
from clearway.users import sessions


async def list_users(connection: AsyncConnection, limit: int, text: str | None) -> Sequence[Row[Any]]:
    """Return the newest users, or those whose address or name has the text."""
    return await users.list_newest(connection, limit, text)


async def find(connection: AsyncConnection, named: str) -> Row[Any]:
    """Return the user with this id or e-mail address, locked until the transaction ends. Raises NotFoundError."""
    user_id: str | None = named
    if not is_id(USER, named):
        by_email = await users.find_by_email(connection, named)
        user_id = None if by_email is None else by_email.id
    user = None if user_id is None else await users.lock(connection, user_id)
    if user is None:
        raise NotFoundError("user_not_found", f"There is no user {named!r}. Nothing was changed.")
    return user


async def disable(connection: AsyncConnection, actor: Actor, user: Row[Any]) -> bool:
    """End the user's sessions, and let them sign in no more. Return whether they could."""
    if user.disabled_at is not None:
        return False
    await users.change(connection, user.id, {"disabled_at": datetime.now(UTC)})
    await sessions.end_others(connection, actor, user.id, SessionEnd.USER_DISABLED)
    await audit.record(connection, actor, "user.disable", user.id)
    return True


async def enable(connection: AsyncConnection, actor: Actor, user: Row[Any]) -> bool:
    """Let the user sign in again. Return whether they could not."""
    if user.disabled_at is None:
        return False
    await users.change(connection, user.id, {"disabled_at": None})
    await audit.record(connection, actor, "user.enable", user.id)
    return True


async def set_operator(connection: AsyncConnection, actor: Actor, user: Row[Any], *, is_operator: bool) -> bool:
    """Make the user an operator of the installation, or no longer one. Return whether that changed anything."""
    if user.is_operator is is_operator:
        return False
    await users.change(connection, user.id, {"is_operator": is_operator})
    detail = {"before": {"is_operator": user.is_operator}, "after": {"is_operator": is_operator}}
    await audit.record(connection, actor, "user.change_operator", user.id, detail)
    return True


async def reset_totp(connection: AsyncConnection, cipher: Cipher, actor: Actor, user: Row[Any]) -> bool:
    """Turn TOTP off for a user who lost device and recovery codes. Sessions end, and the user gets a mail.

    Return whether it was on. Raises ConflictError while the password is too short to be the only factor.
    """
    if user.totp_enabled_at is None:
        return False
    if user.short_password:
        detail = (
            "The password is too short to be the only factor. Nothing was changed. Let the user choose one of 15 or "
            "more characters first, by the link of a forgotten password."
        )
        raise ConflictError("password_too_short", detail)
    await users.change(connection, user.id, {"sealed_totp_secret": None, "totp_enabled_at": None, "totp_step": None})
    await codes.replace_recovery_codes(connection, user.id, ())
    await sessions.end_others(connection, actor, user.id, SessionEnd.TOTP_CHANGED)
    await audit.record(connection, actor, "totp.reset", user.id)
    letter = letters.totp_reset(user.email, at=datetime.now(UTC))
    await outbox.record(connection, cipher, letter, user_id=user.id)
    return True


async def end_sessions(connection: AsyncConnection, actor: Actor, user: Row[Any]) -> None:
    """End all sessions of the user, of browsers and programs."""
    await sessions.end_others(connection, actor, user.id, SessionEnd.REVOKED)
