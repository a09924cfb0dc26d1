"""Time-based one-time passwords (TOTP, RFC 6238): turned on with a first code, then asked for at each sign-in.

A code counts once: the time step of the last accepted code is stored, and only later ones are accepted. Codes of the
step before and after are accepted, because clocks differ. Recovery codes stand in for a lost device, each once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pyotp
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.encryption import Cipher
from clearway.db import audit
from clearway.db.users import codes, users
from clearway.db.users.users import totp_context
from clearway.domain.actor import Actor
from clearway.domain.errors import AuthenticationError, ConflictError
from clearway.domain.user import SessionEnd, SignedIn
from clearway.mail import letters, outbox
from clearway.services import Services
from clearway.users import failed_sign_ins, sessions, throttling
from clearway.users.locking import lock_user
from clearway.users.visitor import Visitor

ISSUER: Final = "Clearway"
CLOCKS_DIFFER_BY: Final = 1
"""Time steps of 30 seconds."""
RECOVERY_CODES: Final = 10
RECOVERY_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
RECOVERY_GROUPS: Final = (6, 6, 6, 6)
"""24 characters of 32 are 120 bits, so a plain keyed hash is enough (ASVS 5.0, 6.5.2)."""


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """What a person entered as their second factor: a code, or a recovery code."""

    code: str | None = None
    recovery_code: str | None = None


async def begin(services: Services, actor: Actor, user_id: str) -> tuple[str, str]:
    """Make a secret that counts once a first code confirms it. Return it, and its otpauth URI. Raises ConflictError."""
    secret = pyotp.random_base32()
    async with services.engine.begin() as connection:
        user = await lock_user(connection, user_id)
        if user.totp_enabled_at is not None:
            detail = "TOTP is on already. Nothing was changed. Turn it off first, or replace the recovery codes."
            raise ConflictError("totp_enabled", detail)
        sealed = services.cipher.encrypt(secret, totp_context(user_id))
        await users.change(connection, user_id, {"sealed_totp_secret": sealed, "totp_step": None})
        await audit.record(connection, actor, "totp.begin", user_id)
    return secret, pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)


async def confirm(services: Services, visitor: Visitor, actor: Actor, user: SignedIn, code: str) -> list[str]:
    """Turn TOTP on with a first code, end the other sessions, and return the recovery codes."""
    guarded = throttling.second_factor_of(services, user.user_id)
    await throttling.count_attempt(services, guarded)
    async with services.engine.begin() as connection:
        row = await lock_user(connection, user.user_id)
        if row.totp_enabled_at is not None or row.sealed_totp_secret is None:
            detail = "There is no new TOTP secret to confirm. Nothing was changed. Begin with POST /users/me/totp."
            raise ConflictError("totp_not_begun", detail)
        await _use_code(connection, services.cipher, row, code)
        now = datetime.now(UTC)
        await users.change(connection, row.id, {"totp_enabled_at": now})
        fresh = await _new_recovery_codes(connection, services, row.id)
        await sessions.end_others(connection, actor, row.id, SessionEnd.TOTP_CHANGED, but=user.session_id)
        await audit.record(connection, actor, "totp.enable", row.id)
        letter = letters.totp_changed(row.email, at=now, enabled=True, network_address=visitor.address)
        posted = await outbox.record(connection, services.cipher, letter, user_id=row.id)
    await throttling.succeeded(services, guarded)
    await outbox.start(services.temporal, posted)
    return fresh


async def disable(services: Services, visitor: Visitor, actor: Actor, user: SignedIn) -> None:
    """Turn TOTP off and end the other sessions. When it is off already, nothing changes."""
    async with services.engine.begin() as connection:
        row = await lock_user(connection, user.user_id)
        if row.short_password:
            detail = "Your password is too short to be the only factor. Nothing was changed. Choose a longer one first."
            raise ConflictError("password_too_short", detail)
        was_on = row.totp_enabled_at is not None
        values = {"sealed_totp_secret": None, "totp_enabled_at": None, "totp_step": None}
        await users.change(connection, row.id, values)
        if not was_on:
            return
        await codes.replace_recovery_codes(connection, row.id, ())
        await sessions.end_others(connection, actor, row.id, SessionEnd.TOTP_CHANGED, but=user.session_id)
        await audit.record(connection, actor, "totp.disable", row.id)
        now = datetime.now(UTC)
        letter = letters.totp_changed(row.email, at=now, enabled=False, network_address=visitor.address)
        posted = await outbox.record(connection, services.cipher, letter, user_id=row.id)
    await outbox.start(services.temporal, posted)


async def replace_recovery_codes(services: Services, actor: Actor, user_id: str) -> list[str]:
    """Make new recovery codes; those before count no more. Raises ConflictError without TOTP."""
    async with services.engine.begin() as connection:
        row = await lock_user(connection, user_id)
        if row.totp_enabled_at is None:
            raise ConflictError("totp_not_enabled", "TOTP is off, so recovery codes have no use. Nothing was changed.")
        fresh = await _new_recovery_codes(connection, services, user_id)
        await audit.record(connection, actor, "totp.replace_recovery_codes", user_id)
        letter = letters.recovery_codes_replaced(row.email, at=datetime.now(UTC))
        posted = await outbox.record(connection, services.cipher, letter, user_id=user_id)
    await outbox.start(services.temporal, posted)
    return fresh


async def check(services: Services, visitor: Visitor, user_id: str, given: SecondFactor) -> None:
    """Accept a code or a recovery code of the user, once. Raises AuthenticationError and RateLimitedError."""
    guarded = throttling.second_factor_of(services, user_id)
    await throttling.count_attempt(services, guarded)
    try:
        posted = await _use(services, visitor, user_id, given)
    except AuthenticationError:
        await failed_sign_ins.note_second_factor(services, visitor, user_id)
        raise
    await throttling.succeeded(services, guarded)
    await outbox.start(services.temporal, *posted)


async def _use(services: Services, visitor: Visitor, user_id: str, given: SecondFactor) -> list[str]:
    """Use up the code, and return the mails that wait for the commit."""
    async with services.engine.begin() as connection:
        row = await lock_user(connection, user_id)
        if row.totp_enabled_at is None:
            raise _wrong()
        if given.code is not None:
            await _use_code(connection, services.cipher, row, given.code)
            return []
        left = await _use_recovery_code(connection, services, user_id, given.recovery_code or "")
        await audit.record(connection, visitor.actor(services.cipher, user_id), "totp.use_recovery_code", user_id)
        letter = letters.recovery_code_used(row.email, at=datetime.now(UTC), codes_left=left)
        return [await outbox.record(connection, services.cipher, letter, user_id=user_id)]


async def _use_code(connection: AsyncConnection, cipher: Cipher, row: Row[Any], code: str) -> None:
    secret = cipher.decrypt(row.sealed_totp_secret, totp_context(row.id))
    try:
        step = pyotp.TOTP(secret).verify_and_get_timecode(code, valid_window=CLOCKS_DIFFER_BY)
    except OTPVerificationError:
        raise _wrong() from None
    if row.totp_step is not None and step <= row.totp_step:
        raise _wrong()
    await users.change(connection, row.id, {"totp_step": step})


async def _use_recovery_code(connection: AsyncConnection, services: Services, user_id: str, given: str) -> int:
    digests = services.peppers.fingerprints(_normal(given).encode())
    if not await codes.use_recovery_code(connection, user_id, digests):
        raise _wrong()
    return await codes.recovery_codes_left(connection, user_id)


async def _new_recovery_codes(connection: AsyncConnection, services: Services, user_id: str) -> list[str]:
    fresh = ["-".join(_random(length) for length in RECOVERY_GROUPS) for _ in range(RECOVERY_CODES)]
    hashed = [services.peppers.hash(_normal(code)) for code in fresh]
    await codes.replace_recovery_codes(connection, user_id, hashed)
    return fresh


def _random(length: int) -> str:
    return "".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(length))


def _normal(code: str) -> str:
    """Return a recovery code as it is hashed, however it was copied."""
    return "".join(character for character in code.casefold() if character.isalnum())


def _wrong() -> AuthenticationError:
    detail = "The code is wrong, expired or already used. Nothing was done. Enter the next one."
    return AuthenticationError("code_invalid", detail)
