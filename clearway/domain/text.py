"""Text from outside, made storable: what gateways, receivers and operators send is foreign and may be anything.

PostgreSQL refuses NUL, JSON and UTF-8 refuse lone surrogates, and control characters garble logs and terminals. Text
for people is mended (`storable`); an identifier is taken exactly or not at all (`is_storable`), because a mended one
names something else.
"""

from __future__ import annotations

import re
from typing import Final

UNSTORABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def storable(text: str, length_max: int) -> str:
    """Return text for people as it can be stored: at most `length_max` characters, each unstorable one replaced."""
    return UNSTORABLE.sub(REPLACEMENT, text[:length_max])


def storable_or_none(value: object, length_max: int) -> str | None:
    """Return a value of unknown type as storable text; None when it is no text, or an empty one."""
    return storable(value, length_max) if isinstance(value, str) and value else None


def is_storable(value: object, length_max: int) -> bool:
    """Tell whether a value of unknown type is a text that can be stored exactly as it is, and not empty."""
    return isinstance(value, str) and 0 < len(value) <= length_max and UNSTORABLE.search(value) is None
