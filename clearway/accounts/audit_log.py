"""Read and export the audit log, with its network addresses decrypted. The caller checks permissions."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.encryption import Cipher, DecryptionError
from clearway.db import across_merchants, audit
from clearway.db.audit import Wanted, address_context
from clearway.db.pages import PageRequest
from clearway.services import Services

EXPORT_PAGE: Final = 1_000
EXPORTED: Final = (
    *("created_at", "actor", "action", "subject_type", "subject_id", "detail", "address", "request_id", "id"),
)
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection)."""
LINES_MAX: Final = 500
SHOWN: Final = ("created_at", "actor", "action", "detail", "request_id", "merchant_id")
SEALED: Final = "sealed with a key that is gone"


async def lines_about(connection: AsyncConnection, cipher: Cipher, subject_id: str) -> list[dict[str, Any]]:
    """Return the newest LINES_MAX audit rows of this payment, refund, key or endpoint, oldest first."""
    rows = await across_merchants.audit_lines(connection, subject_id, LINES_MAX)
    return [{name: getattr(row, name) for name in SHOWN} | {"address": address_of(cipher, row)} for row in rows]


async def as_csv(services: Services, merchant_id: str, wanted: Wanted) -> AsyncIterator[str]:
    """Yield the merchant's rows, newest first, as CSV (RFC 4180) in parts of EXPORT_PAGE rows.

    Each part is a query of its own, so that a slow reader holds no connection.
    """
    yield _lines([EXPORTED])
    page: PageRequest | None = PageRequest(EXPORT_PAGE)
    while page is not None:
        async with services.reader.connect() as connection:
            found = await audit.list_page(connection, merchant_id, wanted, page)
        yield _lines([_exported(services.cipher, row) for row in found.rows])
        page = None if found.next_cursor is None else PageRequest(EXPORT_PAGE, found.next_cursor)


def _exported(cipher: Cipher, row: Row[Any]) -> tuple[str, ...]:
    values = {name: getattr(row, name) for name in EXPORTED}
    values |= {
        "created_at": row.created_at.isoformat(),
        "detail": json.dumps(row.detail, ensure_ascii=False, sort_keys=True),
        "address": address_of(cipher, row),
    }
    return tuple(_defused("" if value is None else str(value)) for value in values.values())


def _defused(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _lines(rows: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def address_of(cipher: Cipher, row: Row[Any]) -> str | None:
    """Return the network address of a row's request."""
    try:
        return row.address and cipher.decrypt(row.address, address_context(row.request_id))
    except DecryptionError:
        return SEALED
