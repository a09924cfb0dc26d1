"""Growing waits between attempts to guess a password or a code. Nobody is ever locked out.

A password is guarded by account and network: an attack on an account from elsewhere does not make its owner wait. A
network that tries many accounts waits too. So does everybody who tries an account that is attacked from many networks,
but for networks from which its owner signed in before. A link of a forgotten password opens it for new networks, too. A
second factor is guarded by the user alone, because only somebody with the password comes so far. Addresses and networks
are stored as keyed hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.api_secrets import Peppers
from clearway.db.users import failures, sessions
from clearway.db.users.failures import Throttle
from clearway.domain.errors import RateLimitedError
from clearway.services import Services
from clearway.users.visitor import Visitor

OF_ACCOUNT: Final = Throttle(free=5, wait_max_s=900)
OF_NETWORK: Final = Throttle(free=50, wait_max_s=60)
OF_ACCOUNT_EVERYWHERE: Final = Throttle(free=50, wait_max_s=300)
"""One account, attempts from all networks together."""
OF_SECOND_FACTOR: Final = Throttle(free=5, wait_max_s=900)
OF_MAIL: Final = Throttle(free=3, wait_max_s=3_600)
"""Mails to one address that anybody can ask for."""
OF_AUDIT: Final = Throttle(free=20, wait_max_s=3_600)
"""Rows of the audit log about failed sign-ins of one user."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """Something that is guessed at. one: only a success of this very subject says that it was its owner."""

    subject: bytes
    throttle: Throttle
    one: bool = True


def password_of(services: Services, visitor: Visitor, email: str) -> Sequence[Guarded]:
    """Return what guards the password of an account."""
    known = email.strip().casefold()
    return (
        Guarded(_hashed(services.peppers, f"network/{visitor.network}"), OF_NETWORK, one=False),
        Guarded(_hashed(services.peppers, f"account/{known}/{visitor.network}"), OF_ACCOUNT),
    )


def network_hashes(peppers: Peppers, visitor: Visitor) -> tuple[bytes, ...]:
    """Return the hash of a visitor's network under each pepper, that of new rows first."""
    return peppers.fingerprints(f"sign-in/known/{visitor.network}".encode())


async def count_everywhere(services: Services, visitor: Visitor, email: str) -> Sequence[Guarded]:
    """Count an attempt at an account, whatever its network, and return what a success takes back.

    Raises RateLimitedError, unless the account's owner signed in from this network before.
    """
    guarded = _everywhere(services.peppers, email)
    async with services.reader.connect() as connection:
        wait_s = await failures.count(connection, guarded.subject, guarded.throttle, datetime.now(UTC))
        if not wait_s:
            return (guarded,)
        if await sessions.network_is_known(connection, email, network_hashes(services.peppers, visitor)):
            return ()
    raise _too_many(wait_s)


async def open_account(connection: AsyncConnection, peppers: Peppers, email: str) -> None:
    """Forget the attempts at an account from everywhere: its owner has proved to read its address."""
    await failures.forget(connection, _everywhere(peppers, email).subject)


def _everywhere(peppers: Peppers, email: str) -> Guarded:
    return Guarded(_hashed(peppers, f"account/{email.strip().casefold()}"), OF_ACCOUNT_EVERYWHERE, one=False)


def _too_many(wait_s: int) -> RateLimitedError:
    detail = f"Too many attempts. Nothing was done. Wait {wait_s} s, then try again."
    return RateLimitedError("too_many_attempts", detail, wait_s)


def second_factor_of(services: Services, user_id: str) -> Sequence[Guarded]:
    """Return what guards the codes of a user, and their password in an open session."""
    return (Guarded(_hashed(services.peppers, f"second_factor/{user_id}"), OF_SECOND_FACTOR),)


async def may_mail(connection: AsyncConnection, peppers: Peppers, email: str) -> bool:
    """Count a mail that anybody can ask for, and return whether it may be sent."""
    subject = _hashed(peppers, f"mail/{email.strip().casefold()}")
    return not await failures.count(connection, subject, OF_MAIL, datetime.now(UTC))


async def may_audit(connection: AsyncConnection, peppers: Peppers, subject_id: str) -> bool:
    """Count a failed sign-in, and return whether the audit log gets a row of it."""
    subject = _hashed(peppers, f"audit/{subject_id}")
    return not await failures.count(connection, subject, OF_AUDIT, datetime.now(UTC))


async def count_attempt(services: Services, guarded: Sequence[Guarded]) -> None:
    """Count an attempt before it is made. Raises RateLimitedError: then it must not be made."""
    now = datetime.now(UTC)
    async with services.reader.connect() as connection:
        for each in guarded:
            wait_s = await failures.count(connection, each.subject, each.throttle, now)
            if wait_s:
                raise _too_many(wait_s)


async def succeeded(services: Services, guarded: Sequence[Guarded]) -> None:
    """Note that the attempt which was counted has succeeded."""
    async with services.reader.connect() as connection:
        for each in guarded:
            await (failures.forget if each.one else failures.take_back)(connection, each.subject)


def _hashed(peppers: Peppers, subject: str) -> bytes:
    return peppers.fingerprints(f"sign-in/{subject}".encode())[0]
