"""Mail to the operators about gateways, recorded with the change that it reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.encryption import Cipher
from clearway.domain.events import EventType
from clearway.mail import letters, outbox
from clearway.monitoring.health import Changed
from clearway.settings import Settings

WORDS: Final = {
    EventType.GATEWAY_UNHEALTHY: "is unhealthy",
    EventType.GATEWAY_HEALTHY: "is healthy again",
    EventType.GATEWAY_DEGRADED: "passes a threshold",
    EventType.GATEWAY_RESTORED: "is within its thresholds again",
}


async def record(
    connection: AsyncConnection, cipher: Cipher, settings: Settings, changes: Sequence[Changed]
) -> list[str]:
    """Record a mail for each change and each of ALERT_EMAIL_TO; return their ids. None without a mail server."""
    if settings.smtp_host is None:
        return []
    return [
        await outbox.record(connection, cipher, _letter(change, to))
        for change in changes
        for to in settings.alert_email_to
    ]


def _letter(change: Changed, to: str) -> letters.Letter:
    return letters.gateway_alert(
        to,
        gateway=change.gateway_name,
        gateway_id=change.gateway_id,
        merchant_id=change.merchant_id,
        what=WORDS[change.type],
        text=change.text,
    )
