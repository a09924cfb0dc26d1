"""A stable point for each payment (consistent hashing), so that a share is always the same payments, without chance."""

from __future__ import annotations

import hashlib
from typing import Final

POINTS: Final = 10_000


def point_of(payment_id: str, salt: str) -> int:
    """Return the point of a payment, 0 to 9999: deterministic, and uniform over payments."""
    digest = hashlib.sha256(f"{salt}\0{payment_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % POINTS
