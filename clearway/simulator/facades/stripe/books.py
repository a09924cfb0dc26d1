"""The stand-in's own storage: Stripe's objects, and the stored first answers to keys."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from clearway.simulator.facades import things
from clearway.simulator.store import Store

SCHEMA: Final = """
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


Thing = things.Thing[Kind]
"""parent: the intent of a charge or refund."""


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


class Books(things.Things[Kind]):
    """Reads and writes of Stripe's objects and stored answers."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, "stripe_objects", Kind)
        store.add_schema(SCHEMA)

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
        found = self._select(f"WHERE {' AND '.join(conditions)} ORDER BY rowid {order} LIMIT ?", *given, limit + 1)
        page = found[:limit]
        return (page[::-1] if before is not None else page), len(found) > limit

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
