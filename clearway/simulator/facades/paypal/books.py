"""The stand-in's own storage, beside the engine's records: PayPal's objects, tokens, request ids and its key.

The tables are in the simulator's file, so that one transaction covers an object and its effect.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from clearway.simulator.store import Store

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS paypal_objects (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    parent TEXT,
    operation_key TEXT,
    document TEXT NOT NULL,
    created_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS paypal_objects_by_kind ON paypal_objects (account, kind);
CREATE INDEX IF NOT EXISTS paypal_objects_by_parent ON paypal_objects (parent);
CREATE INDEX IF NOT EXISTS paypal_objects_by_operation ON paypal_objects (operation_key);
CREATE INDEX IF NOT EXISTS paypal_objects_by_invoice ON paypal_objects (json_extract(document, '$.invoice_id'));
CREATE TABLE IF NOT EXISTS paypal_tokens (token TEXT PRIMARY KEY, account TEXT NOT NULL, expires_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS paypal_requests (
    account TEXT NOT NULL,
    request_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    object_id TEXT NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (account, request_id)
);
CREATE TABLE IF NOT EXISTS paypal_keys (name TEXT PRIMARY KEY, private_key TEXT NOT NULL, certificate TEXT NOT NULL);
"""


class Kind(StrEnum):
    """The kinds of stored objects."""

    ORDER = "order"
    AUTHORIZATION = "authorization"
    CAPTURE = "capture"
    REFUND = "refund"
    WEBHOOK = "webhook"
    EVENT = "event"


@dataclass(slots=True)
class Thing:
    """One object. parent: the order of an authorization, capture or refund. operation_key: the engine's operation."""

    id: str
    account: str
    kind: Kind
    document: dict[str, Any]
    created_at: float
    parent: str | None = None
    operation_key: str | None = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """The stored use of a request id."""

    fingerprint: str
    object_id: str


class Books:
    """Reads and writes of PayPal's objects."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.add_schema(SCHEMA)

    def add(self, thing: Thing) -> None:
        """Insert an object."""
        row = {name: getattr(thing, name) for name in ("id", "account", "kind", "parent", "operation_key")}
        row |= {"document": json.dumps(thing.document), "created_at": thing.created_at}
        self._store.insert("paypal_objects", row)

    def save(self, thing: Thing) -> None:
        """Write back the document."""
        self._store.run("UPDATE paypal_objects SET document = ? WHERE id = ?", json.dumps(thing.document), thing.id)

    def delete(self, thing: Thing) -> None:
        """Remove an object."""
        self._store.run("DELETE FROM paypal_objects WHERE id = ?", thing.id)

    def any(self, object_id: str) -> Thing | None:
        """Find an object, of any account and kind."""
        return _thing(self._store.one("SELECT * FROM paypal_objects WHERE id = ?", object_id))

    def get(self, account: str, kind: Kind, object_id: str) -> Thing | None:
        """Find an object of an account."""
        found = self.any(object_id)
        return found if found and (found.account, found.kind) == (account, kind) else None

    def of_operation(self, key: str) -> Thing | None:
        """Find the authorization, capture or refund of an operation of the engine."""
        query = "SELECT * FROM paypal_objects WHERE operation_key = ? ORDER BY rowid LIMIT 1"
        return _thing(self._store.one(query, key))

    def children(self, order_id: str, kind: Kind) -> list[Thing]:
        """Return the objects of an order, oldest first."""
        query = "SELECT * FROM paypal_objects WHERE parent = ? AND kind = ? ORDER BY rowid"
        return [thing for row in self._store.all(query, order_id, kind) if (thing := _thing(row))]

    def all(self, account: str, kind: Kind) -> list[Thing]:
        """Return every object of a kind, newest first."""
        query = "SELECT * FROM paypal_objects WHERE account = ? AND kind = ? ORDER BY rowid DESC"
        return [thing for row in self._store.all(query, account, kind) if (thing := _thing(row))]

    def has_paid(self, account: str, invoice_id: str) -> bool:
        """Return whether an account has an authorization, capture or refund with this invoice id."""
        query = (
            "SELECT 1 FROM paypal_objects WHERE json_extract(document, '$.invoice_id') = ? AND account = ?"
            " AND json_extract(document, '$.hidden') IS NULL LIMIT 1"
        )
        return self._store.one(query, invoice_id, account) is not None

    def add_token(self, account: str, expires_at: float) -> str:
        """Make an access token."""
        token = f"A21AA{secrets.token_urlsafe(48)}"
        self._store.insert("paypal_tokens", {"token": token, "account": account, "expires_at": expires_at})
        return token

    def account_of(self, token: str, now: float) -> str | None:
        """Return the account of a token; None for an unknown or expired one."""
        query = "SELECT account FROM paypal_tokens WHERE token = ? AND expires_at > ?"
        row = self._store.one(query, token, now)
        return str(row["account"]) if row else None

    def request(self, account: str, request_id: str, since: float) -> Remembered | None:
        """Return the stored use of a request id; one older than `since` is forgotten."""
        identity = (account, request_id)
        self._store.run(
            "DELETE FROM paypal_requests WHERE account = ? AND request_id = ? AND created_at < ?", *identity, since
        )
        query = "SELECT fingerprint, object_id FROM paypal_requests WHERE account = ? AND request_id = ?"
        row = self._store.one(query, *identity)
        return Remembered(**row) if row else None

    def remember(self, account: str, request_id: str, used: Remembered, at: float) -> None:
        """Store the use of a request id."""
        self._store.run(
            "INSERT INTO paypal_requests VALUES (?, ?, ?, ?, ?)",
            account,
            request_id,
            used.fingerprint,
            used.object_id,
            at,
        )

    def key(self) -> tuple[str, str] | None:
        """Return the private key of webhooks and its certificate, in PEM."""
        row = self._store.one("SELECT private_key, certificate FROM paypal_keys WHERE name = 'webhooks'")
        return (row["private_key"], row["certificate"]) if row else None

    def keep_key(self, private_key: str, certificate: str) -> None:
        """Store the private key of webhooks and its certificate."""
        self._store.run("INSERT INTO paypal_keys VALUES ('webhooks', ?, ?)", private_key, certificate)


def new_id() -> str:
    """Return an id in PayPal's form: 17 upper-case letters and digits."""
    return "".join(secrets.choice("0123456789ABCDEFGHJKLMNPRSTUVWXY") for _ in range(17))


def _thing(row: dict[str, object] | None) -> Thing | None:
    if row is None:
        return None
    return Thing(**{**row, "kind": Kind(str(row["kind"])), "document": json.loads(str(row["document"]))})
