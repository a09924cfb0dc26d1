"""Idram's MD5 recipe: seven parts joined by colons, the shop's key in the middle, upper-case hex. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


def checksum(key: str, fields: Mapping[str, str]) -> str:
    """Return the checksum of a confirmation."""
    parts = (
        fields["EDP_REC_ACCOUNT"],
        fields["EDP_AMOUNT"],
        key,
        fields["EDP_BILL_NO"],
        fields["EDP_PAYER_ACCOUNT"],
        fields["EDP_TRANS_ID"],
        fields["EDP_TRANS_DATE"],
    )
    return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest().upper()
