"""Read the audit log and decrypt its network addresses. The caller checks permissions."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.encryption import Cipher, DecryptionError
from clearway.db import across_merchants
from clearway.db.audit import address_context

LINES_MAX: Final = 500
SHOWN: Final = ("created_at", "actor", "action", "detail", "request_id", "merchant_id")
SEALED: Final = "sealed with a key that is gone"


async def lines_about(connection: AsyncConnection, cipher: Cipher, subject_id: str) -> list[dict[str, Any]]:
    """Return the newest LINES_MAX audit rows of this payment, refund, key or endpoint, oldest first."""
    rows = await across_merchants.audit_lines(connection, subject_id, LINES_MAX)
    return [{name: getattr(row, name) for name in SHOWN} | {"address": _address(cipher, row)} for row in rows]


def _address(cipher: Cipher, row: Row[Any]) -> str | None:
    try:
        return row.address and cipher.decrypt(row.address, address_context(row.request_id))
    except DecryptionError:
        return SEALED
