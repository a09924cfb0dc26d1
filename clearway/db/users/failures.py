"""How often a sign-in was tried in vain, by subject: the account at one network, a network, or a second factor.

An attempt is counted before it is made, in one statement. So attempts that are made at once are all counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Float, case, cast, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import sign_in_failures

FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Throttle:
    """free: attempts without a wait. The wait doubles with each further one, up to wait_max_s."""

    free: int
    wait_max_s: int

    def wait_s(self, failures: int) -> int:
        """Return how long after the last of so many attempts the next one may be made."""
        return 0 if failures < self.free else min(self.wait_max_s, 2 ** min(failures - self.free, 20))


async def count(connection: AsyncConnection, subject: bytes, throttle: Throttle, now: datetime) -> int:
    """Count an attempt, and return 0; or count nothing and return for how many seconds there can be none."""
    failures, last = sign_in_failures.c.failures, sign_in_failures.c.last_at
    power = func.power(2.0, cast(func.least(failures - throttle.free, 20), Float))
    wait_s = case((failures < throttle.free, 0.0), else_=func.least(float(throttle.wait_max_s), power))
    is_over = last + func.make_interval(0, 0, 0, 0, 0, 0, wait_s) <= literal(now, last.type)
    forgotten = last < literal(now - FORGOTTEN_AFTER, last.type)
    statement = (
        insert(sign_in_failures)
        .values(subject=subject, failures=1, last_at=now)
        .on_conflict_do_update(
            index_elements=["subject"],
            set_={"failures": case((forgotten, 1), else_=failures + 1), "last_at": now},
            where=is_over,
        )
        .returning(failures)
    )
    if (await connection.execute(statement)).first() is not None:
        return 0
    row = (
        await connection.execute(select(sign_in_failures).where(sign_in_failures.c.subject == subject))
    ).one_or_none()
    if row is None:
        return 1
    due: timedelta = row.last_at + timedelta(seconds=throttle.wait_s(row.failures)) - now
    return max(1, round(due.total_seconds()))


async def forget(connection: AsyncConnection, subject: bytes) -> None:
    """Forget the attempts: one has succeeded."""
    await connection.execute(delete(sign_in_failures).where(sign_in_failures.c.subject == subject))


async def take_back(connection: AsyncConnection, subject: bytes) -> None:
    """Take back the last attempt: it succeeded, which says nothing about the others."""
    statement = update(sign_in_failures).where(sign_in_failures.c.subject == subject)
    less = func.greatest(sign_in_failures.c.failures - 1, 0)
    await connection.execute(statement.values(failures=less))


async def forget_old(connection: AsyncConnection, now: datetime) -> int:
    """Delete what no longer counts. Return how many rows."""
    old = delete(sign_in_failures).where(sign_in_failures.c.last_at < now - FORGOTTEN_AFTER)
    return (await connection.execute(old)).rowcount
