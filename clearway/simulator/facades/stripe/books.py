"""The stand-in's own storage, beside the engine's records: Stripe's objects as documents, and stored answers.

The tables are in the simulator's file, so that one transaction covers an object and its effect.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from clearway.simulator.store import Store

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS stripe_objects (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    parent TEXT,
    operation_key TEXT,
    document TEXT NOT NULL,
    created_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS stripe_objects_by_kind ON stripe_objects (account, kind, created_at);
CREATE INDEX IF NOT EXISTS stripe_objects_by_parent ON stripe_objects (parent);
CREATE INDEX IF NOT EXISTS stripe_objects_by_operation ON stripe_objects (operation_key);
CREATE TABLE IF NOT EXISTS stripe_answers (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    request_id TEXT NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (account, key)
);
"""


class Kind(StrEnum):
    """The kinds of stored objects, by Stripe's names."""

    INTENT = "payment_intent"
    CHARGE = "charge"
    REFUND = "refund"
    METHOD = "payment_method"
    TOKEN = "token"  # noqa: S105 - the name of an object
    EVENT = "event"
    ENDPOINT = "webhook_endpoint"


@dataclass(slots=True)
class Thing:
    """One object. parent: the intent of a charge or refund. operation_key: the engine's operation behind it."""

    id: str
    account: str
    kind: Kind
    document: dict[str, Any]
    created_at: float
    parent: str | None = None
    operation_key: str | None = None


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer to a request with a key."""

    key: str
    fingerprint: str
    status: int
    body: str
    request_id: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """The query of a list. Moments are whole Unix seconds, both inclusive."""

    since: int = 0
    until: int = 2**40
    parent: str | None = None
    fields: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Fields of the document, each with the texts it may be."""


class Books:
    """Reads and writes of Stripe's objects and stored answers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.add_schema(SCHEMA)

    def add(self, thing: Thing) -> None:
        """Insert an object."""
        self._store.run(
            "INSERT INTO stripe_objects VALUES (?, ?, ?, ?, ?, ?, ?)",
            thing.id,
            thing.account,
            thing.kind,
            thing.parent,
            thing.operation_key,
            json.dumps(thing.document),
            thing.created_at,
        )

    def save(self, thing: Thing) -> None:
        """Write back the document."""
        self._store.run("UPDATE stripe_objects SET document = ? WHERE id = ?", json.dumps(thing.document), thing.id)

    def get(self, account: str, kind: Kind, object_id: str) -> Thing | None:
        """Find an object of an account."""
        query = "SELECT * FROM stripe_objects WHERE id = ? AND account = ? AND kind = ?"
        return _thing(self._store.one(query, object_id, account, kind))

    def any(self, object_id: str) -> Thing | None:
        """Find an object, of any account and kind."""
        return _thing(self._store.one("SELECT * FROM stripe_objects WHERE id = ?", object_id))

    def of_operation(self, key: str) -> Thing | None:
        """Find the charge or refund of an operation of the engine."""
        return _thing(self._store.one("SELECT * FROM stripe_objects WHERE operation_key = ?", key))

    def page(
        self, account: str, kind: Kind, wanted: Wanted, limit: int, *, after: str | None, before: str | None
    ) -> tuple[list[Thing], bool]:
        """Return a page of a list, newest first, and whether there are more in that direction."""
        conditions = ["account = ?", "kind = ?", "CAST(created_at AS INTEGER) BETWEEN ? AND ?"]
        given: list[object] = [account, kind, wanted.since, wanted.until]
        if wanted.parent is not None:
            conditions.append("parent = ?")
            given.append(wanted.parent)
        for name, values in wanted.fields:
            conditions.append(f"json_extract(document, ?) IN ({', '.join('?' for _ in values)})")
            given += [f"$.{name}", *values]
        for bound, sign in ((after, "<"), (before, ">")):
            if bound is not None:
                conditions.append(f"rowid {sign} (SELECT rowid FROM stripe_objects WHERE id = ?)")  # noqa: S608 - one of two signs
                given.append(bound)
        order = "ASC" if before is not None else "DESC"
        query = f"SELECT * FROM stripe_objects WHERE {' AND '.join(conditions)} ORDER BY rowid {order} LIMIT ?"  # noqa: S608 - values are parameters
        found = [thing for row in self._store.all(query, *given, limit + 1) if (thing := _thing(row))]
        page = found[:limit]
        return (page[::-1] if before is not None else page), len(found) > limit

    def all(self, account: str, kind: Kind) -> list[Thing]:
        """Return every object of a kind, newest first."""
        query = "SELECT * FROM stripe_objects WHERE account = ? AND kind = ? ORDER BY rowid DESC"
        return [thing for row in self._store.all(query, account, kind) if (thing := _thing(row))]

    def delete(self, thing: Thing) -> None:
        """Remove an object."""
        self._store.run("DELETE FROM stripe_objects WHERE id = ?", thing.id)

    def answer(self, account: str, key: str, since: float) -> StoredAnswer | None:
        """Find the stored answer to a key; one stored before `since` is forgotten."""
        self._store.run(
            "DELETE FROM stripe_answers WHERE account = ? AND key = ? AND created_at < ?", account, key, since
        )
        query = "SELECT key, fingerprint, status, body, request_id, created_at FROM stripe_answers"
        row = self._store.one(f"{query} WHERE account = ? AND key = ?", account, key)
        return StoredAnswer(**row) if row else None

    def store(self, account: str, answer: StoredAnswer) -> None:
        """Store the first answer to a key."""
        self._store.run(
            "INSERT INTO stripe_answers VALUES (?, ?, ?, ?, ?, ?, ?)",
            account,
            answer.key,
            answer.fingerprint,
            answer.status,
            answer.body,
            answer.request_id,
            answer.created_at,
        )


def _thing(row: dict[str, Any] | None) -> Thing | None:
    if row is None:
        return None
    return Thing(**{**row, "kind": Kind(row["kind"]), "document": json.loads(row["document"])})
