"""Leaving an account, and deleting a person for good. An account always keeps an owner."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import audit, mails
from clearway.db.across_merchants import saved_views
from clearway.db.users import codes, users
from clearway.domain.actor import Actor
from clearway.domain.errors import AuthenticationError, ConflictError, NotFoundError
from clearway.domain.user import SessionEnd
from clearway.mail import letters, outbox
from clearway.services import Services
from clearway.users import sessions

EMPTIED: dict[str, Any] = {
    "email": None,
    "name": "",
    "password_hash": None,
    "short_password": False,
    "is_operator": False,
    "sealed_totp_secret": None,
    "totp_enabled_at": None,
    "totp_step": None,
}


async def leave(connection: AsyncConnection, actor: Actor, user_id: str, account_id: str) -> None:
    """End the user's own membership. Raises NotFoundError, and ConflictError for the last owner."""
    role = await users.lock_membership(connection, account_id, user_id)
    if role is None:
        raise NotFoundError("account_not_found", f"You are no member of {account_id!r}. Nothing was changed.")
    await _keep_an_owner(connection, [account_id], user_id)
    await users.remove_membership(connection, account_id, user_id)
    await audit.record(connection, actor, "membership.leave", account_id, {"user_id": user_id, "role": role})


async def delete(services: Services, actor: Actor, user_id: str) -> None:
    """Delete the user: the row stays, emptied, because the audit log names its id. Raises ConflictError."""
    async with services.engine.begin() as connection:
        accounts = await users.lock_accounts_of(connection, user_id)
        await _keep_an_owner(connection, accounts, user_id)
        user = await users.lock(connection, user_id)
        if user is None:
            raise AuthenticationError("session_ended", "The user is deleted already. Nothing was done.")
        now = datetime.now(UTC)
        for account_id in accounts:
            await users.remove_membership(connection, account_id, user_id)
        await codes.delete_of(connection, user_id)
        await saved_views.delete_of(connection, user_id)
        await mails.delete_of(connection, user_id)
        await sessions.end_others(connection, actor, user_id, SessionEnd.USER_DELETED)
        await users.change(connection, user_id, EMPTIED | {"deleted_at": now})
        await audit.record(connection, actor, "user.delete", user_id)
        posted = await outbox.record(connection, services.cipher, letters.account_deleted(user.email, at=now))
    await outbox.start(services.temporal, posted)


async def _keep_an_owner(connection: AsyncConnection, account_ids: list[str], user_id: str) -> None:
    left = await users.accounts_without_another_owner(connection, account_ids, user_id)
    if left:
        detail = (
            f"You are the last owner of {', '.join(left)}. Nothing was changed. Make somebody else an owner first, "
            "or ask the operator of this installation."
        )
        raise ConflictError("last_owner", detail)
