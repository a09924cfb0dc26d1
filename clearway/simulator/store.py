"""The simulator's SQLite file: its schema, and transactions on it.

Everything is in this file before the simulator answers, so that kill -9 loses nothing: pending decisions,
undelivered webhooks, and above all the journal of effects, which triggers keep append-only. One process uses it, and
its calls are short enough (well under a millisecond) to be made on the event loop, which also serialises them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

LOCK_WAIT_S: Final = 1.0
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY,
    scenario TEXT NOT NULL,
    brand TEXT NOT NULL,
    last4 TEXT NOT NULL,
    exp_month INTEGER NOT NULL,
    exp_year INTEGER NOT NULL,
    created_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS payments (
    reference TEXT PRIMARY KEY,
    payment_id TEXT NOT NULL,
    method TEXT NOT NULL,
    instrument TEXT NOT NULL,
    scenario TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    capture TEXT NOT NULL,
    return_url TEXT,
    description TEXT,
    channel TEXT NOT NULL DEFAULT 'simulator',
    account TEXT,
    authorised INTEGER NOT NULL DEFAULT 0,
    captured INTEGER NOT NULL DEFAULT 0,
    voided INTEGER NOT NULL DEFAULT 0,
    refunded INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    CHECK (captured + voided <= authorised),
    CHECK (refunded <= captured)
);
CREATE INDEX IF NOT EXISTS payments_by_payment_id ON payments (payment_id);
CREATE TABLE IF NOT EXISTS operations (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    reference TEXT NOT NULL,
    payment_reference TEXT NOT NULL,
    payment_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    failure TEXT,
    verdict TEXT,
    delay_s REAL NOT NULL DEFAULT 0,
    decide_at REAL,
    answer TEXT,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS operations_due ON operations (decide_at) WHERE decide_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS operations_by_payment_id ON operations (payment_id);
CREATE INDEX IF NOT EXISTS operations_by_update ON operations (updated_at);
CREATE INDEX IF NOT EXISTS operations_by_reference ON operations (reference);
CREATE TABLE IF NOT EXISTS effects (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    type TEXT NOT NULL,
    payment_id TEXT NOT NULL,
    payment_reference TEXT NOT NULL,
    operation_key TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    occurred_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS effects_by_payment_id ON effects (payment_id);
CREATE INDEX IF NOT EXISTS effects_by_operation ON effects (operation_key);
CREATE VIEW IF NOT EXISTS effects_by_gateway AS
    SELECT effects.*, payments.channel AS gateway, payments.account AS account
    FROM effects JOIN payments ON payments.reference = effects.payment_reference;
CREATE TRIGGER IF NOT EXISTS effects_never_change BEFORE UPDATE ON effects
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS effects_never_vanish BEFORE DELETE ON effects
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TABLE IF NOT EXISTS webhooks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    channel TEXT NOT NULL,
    receiver TEXT NOT NULL,
    due_at REAL,
    attempts INTEGER NOT NULL DEFAULT 0,
    delivered_at REAL
);
CREATE INDEX IF NOT EXISTS webhooks_due ON webhooks (due_at) WHERE due_at IS NOT NULL;
"""


class StateInUseError(RuntimeError):
    """Another process holds the state file; the message names it and the next step."""


class Store:
    """One connection, used from one event loop."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=LOCK_WAIT_S, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._is_writing = False
        try:
            self._prepare()
        except sqlite3.OperationalError as error:
            self._connection.close()
            if "locked" in str(error):
                raise StateInUseError(
                    f"{path} is in use by another simulator; stop it or set SIMULATOR_STATE"
                ) from error
            raise

    def _prepare(self) -> None:
        # Two processes on one file would both make the due decisions. The lock ends with the process.
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._connection.execute("PRAGMA journal_mode = WAL")
        # NORMAL survives the death of the process at any moment; only a power cut could cost the newest transactions.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block writes, or nothing of it. One inside another is part of that. No await inside."""
        if self._is_writing:
            yield
            return
        self._connection.execute("BEGIN IMMEDIATE")
        self._is_writing = True
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        else:
            self._connection.execute("COMMIT")
        finally:
            self._is_writing = False

    def add_schema(self, statements: str) -> None:
        """Create the tables of a facade, if they are not there."""
        self._connection.executescript(statements)

    def all(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        return [dict(row) for row in self._connection.execute(query, parameters).fetchall()]

    def one(self, query: str, *parameters: object) -> dict[str, Any] | None:
        """Return the first row of a query, if there is one."""
        row = self._connection.execute(query, parameters).fetchone()
        return dict(row) if row is not None else None

    def run(self, statement: str, *parameters: object) -> None:
        """Run one statement."""
        self._connection.execute(statement, parameters)

    def insert(self, table: str, row: Mapping[str, object]) -> None:
        """Insert one row. Names of table and columns come from our code, never from a request."""
        places = ", ".join("?" for _ in row)
        self._connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", tuple(row.values()))  # noqa: S608

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
