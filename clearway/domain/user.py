"""People who sign in: the kinds of their sessions, why a session ends, and what is known of a signed-in person."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from clearway.domain.roles import Role

NAME_LENGTH_MAX: Final = 100
DEVICE_LENGTH_MAX: Final = 100
STEP_UP_S: Final = 300
"""How long a step-up is valid: a password or a TOTP code that was entered in the session (ASVS 5.0, 7.5.3)."""

_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""In this order: each names those after it, too."""
_SYSTEMS: Final = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


class SessionKind(StrEnum):
    """browser: a cookie. program: an access token with a refresh token."""

    BROWSER = "browser"
    PROGRAM = "program"


class TokenPurpose(StrEnum):
    """What the link in a mail is for."""

    REGISTER = "register"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a purpose
    CHANGE_EMAIL = "change_email"


class SessionEnd(StrEnum):
    """Why a session was ended before its time."""

    SIGNED_OUT = "signed_out"
    REVOKED = "revoked"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason
    TOTP_CHANGED = "totp_changed"
    EMAIL_CHANGED = "email_changed"
    TOKEN_REUSED = "token_reused"  # noqa: S105 - a reason
    USER_DELETED = "user_deleted"
    USER_DISABLED = "user_disabled"
    REPLACED = "replaced"
    """By another sign-in in the same browser."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person in a session. account_id and role: of the merchant that the request names, None without one."""

    user_id: str
    session_id: str
    kind: SessionKind
    is_operator: bool
    totp_enabled: bool
    stepped_up_at: datetime | None
    account_id: str | None = None
    role: Role | None = None

    @property
    def stepped_up_until(self) -> datetime | None:
        """When the last step-up expires."""
        return self.stepped_up_at and self.stepped_up_at + timedelta(seconds=STEP_UP_S)


def device_of(user_agent: str) -> str:
    """Return a short name for a browser or program, such as `Firefox on Linux`, that its owner recognises."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    if browser is None:
        return re.sub(r"\s+", " ", user_agent).strip()[:DEVICE_LENGTH_MAX] or "unknown device"
    return f"{browser} on {system}" if system else browser
