"""E-mail: its states, which mails there are, and text from others made safe for one."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from clearway.domain.text import storable

ADDRESS_LENGTH_MAX: Final = 254
"""RFC 5321, section 4.5.3.1.3, without the brackets."""
ADDRESS_FORM: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
)
"""As a browser's e-mail field takes it (HTML, section 4.10.5.1.5): ASCII, no quotes, no comments."""
LINK_LENGTH_MAX: Final = 2_000
NAME_LENGTH_MAX: Final = 80
LINK_FORM: Final = re.compile(r"https?://[^\s<>\"'\\]+")
LINK_BEGINNING: Final = re.compile(r"(?i)\b(?:[a-z][a-z0-9+.-]*://|www\.)")
INVISIBLE: Final = re.compile("[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Characters that reverse or hide text: a name must not change how the rest of a mail reads."""


class MailStatus(StrEnum):
    """The state of a mail."""

    PENDING = "pending"
    SENT = "sent"
    """The mail server took it. Whether a person gets it, only they know."""
    FAILED = "failed"


class Template(StrEnum):
    """Every mail that Clearway sends."""

    VERIFY_ADDRESS = "verify_address"
    ALREADY_REGISTERED = "already_registered"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - the name of a mail
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of a mail
    CONFIRM_NEW_ADDRESS = "confirm_new_address"
    ADDRESS_CHANGED = "address_changed"
    NEW_LOGIN = "new_login"
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105 - the name of a mail
    TOTP_CHANGED = "totp_changed"
    RECOVERY_CODE_USED = "recovery_code_used"
    RECOVERY_CODES_REPLACED = "recovery_codes_replaced"
    INVITATION = "invitation"
    MEMBERSHIP_CHANGED = "membership_changed"
    ACCOUNT_DELETED = "account_deleted"
    NOTICES = "notices"
    GATEWAY_ALERT = "gateway_alert"
    TRIAL = "trial"
    """Sent by `clearway mail test`."""


def is_address(text: str) -> bool:
    """Return whether mail can be sent to this address."""
    return len(text) <= ADDRESS_LENGTH_MAX and ADDRESS_FORM.fullmatch(text) is not None and ".." not in text


def one_line(text: str, length_max: int = NAME_LENGTH_MAX) -> str:
    """Return text of others as one short line that adds no header, no link and no hidden characters."""
    seen = INVISIBLE.sub("", storable(text, 4 * length_max))
    line = " ".join(LINK_BEGINNING.sub("", seen).split())
    return line if len(line) <= length_max else f"{line[: length_max - 1]}…"


def masked_address(address: str) -> str:
    """Return an address that its owner recognises: `a…@example.test`."""
    name, _, host = address.rpartition("@")
    return f"{name[:1]}…@{host}"
