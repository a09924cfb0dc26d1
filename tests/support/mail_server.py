"""A mail server for tests: real SMTP on a real port, which takes and refuses mail as a test wants."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tests.services.gateways.running import free_listener

LOGIN = ("clearway", "mail-password")


@dataclass
class MailServer:
    """The server. refusals: answers to the next recipients or contents, before it takes mail again."""

    port: int
    envelopes: list[Any] = field(default_factory=list)
    recipient_answers: list[str] = field(default_factory=list)
    content_answers: list[str] = field(default_factory=list)
    seen: int = 0

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that name it."""
        return {
            "smtp_host": "127.0.0.1",
            "smtp_port": self.port,
            "smtp_security": "none",
            "mail_from": "Clearway <no-reply@shop.example>",
        }

    def mails(self) -> list[EmailMessage]:
        """Return what it took, oldest first."""
        return [message_from_bytes(each.content, policy=default) for each in self.envelopes]  # type: ignore[arg-type]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        self.seen += 1
        if self.recipient_answers:
            return self.recipient_answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take or refuse a mail."""
        if self.content_answers:
            return self.content_answers.pop(0)
        self.envelopes.append(envelope)
        return "250 taken"


def _check_login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    is_right = (data.login.decode(), data.password.decode()) == LOGIN
    return AuthResult(success=is_right, handled=False)


@asynccontextmanager
async def running_mail_server(
    *, port: int | None = None, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None
) -> AsyncIterator[MailServer]:
    """Run a server; with a context it speaks TLS at once, or offers STARTTLS and then asks for a log-in."""
    if port is None:
        listener, _ = free_listener()
        with listener:
            port = int(listener.getsockname()[1])
    server = MailServer(port)
    login = {"authenticator": _check_login, "auth_required": True} if starttls else {}
    controller = Controller(
        server,
        hostname="127.0.0.1",
        port=port,
        ssl_context=tls,
        tls_context=starttls,
        require_starttls=bool(starttls),
        **login,
    )
    await asyncio.to_thread(controller.start)
    try:
        yield server
    finally:
        await asyncio.to_thread(controller.stop)
