"""Mails to people about what happened at their merchants: one mail a person and merchant, for a quarter of an hour.

A round covers the time since the last one. It ends `LAG` ago, because a transaction may still be writing an event
with an earlier id. The mails and the end of the round are written in one transaction, so a crash neither repeats nor
loses one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.encryption import Cipher
from clearway.db import across_merchants, notices
from clearway.db.across_merchants import NoticeReader
from clearway.db.notices import Happened
from clearway.domain.notices import EACH
from clearway.mail import letters, outbox
from clearway.settings import Settings

LAG: Final = timedelta(seconds=60)
"""Above the timeout of a statement."""
LOOKED_BACK: Final = timedelta(days=1)
"""After a longer pause older things are left out: the dashboard shows them."""


async def record(connection: AsyncConnection, cipher: Cipher, settings: Settings, now: datetime) -> list[str]:
    """Record the mails that are due; return their ids. None without a mail server, or while the last ones are fresh."""
    if settings.smtp_host is None:
        return []
    until = now - LAG
    sent_until = await across_merchants.lock_notices(connection, until)
    if until - sent_until < EACH:
        return []
    since = max(sent_until, until - LOOKED_BACK)
    readers = await across_merchants.notice_readers(connection)
    mails: list[str] = []
    for merchant_id, of_merchant in groupby(readers, key=lambda reader: reader.merchant_id):
        found = await notices.happened(connection, merchant_id, since, until)
        for reader in of_merchant:
            wanted = [each for each in found if each.kind in reader.kinds]
            if wanted:
                letter = _letter(reader, wanted, settings)
                mails.append(await outbox.record(connection, cipher, letter, user_id=reader.user_id))
    await across_merchants.note_notices(connection, until)
    return mails


def _letter(reader: NoticeReader, happened: Sequence[Happened], settings: Settings) -> letters.Letter:
    lines = [(each.words, each.example if each.count == 1 else str(each.count)) for each in happened]
    return letters.notices(reader.email, account_name=reader.merchant_name, lines=lines, link=settings.dashboard_url)
