"""The stand-in's own storage: Square's objects, and the use of idempotency keys."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from clearway.simulator.facades import things
from clearway.simulator.store import Store

SCHEMA: Final = """
CREATE INDEX IF NOT EXISTS square_objects_due ON square_objects (json_extract(document, '$.due_at'));
CREATE TABLE IF NOT EXISTS square_keys (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    object_id TEXT NOT NULL,
    refusal TEXT,
    created_at REAL NOT NULL,
    PRIMARY KEY (account, name, key)
);
"""
_LETTERS: Final = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class Kind(StrEnum):
    """The kinds of stored objects."""

    PAYMENT = "payment"
    REFUND = "refund"
    SUBSCRIPTION = "subscription"


Thing = things.Thing[Kind]
"""parent: the payment of a refund."""


@dataclass(frozen=True, slots=True)
class Used:
    """The stored use of a key. refusal: the errors of a payment that was declined."""

    fingerprint: str
    object_id: str
    refusal: dict[str, Any] | None = None


class Books(things.Things[Kind]):
    """Reads and writes of Square's objects and of keys."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, "square_objects", Kind)
        store.add_schema(SCHEMA)

    def children(self, payment_id: str) -> list[Thing]:
        """Return the refunds of a payment, oldest first."""
        return self._select("WHERE parent = ? AND kind = ? ORDER BY rowid", payment_id, Kind.REFUND)

    def of_payment(self, reference: str) -> Thing | None:
        """Return the payment behind which the engine has this payment."""
        return self._first(
            "WHERE kind = 'payment' AND operation_key ="
            " (SELECT key FROM operations WHERE reference = ? AND kind = 'payment')",
            reference,
        )

    def due(self, now: float) -> list[Thing]:
        """Return the payments whose delay is over."""
        return self._select("WHERE json_extract(document, '$.due_at') <= ? ORDER BY rowid", now)

    def next_due_at(self) -> float | None:
        """Return when the next delay is over."""
        query = "SELECT min(json_extract(document, '$.due_at')) AS at FROM square_objects"
        row = self._store.one(f"{query} WHERE json_extract(document, '$.due_at') IS NOT NULL")
        return row["at"] if row else None

    def use_of(self, account: str, name: str, key: str) -> Used | None:
        """Return the stored use of a key for one kind of request."""
        query = "SELECT fingerprint, object_id, refusal FROM square_keys WHERE account = ? AND name = ? AND key = ?"
        row = self._store.one(query, account, name, key)
        if row is None:
            return None
        return Used(row["fingerprint"], row["object_id"], json.loads(row["refusal"]) if row["refusal"] else None)

    def remember(self, account: str, name: str, key: str, used: Used, at: float) -> None:
        """Store the use of a key."""
        refusal = json.dumps(used.refusal) if used.refusal else None
        row = {"account": account, "name": name, "key": key, "fingerprint": used.fingerprint}
        self._store.insert("square_keys", row | {"object_id": used.object_id, "refusal": refusal, "created_at": at})

    def forget(self, account: str, name: str, key: str) -> None:
        """Forget a key, so that a request with it is a new one."""
        self._store.run("DELETE FROM square_keys WHERE account = ? AND name = ? AND key = ?", account, name, key)


def new_id(length: int = 30) -> str:
    """Return an id in the form of Square's."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
