"""Step-up: a signed-in person proves again who they are, before an act that moves much or opens much."""

from __future__ import annotations

from datetime import datetime

from clearway.db import audit
from clearway.db.users import sessions, users
from clearway.domain.actor import Actor
from clearway.domain.errors import AuthenticationError, ForbiddenError
from clearway.domain.user import SignedIn
from clearway.services import Services
from clearway.users import throttling


def is_valid(user: SignedIn | None, now: datetime) -> bool:
    """Return whether the person has a valid step-up. user None: an API key, which needs none."""
    return user is None or (user.stepped_up_until is not None and user.stepped_up_until > now)


def check(user: SignedIn | None, now: datetime) -> None:
    """Refuse a person without a valid step-up. Raises ForbiddenError."""
    if is_valid(user, now):
        return
    detail = "Confirm first that it is you, by your password or a code: POST /users/me/step_up. Nothing was done."
    raise ForbiddenError("step_up_required", detail)


async def by_password(services: Services, actor: Actor, user: SignedIn, password: str) -> None:
    """Check the password of the session's user. Raises AuthenticationError and RateLimitedError."""
    guarded = throttling.second_factor_of(services, user.user_id)
    await throttling.count_attempt(services, guarded)
    async with services.reader.connect() as connection:
        row = await users.find(connection, user.user_id)
    if not await services.passwords.matches(password, row.password_hash if row else None):
        async with services.reader.connect() as connection:
            await audit.record(connection, actor, "session.step_up_failed", user.session_id)
        raise AuthenticationError("credentials_invalid", "The password is wrong. Nothing was done.")
    await throttling.succeeded(services, guarded)


async def note(services: Services, actor: Actor, user: SignedIn, now: datetime) -> None:
    """Note the step-up of a session, after a password or a code was accepted."""
    async with services.engine.begin() as connection:
        await sessions.note_step_up(connection, user.session_id, now)
        await audit.record(connection, actor, "session.step_up", user.session_id)
