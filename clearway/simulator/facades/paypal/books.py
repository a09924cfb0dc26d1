"""The stand-in's own storage: PayPal's objects, tokens, request ids and its key."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from clearway.simulator.facades import things
from clearway.simulator.store import Store

SCHEMA: Final = """
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


ID_LETTERS: Final = "0123456789ABCDEFGHJKLMNPRSTUVWXY"


class Kind(StrEnum):
    """The kinds of stored objects."""

    ORDER = "order"
    AUTHORIZATION = "authorization"
    CAPTURE = "capture"
    REFUND = "refund"
    WEBHOOK = "webhook"
    EVENT = "event"


Thing = things.Thing[Kind]
"""parent: the order of an authorization, capture or refund."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The stored use of a request id."""

    fingerprint: str
    object_id: str


class Books(things.Things[Kind]):
    """Reads and writes of PayPal's objects, tokens, request ids and its key."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, "paypal_objects", Kind)
        store.add_schema(SCHEMA)

    def children(self, order_id: str, kind: Kind) -> list[Thing]:
        """Return the objects of an order, oldest first."""
        return self._select("WHERE parent = ? AND kind = ? ORDER BY rowid", order_id, kind)

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
    return "".join(secrets.choice(ID_LETTERS) for _ in range(17))
