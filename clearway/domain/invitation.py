"""An invitation to become a member of an account: by e-mail, for one person, once, for a week."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

VALID_FOR: Final = timedelta(days=7)
OPEN_MAX: Final = 100
"""Of one account."""


class InvitationStatus(StrEnum):
    """Status of an invitation."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"


def status_of(
    *, accepted_at: datetime | None, revoked_at: datetime | None, expires_at: datetime, now: datetime
) -> InvitationStatus:
    """Return the status of an invitation at a moment."""
    if accepted_at is not None:
        return InvitationStatus.ACCEPTED
    if revoked_at is not None:
        return InvitationStatus.REVOKED
    return InvitationStatus.EXPIRED if expires_at <= now else InvitationStatus.OPEN
