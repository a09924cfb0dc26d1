"""Text from outside, made storable: gateways, receivers and operators may send any characters.

PostgreSQL refuses NUL, JSON and UTF-8 refuse lone surrogates, and control characters garble logs and terminals. In text
for people, such characters are replaced (`storable`). An identifier is stored exactly or refused (`is_storable`),
because a changed identifier names something else.
"""

from __future__ import annotations

import re
from typing import Final

UNSTORABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def storable(text: str, length_max: int) -> str:
    """Return storable text for people: at most `length_max` characters, each unstorable one replaced."""
    return UNSTORABLE.sub(REPLACEMENT, text[:length_max])


def storable_or_none(value: object, length_max: int) -> str | None:
    """Return a value of unknown type as storable text; None if it is not text, or empty."""
    return storable(value, length_max) if isinstance(value, str) and value else None


def is_storable(value: object, length_max: int) -> bool:
    """Return whether a value of unknown type is text that can be stored unchanged, and not empty."""
    return isinstance(value, str) and 0 < len(value) <= length_max and UNSTORABLE.search(value) is None
