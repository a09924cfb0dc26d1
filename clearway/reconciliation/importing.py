"""Import balance rows and bank lines from a file: all of it or nothing, and nothing twice.

The same file is known by its digest, and a row by its id. What is imported is booked and compared by the next run.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import audit
from clearway.db.reconciliation import imports, reported
from clearway.domain.actor import Actor
from clearway.domain.errors import UnprocessableError
from clearway.reconciliation.csv_files import ColumnMap, FileInvalidError, ReadFile, Target, read


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose rows are imported."""

    gateway_id: str
    merchant_id: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did. again: the same file was imported before, so nothing was done."""

    id: str
    added: int
    changed: tuple[str, ...] = ()
    again: bool = False


def check(content: str, target: Target, columns: ColumnMap, first_row: int) -> ReadFile:
    """Read a file. Raises UnprocessableError for one that cannot be read at all."""
    try:
        return read(content, target, columns, first_row=first_row)
    except FileInvalidError as error:
        raise _refused(f"The file cannot be read: {error}.") from None


def refuse_problems(found: ReadFile) -> None:
    """Refuse a file with problems. Raises UnprocessableError, which names the first rows."""
    if found.problems:
        raise _refused(" ".join(f"Row {each.row}: {each.message}." for each in found.problems[:5]))


async def store(
    connection: AsyncConnection,
    actor: Actor,
    owner: Owner,
    import_id: str,
    found: ReadFile,
    *,
    target: Target,
    columns: ColumnMap,
    now: datetime,
) -> Imported:
    """Store a file that was read without problems, with its audit row."""
    rows = len(found.rows) + len(found.lines)
    values = {
        "id": import_id,
        "gateway_id": owner.gateway_id,
        "merchant_id": owner.merchant_id,
        "target": target.value,
        "digest": found.digest,
        "columns": _jsonable(columns),
        "rows": rows,
        "added": 0,
        "created_by": actor.name,
        "created_at": now,
    }
    earlier = await imports.add(connection, values)
    if earlier is not None:
        return Imported(earlier.id, earlier.added, again=True)
    added, changed = await _add(connection, owner, import_id, found, now)
    await imports.set_added(connection, owner.merchant_id, import_id, added)
    detail = {"gateway_id": owner.gateway_id, "target": target.value, "rows": rows, "added": added}
    await audit.record(connection, actor, "settlement.import", import_id, detail)
    return Imported(import_id, added, tuple(changed))


async def _add(
    connection: AsyncConnection, owner: Owner, import_id: str, found: ReadFile, now: datetime
) -> tuple[int, list[str]]:
    if found.rows:
        return await reported.add_rows(connection, owner, found.rows, now, import_id)
    own = asdict(owner) | {"import_id": import_id, "listed_at": now}
    lines = [asdict(line) | own for line in found.lines]
    return (await reported.add_bank_lines(connection, lines) if lines else 0), []


def _jsonable(columns: ColumnMap) -> dict[str, Any]:
    return asdict(columns) | {"kinds": {word: kind.value for word, kind in columns.kinds.items()}}


def _refused(detail: str) -> UnprocessableError:
    return UnprocessableError("settlement_file_invalid", f"{detail} Nothing was imported.")
