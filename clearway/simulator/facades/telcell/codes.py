"""Telcell's two MD5 recipes: plain concatenation, the shop's key first, lower-case hex. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

ASKED: Final = ("issuer", "currency", "price", "product", "issuer_id", "valid_days")
"""What the security code of an invoice covers, in order."""
REPORTED: Final = ("invoice", "issuer_id", "payment_id", "currency", "sum", "time", "status")
"""What the checksum of a report covers, in order."""


def security_code(key: str, fields: Mapping[str, str]) -> str:
    """Return the code of a request for an invoice."""
    return _md5(key, *(fields.get(name, "") for name in ASKED))


def checksum(key: str, fields: Mapping[str, str]) -> str:
    """Return the checksum of a report."""
    return _md5(key, *(fields.get(name, "") for name in REPORTED))


def _md5(*parts: str) -> str:
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()
