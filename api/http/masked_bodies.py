"""A JSON body as the request log keeps it: its whole structure, but only values that identify nobody.

A value is shown when its field is on the list below and it looks like a code, an id, a time, a flag or an amount.
Everything else is a mask: names, addresses, notes, secrets, tokens, card numbers, free text. A new field is masked
until somebody puts it on the list.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from clearway.domain.request_log import is_known_id

MASK: Final = "•••"
BYTES_MAX: Final = 16_384
"""A longer body is not kept."""
KEPT_MAX: Final = 4_096
DEPTH_MAX: Final = 6
ITEMS_MAX: Final = 10
HIDDEN: Final = frozenset({"notes", "customer", "card", "credentials", "settings", "detail", "help_texts", "branding"})
"""Fields whose whole value is masked: what is in them was written by or about a person, or opens something."""
SHOWN: Final = frozenset(
    {
        *("object", "type", "code", "status", "method", "mode", "kind", "role", "operation", "capture_method"),
        *("currency", "amount", "amount_captured", "amount_refunded", "captured", "has_more", "field"),
        *("created_at", "updated_at", "expires_at", "revoked_at", "since", "until", "next_attempt_at"),
        *("permissions", "event_types", "event_type", "error_code", "enabled", "priority", "overlap_s", "limit"),
        *("gateway", "attempt_count", "number", "include", "fault", "times", "payments", "days", "step"),
    }
)
"""Fields whose value is shown when it has the form of a code."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z_.:*-]{0,39}|\*|\d{4}-\d\d-\d\dT[0-9:.]{8,15}Z")
_AMOUNT_MAX: Final = 10**11
"""Under every card number."""


def masked_body(value: Any) -> str | None:
    """Return the text that is kept of a parsed body; None when there is none or it is too long."""
    if value is None:
        return None
    text = orjson.dumps(_masked(value, "", 0)).decode()
    return text if len(text) <= KEPT_MAX else None


def masked_text(body: bytes) -> str | None:
    """Return the text that is kept of a body as it was sent; None when it is not JSON."""
    try:
        return masked_body(orjson.loads(body))
    except orjson.JSONDecodeError:
        return None


def _masked(value: Any, name: str, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if name in HIDDEN or depth > DEPTH_MAX:
        return MASK
    if isinstance(value, dict):
        return {_field(key): _masked(each, key, depth + 1) for key, each in [*value.items()][: ITEMS_MAX * 5]}
    if isinstance(value, list):
        more = [MASK] if len(value) > ITEMS_MAX else []
        return [_masked(each, name, depth + 1) for each in value[:ITEMS_MAX]] + more
    return value if _is_shown(value, name) else MASK


def _field(name: str) -> str:
    return name if _NAME.fullmatch(name) else MASK


def _is_shown(value: Any, name: str) -> bool:
    if isinstance(value, str) and is_known_id(value):
        return True
    if name not in SHOWN:
        return False
    if isinstance(value, int):
        return abs(value) < _AMOUNT_MAX
    # The names of notes are the merchant's, also in the path of a field that is refused.
    return isinstance(value, str) and bool(_CODE.fullmatch(value)) and not value.startswith("notes.")
