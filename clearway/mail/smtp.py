"""Hands one message to the mail server of the settings.

MailError
├── MailRefusedError   the server does not take this mail, now or later (5xx to the recipient or the content)
└── ServerAwayError    no mail is taken now: unreachable, busy, greylisting, a log-in or sender that it refuses
"""

from __future__ import annotations

import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Final

import aiosmtplib

from clearway.domain.text import storable
from clearway.setting_values import MailSecurity
from clearway.settings import Settings

TIMEOUT_S: Final = 20.0
ANSWER_LENGTH_MAX: Final = 300
PERMANENT: Final = 500


class MailError(Exception):
    """A mail was not taken; str(error) is for operators and names no address."""


class MailRefusedError(MailError):
    """The server refuses this mail for good."""


class ServerAwayError(MailError):
    """The mail may be taken later."""


def sender_of(settings: Settings) -> Address:
    """Return who mails are from."""
    assert settings.mail_sender is not None, "a mail is sent only when there is a server"
    name, address = settings.mail_sender
    return Address(display_name=name, addr_spec=address)


async def send(settings: Settings, message: EmailMessage, to: str) -> None:
    """Send a message. Raises MailRefusedError and ServerAwayError."""
    try:
        async with _server(settings) as server:
            await server.send_message(message, sender=sender_of(settings).addr_spec, recipients=[to])
    except aiosmtplib.SMTPRecipientsRefused as error:
        refusal = error.recipients[0]
        raise _refused("the recipient", refusal.code, refusal.message) from None
    except aiosmtplib.SMTPDataError as error:
        raise _refused("the content", error.code, error.message) from None
    except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
        raise ServerAwayError(_reason(error)) from None


async def greet(settings: Settings) -> None:
    """Connect, encrypt and log in, without a mail. Raises ServerAwayError."""
    try:
        async with _server(settings):
            pass
    except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
        raise ServerAwayError(_reason(error)) from None


def _server(settings: Settings) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_username,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        use_tls=settings.smtp_security is MailSecurity.TLS,
        # Never None: the library would then go on in clear when the server offers no STARTTLS.
        start_tls=settings.smtp_security is MailSecurity.STARTTLS,
        cert_bundle=str(settings.smtp_tls_ca) if settings.smtp_tls_ca else None,
        timeout=TIMEOUT_S,
    )


def _refused(what: str, code: int, answer: str) -> MailError:
    text = f"the mail server refused {what}: {code} {_short(answer)}"
    return MailRefusedError(text) if code >= PERMANENT else ServerAwayError(text)


def _reason(error: Exception) -> str:
    answer = f"{error.code} {error.message}" if isinstance(error, aiosmtplib.SMTPResponseException) else str(error)
    return f"{type(error).__name__}: {_short(answer)}"


def _short(answer: str) -> str:
    """Answers of servers repeat addresses; the address is in the sealed mail already."""
    words = (word for word in storable(answer, 4 * ANSWER_LENGTH_MAX).split() if "@" not in word)
    return " ".join(words)[:ANSWER_LENGTH_MAX]
