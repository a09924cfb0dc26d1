"""A stable point for each payment (consistent hashing), so that a share is always the same payments, without chance."""

from __future__ import annotations

import hashlib
from typing import Final

POINTS: Final = 10_000


def point_of(payment_id: str, salt: str) -> int:
    """Return where a payment stands between 0 and 9999: always the same, and evenly spread over payments."""
    digest = hashlib.sha256(f"{salt}\0{payment_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % POINTS
