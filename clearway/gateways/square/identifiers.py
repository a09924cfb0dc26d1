"""The identifiers of Square, which are shorter than ours, and how ours are read back from them. Pure."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from clearway.gateways.contract import OperationKind

KEY_LENGTH_MAX: Final = 45
REFERENCE_LENGTH_MAX: Final = 40
_REFERENCE: Final = re.compile(r"([a-z]{2,8}_[0-9A-Za-z]{1,26}):([0-9]{1,6})")
_REFUND_REASON: Final = re.compile(r"([a-z]{2,8}_[0-9A-Za-z]{1,26}:refund:[0-9]{1,6}) ([a-z]{2,8}_[0-9A-Za-z]{1,26})")


def idempotency_key(key: str) -> str:
    """Return our key, or a digest of it if it is too long for Square: the same for every repeat."""
    return _fitted(key, KEY_LENGTH_MAX)


def reference_id(key: str) -> str:
    """Return the reference of an authorisation: the payment's id and the number of the attempt."""
    owner, _, rest = key.partition(":")
    return _fitted(f"{owner}:{rest.rpartition(':')[2]}", REFERENCE_LENGTH_MAX)


def authorisation_of(reference: object) -> str | None:
    """Return the key of the authorisation that has this reference; None for a foreign one."""
    found = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    return f"{found[1]}:{OperationKind.AUTHORISE.value}:{found[2]}" if found else None


def refund_reason(key: str, payment_id: str) -> str:
    """Return the reason of a refund, which Square shows with it: our key and the payment's id."""
    return f"{key} {payment_id}"


def refund_of(reason: object) -> tuple[str, str] | None:
    """Return the key and the payment of the refund that has this reason; None for a foreign one."""
    found = _REFUND_REASON.fullmatch(reason) if isinstance(reason, str) else None
    return (found[1], found[2]) if found else None


def _fitted(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()[:length]
