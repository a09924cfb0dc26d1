"""The SMTP side of the catcher: takes every mail on this machine's own address, and sends none on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiosmtpd.smtp import SMTP, Envelope, Session

from clearway.dev.mail_catcher.inbox import Inbox
from clearway.dev.ports import HOST


class _Taker:
    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        mail = self._inbox.take(envelope.mail_from or "", envelope.rcpt_tos, raw)
        sys.stdout.write(f"{mail.received_at} to {', '.join(mail.to)}: {mail.subject}\n")
        sys.stdout.flush()
        return "250 kept"


@asynccontextmanager
async def serving(inbox: Inbox, port: int) -> AsyncIterator[None]:
    """Take mail on this port until the block ends."""
    loop = asyncio.get_running_loop()
    taker = _Taker(inbox)
    server = await loop.create_server(lambda: SMTP(taker, enable_SMTPUTF8=True, loop=loop), HOST, port)
    try:
        yield
    finally:
        server.close()
