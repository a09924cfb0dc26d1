"""Who gets notices, of all merchants, and how far they are sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import memberships, merchants, notice_choices, notice_rounds, users
from clearway.domain.merchant import Mode
from clearway.domain.notices import UNCHOSEN, NoticeKind

ROUND = "notices"


@dataclass(frozen=True, slots=True)
class NoticeReader:
    """A person who gets notices about a merchant."""

    merchant_id: str
    merchant_name: str
    user_id: str
    email: str
    kinds: frozenset[NoticeKind]


async def lock_notices(connection: AsyncConnection, begin: datetime) -> datetime:
    """Return until when notices were sent; other rounds wait. begin: of the first round."""
    await connection.execute(insert(notice_rounds).values(id=ROUND, sent_until=begin).on_conflict_do_nothing())
    query = select(notice_rounds.c.sent_until).where(notice_rounds.c.id == ROUND).with_for_update()
    sent_until: datetime = (await connection.execute(query)).scalar_one()
    return sent_until


async def note_notices(connection: AsyncConnection, until: datetime) -> None:
    """Note until when notices were sent."""
    await connection.execute(notice_rounds.update().where(notice_rounds.c.id == ROUND).values(sent_until=until))


async def notice_readers(connection: AsyncConnection) -> list[NoticeReader]:
    """Return everybody who gets notices, by merchant."""
    choice = notice_choices.c
    query = (
        select(merchants.c.id, merchants.c.name, merchants.c.mode, users.c.id, users.c.email, choice.kinds)
        .select_from(memberships)
        .join(merchants, merchants.c.account_id == memberships.c.account_id)
        .join(users, users.c.id == memberships.c.user_id)
        .outerjoin(notice_choices, (choice.merchant_id == merchants.c.id) & (choice.user_id == users.c.id))
        .where(users.c.email.is_not(None), users.c.disabled_at.is_(None), merchants.c.active)
        .order_by(merchants.c.id, users.c.id)
    )
    found = [_reader(tuple(row)) for row in await connection.execute(query)]
    return [reader for reader in found if reader.kinds]


def _reader(row: tuple[Any, ...]) -> NoticeReader:
    merchant_id, name, mode, user_id, email, kinds = row
    wanted = UNCHOSEN[Mode(mode)] if kinds is None else tuple(NoticeKind(kind) for kind in kinds)
    return NoticeReader(merchant_id, name, user_id, email, frozenset(wanted))
