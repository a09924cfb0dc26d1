"""Sending one mail: read its row, hand it to the mail server, record the result."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.exceptions import ApplicationError

from clearway.crypto.encryption import Cipher, DecryptionError
from clearway.db import mails
from clearway.db.engine import each_for_itself
from clearway.domain.mail import MailStatus
from clearway.mail import rendering, smtp
from clearway.mail.outbox import open_letter
from clearway.settings import Settings

NO_SERVER: Final = "no mail server is set: set SMTP_HOST and MAIL_FROM, then run `clearway mail resend`"
TOO_OLD: Final = "given up: {}"
SENT: Final = "sent"
GONE: Final = "deleted"
DUE_WITHIN: Final = timedelta(minutes=20)
"""Above the longest wait between two tries (`policies.MAIL_RETRY`): a mail not tried for so long has no workflow."""


class MailActivities:
    """Mails by their ids."""

    def __init__(self, engine: AsyncEngine, settings: Settings, cipher: Cipher) -> None:
        self._engine = each_for_itself(engine)
        self._settings = settings
        self._cipher = cipher

    @activity.defn(name="send_mail")
    async def send(self, mail_id: str) -> str:
        """Send a pending mail; return what it is now: sent, failed or deleted. A failed try is retried.

        After a crash between the server's answer and the row, the mail is sent again with the same Message-ID.
        """
        async with self._engine.connect() as connection:
            row = await mails.find(connection, mail_id)
        if row is None or row.status != MailStatus.PENDING.value:
            return GONE if row is None else str(row.status)
        hopeless = self._hopeless(row)
        return await (self._end(row, hopeless, tried=False) if hopeless else self._try(row))

    def _hopeless(self, row: Row[Any]) -> str | None:
        """Return why no try is made."""
        if self._settings.smtp_host is None:
            return NO_SERVER
        if row.give_up_at <= datetime.now(UTC):
            return TOO_OLD.format(row.error or "its link has no effect any more")
        return None

    async def _try(self, row: Row[Any]) -> str:
        try:
            await self._hand_over(row)
        except (smtp.MailRefusedError, DecryptionError) as error:
            return await self._end(row, str(error), tried=True)
        except smtp.ServerAwayError as error:
            return await self._failed(row, str(error))
        async with self._engine.connect() as connection:
            await mails.note_sent(connection, row.id)
        _count(row, SENT)
        return SENT

    async def _hand_over(self, row: Row[Any]) -> None:
        letter = open_letter(self._cipher, row.id, row.sealed_letter)
        sender = smtp.sender_of(self._settings)
        message = rendering.message_of(letter, mail_id=row.id, sender=sender, written_at=row.created_at)
        await smtp.send(self._settings, message, letter.to)

    async def _failed(self, row: Row[Any], error: str) -> str:
        now = datetime.now(UTC)
        async with self._engine.connect() as connection:
            await mails.note_failure(connection, row.id, error, now + DUE_WITHIN)
        raise ApplicationError(error, type="MailServerAway")

    async def _end(self, row: Row[Any], error: str, *, tried: bool) -> str:
        async with self._engine.connect() as connection:
            await mails.note_end(connection, row.id, error, tried=tried)
        _count(row, MailStatus.FAILED)
        activity.logger.error("the mail %s (%s) is not sent: %s", row.id, row.template, error)
        return MailStatus.FAILED.value


def _count(row: Row[Any], outcome: str) -> None:
    counter = activity.metric_meter().create_counter("clearway_mails", "Mails that were sent or that failed.")
    counter.add(1, {"template": row.template, "outcome": str(outcome)})
