"""Mail to the operators about gateways, by the mail server of the settings."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final

import aiosmtplib

from clearway.domain.events import EventType
from clearway.durable.messages import HealthMail
from clearway.monitoring.health import Changed
from clearway.settings import MailSecurity, Settings

TIMEOUT_S: Final = 20.0
WORDS: Final = {
    EventType.GATEWAY_UNHEALTHY: "is unhealthy",
    EventType.GATEWAY_HEALTHY: "is healthy again",
    EventType.GATEWAY_DEGRADED: "passes a threshold",
    EventType.GATEWAY_RESTORED: "is within its thresholds again",
}


def mail_of(change: Changed) -> HealthMail:
    """Return the mail about a change."""
    what = WORDS[change.type]
    name = " ".join(change.gateway_name.split())  # a header has one line
    lines = (
        f"The gateway {change.gateway_name} ({change.gateway_id}) of the merchant {change.merchant_id} {what}.",
        "",
        change.text,
        "",
        f"Look at it: clearway gateways health {change.gateway_id}",
        'What to do: docs/operations.md, "A gateway is unhealthy".',
    )
    return HealthMail(f"[Clearway] Gateway {name} {what}", "\n".join(lines) + "\n")


async def send(settings: Settings, written: HealthMail) -> None:
    """Send a mail to the addresses of the settings. Raises aiosmtplib.SMTPException or OSError."""
    assert settings.smtp_host, "a mail is only written when there is a server"
    message = EmailMessage()
    message["Subject"] = written.subject
    message["From"] = settings.alert_email_from
    message["To"] = ", ".join(settings.alert_email_to)
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=settings.smtp_host)
    message.set_content(written.text)
    await aiosmtplib.send(
        message,
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_username,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        use_tls=settings.smtp_security is MailSecurity.TLS,
        start_tls=settings.smtp_security is MailSecurity.STARTTLS,
        timeout=TIMEOUT_S,
    )
