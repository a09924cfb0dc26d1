"""E-mails as stored. Who may read a letter is decided above: here it is a sealed text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import mails
from clearway.domain.mail import MailStatus, Template

KEPT: Final = timedelta(days=30)
"""How long the record of a mail is kept; a failed one keeps its sealed letter so long."""


@dataclass(frozen=True, slots=True)
class NewMail:
    """A mail to record."""

    id: str
    template: Template
    sealed_letter: str
    give_up_at: datetime
    useless_after: datetime | None = None
    user_id: str | None = None


async def add(connection: AsyncConnection, mail: NewMail) -> None:
    """Record a mail; one with this id that is there already is left as it is."""
    values = {
        "id": mail.id,
        "template": mail.template.value,
        "sealed_letter": mail.sealed_letter,
        "give_up_at": mail.give_up_at,
        "useless_after": mail.useless_after,
        "user_id": mail.user_id,
    }
    await connection.execute(insert(mails).values(values).on_conflict_do_nothing())


async def find(connection: AsyncConnection, mail_id: str) -> Row[Any] | None:
    """Return a mail's row."""
    return (await connection.execute(select(mails).where(mails.c.id == mail_id))).one_or_none()


async def note_sent(connection: AsyncConnection, mail_id: str) -> None:
    """Note that the mail server took a mail, and remove its letter."""
    values = {"status": MailStatus.SENT.value, "sealed_letter": None, "error": None}
    await connection.execute(
        _pending(mail_id).values(**values, tries=mails.c.tries + 1, ended_at=func.now(), due_at=func.now())
    )


async def note_failure(connection: AsyncConnection, mail_id: str, error: str, due_at: datetime) -> None:
    """Note a try that failed, and until when the next one is made."""
    await connection.execute(_pending(mail_id).values(tries=mails.c.tries + 1, error=error, due_at=due_at))


async def note_end(connection: AsyncConnection, mail_id: str, error: str, *, tried: bool) -> None:
    """Note that no further try is made. The letter stays, so that `resend` can send it."""
    values = {"status": MailStatus.FAILED.value, "error": error, "ended_at": func.now()}
    await connection.execute(_pending(mail_id).values(**values, tries=mails.c.tries + int(tried)))


async def overdue(connection: AsyncConnection, before: datetime, limit: int, after: str = "") -> Sequence[str]:
    """Return pending mails whose try is overdue, by id: their workflow may be lost. after: the last id before."""
    waiting = (mails.c.status == MailStatus.PENDING.value) & (mails.c.due_at < before) & (mails.c.id > after)
    query = select(mails.c.id).where(waiting).order_by(mails.c.id).limit(limit)
    return list((await connection.execute(query)).scalars())


async def newest(connection: AsyncConnection, status: MailStatus | None, limit: int) -> Sequence[Row[Any]]:
    """Return mails without their letters, newest first."""
    shown = [column for column in mails.c if column is not mails.c.sealed_letter]
    query = select(*shown).order_by(mails.c.created_at.desc(), mails.c.id.desc()).limit(limit)
    if status is not None:
        query = query.where(mails.c.status == status.value)
    return list(await connection.execute(query))


async def reopen(
    connection: AsyncConnection, mail_id: str | None, now: datetime, give_up_at: datetime
) -> Sequence[str]:
    """Let failed mails be sent again: one, or all whose links still have an effect. Return their ids."""
    wanted = mails.c.status == MailStatus.FAILED.value
    wanted &= mails.c.useless_after.is_(None) | (mails.c.useless_after > now)
    if mail_id is not None:
        wanted &= mails.c.id == mail_id
    ends = func.least(give_up_at, func.coalesce(mails.c.useless_after, give_up_at))
    values = {"status": MailStatus.PENDING.value, "ended_at": None, "due_at": now, "give_up_at": ends}
    reopened = await connection.execute(update(mails).where(wanted).values(**values).returning(mails.c.id))
    return sorted(reopened.scalars())


async def forget_old(connection: AsyncConnection) -> int:
    """Delete the mails that ended longer ago than `KEPT`; return how many."""
    old = (mails.c.created_at < func.now() - KEPT) & (mails.c.status != MailStatus.PENDING.value)
    return (await connection.execute(delete(mails).where(old))).rowcount


async def delete_of(connection: AsyncConnection, user_id: str) -> None:
    """Delete the mails to a user, sent or not: they hold the address."""
    await connection.execute(delete(mails).where(mails.c.user_id == user_id))


def _pending(mail_id: str) -> Any:
    return update(mails).where(mails.c.id == mail_id, mails.c.status == MailStatus.PENDING.value)
