"""The objects of a facade as documents, beside the engine's records, and the engine keys of their operations.

The tables are in the simulator's file, so that one transaction covers an object and its effect.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from clearway.simulator.records import Records
from clearway.simulator.store import Store

KindT = TypeVar("KindT", bound=StrEnum)


@dataclass(slots=True)
class Thing(Generic[KindT]):
    """One object. parent: the object it belongs to. operation_key: the engine's operation behind it."""

    id: str
    account: str
    kind: KindT
    document: dict[str, Any]
    created_at: float
    parent: str | None = None
    operation_key: str | None = None


class Things(Generic[KindT]):
    """Reads and writes of the objects in one table. Its name comes from our code, never from a request."""

    def __init__(self, store: Store, table: str, kinds: type[KindT]) -> None:
        self._store = store
        self._table = table
        self._kinds = kinds
        store.add_schema(
            f"""
            CREATE TABLE IF NOT EXISTS {table} (
                id TEXT PRIMARY KEY,
                account TEXT NOT NULL,
                kind TEXT NOT NULL,
                parent TEXT,
                operation_key TEXT,
                document TEXT NOT NULL,
                created_at REAL NOT NULL
            );
            CREATE INDEX IF NOT EXISTS {table}_by_kind ON {table} (account, kind, created_at);
            CREATE INDEX IF NOT EXISTS {table}_by_parent ON {table} (parent);
            CREATE INDEX IF NOT EXISTS {table}_by_operation ON {table} (operation_key);
            """
        )

    def add(self, thing: Thing[KindT]) -> None:
        """Insert an object."""
        row = {name: getattr(thing, name) for name in ("id", "account", "kind", "parent", "operation_key")}
        row |= {"document": json.dumps(thing.document), "created_at": thing.created_at}
        self._store.insert(self._table, row)

    def save(self, thing: Thing[KindT]) -> None:
        """Write back the document."""
        self._store.run(f"UPDATE {self._table} SET document = ? WHERE id = ?", json.dumps(thing.document), thing.id)  # noqa: S608

    def delete(self, thing: Thing[KindT]) -> None:
        """Remove an object."""
        self._store.run(f"DELETE FROM {self._table} WHERE id = ?", thing.id)  # noqa: S608

    def any(self, object_id: str) -> Thing[KindT] | None:
        """Find an object, of any account and kind."""
        return self._first("WHERE id = ?", object_id)

    def get(self, account: str, kind: KindT, object_id: str) -> Thing[KindT] | None:
        """Find an object of an account."""
        return self._first("WHERE id = ? AND account = ? AND kind = ?", object_id, account, kind)

    def of_operation(self, key: str) -> Thing[KindT] | None:
        """Find the first object of an operation of the engine."""
        return self._first("WHERE operation_key = ? ORDER BY rowid", key)

    def all(self, account: str, kind: KindT) -> list[Thing[KindT]]:
        """Return every object of a kind, newest first."""
        return self._select("WHERE account = ? AND kind = ? ORDER BY rowid DESC", account, kind)

    def _first(self, conditions: str, *given: object) -> Thing[KindT] | None:
        return next(iter(self._select(f"{conditions} LIMIT 1", *given)), None)

    def _select(self, conditions: str, *given: object) -> list[Thing[KindT]]:
        return list(self._read(self._store.all(f"SELECT * FROM {self._table} {conditions}", *given)))  # noqa: S608

    def _read(self, rows: Iterable[dict[str, Any]]) -> Iterable[Thing[KindT]]:
        for row in rows:
            yield Thing(**{**row, "kind": self._kinds(row["kind"]), "document": json.loads(row["document"])})


def unused_key(records: Records, wanted: str) -> str:
    """Return an engine key that is not in use: the wanted one if it is free, so that the journal has it.

    It may be in use: a gateway's keys belong to an account, expire, and may be sent again after a decline.
    """
    key, number = wanted, 1
    while records.operation(key) is not None:
        number += 1
        key = f"{wanted}#{number}"
    return key
