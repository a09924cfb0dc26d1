"""The mails that the catcher got, newest first, as people and tests read them."""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Final

KEPT: Final = 500
LINK: Final = re.compile(r"https?://[^\s<>\"']+")


@dataclass(frozen=True)
class CaughtMail:
    """A mail. to: the recipients of the envelope. links: the web addresses in its text, in order."""

    id: int
    received_at: str
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    links: tuple[str, ...]


class Inbox:
    """What arrived since the catcher started."""

    def __init__(self) -> None:
        self._mails: deque[CaughtMail] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)

    def take(self, sender: str, recipients: Sequence[str], content: bytes) -> CaughtMail:
        """Keep a mail as it came from SMTP."""
        message = message_from_bytes(content, policy=default)
        text = _part(message, "plain")
        mail = CaughtMail(
            id=next(self._numbers),
            received_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            sender=str(message["From"] or sender),
            to=tuple(recipients),
            subject=str(message["Subject"] or ""),
            text=text,
            html=_part(message, "html"),
            links=tuple(dict.fromkeys(LINK.findall(text))),
        )
        self._mails.appendleft(mail)
        return mail

    def newest(self, to: str | None = None) -> list[CaughtMail]:
        """Return the mails, newest first. to: only those to this address."""
        return [mail for mail in self._mails if to is None or to.lower() in map(str.lower, mail.to)]

    def find(self, mail_id: int) -> CaughtMail | None:
        """Return one mail."""
        return next((mail for mail in self._mails if mail.id == mail_id), None)

    def forget(self) -> None:
        """Delete all mails."""
        self._mails.clear()


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return "" if part is None else str(part.get_content())
