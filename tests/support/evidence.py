"""What every witness of a stack says: the database, the gateway's journal, and what the merchant received.

It only reads. `tests.support.invariants` judges.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from sqlalchemy import Select, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from clearway.db.tables import (
    captures,
    events,
    fx_quotes,
    gateway_breakers,
    ledger_entries,
    ledger_transactions,
    orders,
    payment_attempts,
    payments,
    refunds,
    reviews,
    webhook_attempts,
    webhook_deliveries,
    webhook_endpoints,
)

Record = dict[str, Any]
TABLES: Final[dict[str, Table]] = {
    "orders": orders,
    "payments": payments,
    "payment_attempts": payment_attempts,
    "breakers": gateway_breakers,
    "captures": captures,
    "refunds": refunds,
    "events": events,
    "endpoints": webhook_endpoints,
    "deliveries": webhook_deliveries,
    "attempts": webhook_attempts,
    "reviews": reviews,
    "quotes": fx_quotes,
}
_transaction = ledger_transactions.c
LEDGER: Final[Select[Any]] = select(
    ledger_entries, _transaction.kind, _transaction.reference, _transaction.payment_id, _transaction.refund_id
).join(ledger_transactions, _transaction.id == ledger_entries.c.transaction_id)
"""Every entry, with what its transaction says."""


@dataclass
class Evidence:
    """One moment of a stack. received: what the merchant got for events made from `received_since` on."""

    orders: list[Record] = field(default_factory=list)
    payments: list[Record] = field(default_factory=list)
    payment_attempts: list[Record] = field(default_factory=list)
    breakers: list[Record] = field(default_factory=list)
    captures: list[Record] = field(default_factory=list)
    refunds: list[Record] = field(default_factory=list)
    ledger: list[Record] = field(default_factory=list)
    """Every entry, with kind, reference, payment and refund of its transaction."""
    events: list[Record] = field(default_factory=list)
    endpoints: list[Record] = field(default_factory=list)
    deliveries: list[Record] = field(default_factory=list)
    attempts: list[Record] = field(default_factory=list)
    """Delivery attempts."""
    reviews: list[Record] = field(default_factory=list)
    """What gateways reported against the record, after the end of a payment or refund."""
    quotes: list[Record] = field(default_factory=list)
    journal: list[Record] = field(default_factory=list)
    """Every effect the gateway had."""
    received: list[Record] = field(default_factory=list)
    received_since: datetime = field(default_factory=lambda: datetime.now(UTC))
    receiver_url: str = ""
    forgotten_attempts: Counter[str] = field(default_factory=Counter)
    """By delivery: attempts of its schedule that a database put back to an earlier moment does not have on record."""
    gateway_undecided: int = 0
    """Operations and webhooks that the gateway still has to do something about."""


class Witnesses:
    """Asks the witnesses. The receiver forgets when it restarts, so what it says is kept here."""

    def __init__(self, database_url: str, simulator_url: str, receiver_url: str) -> None:
        self._engine = create_async_engine(database_url, pool_pre_ping=True, pool_size=2)
        self._http = httpx.AsyncClient(trust_env=False, timeout=10)
        self._simulator_url = simulator_url
        self._receiver_url = receiver_url
        self._received: dict[tuple[str, str, str], Record] = {}
        self._since = datetime.now(UTC)

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()
        await self._engine.dispose()

    async def begin(self) -> None:
        """Forget what was received so far; from now on everything counts."""
        (await self._http.post(f"{self._receiver_url}/behaviour", json={"mode": "ok"})).raise_for_status()
        (await self._http.delete(f"{self._receiver_url}/received")).raise_for_status()
        self._received.clear()
        self._since = datetime.now(UTC)

    async def collect(self) -> list[Record]:
        """Return what was received since `begin`; call it before the receiver is ended."""
        for item in (await self._http.get(f"{self._receiver_url}/received")).json():
            self._received[item["at"], item["event_id"], item["headers"].get("webhook-timestamp", "")] = item
        return list(self._received.values())

    async def evidence(self) -> Evidence:
        """Return what all of them say now."""
        evidence = Evidence(received_since=self._since, receiver_url=self._receiver_url)
        async with self._engine.connect() as connection:
            await read_database(connection, evidence)
        await read_gateway(self._http, self._simulator_url, evidence)
        evidence.received = await self.collect()
        return evidence


async def read_database(connection: AsyncConnection, evidence: Evidence) -> None:
    """Put what the database says into the evidence."""
    for name, table in TABLES.items():
        setattr(evidence, name, await _rows(connection, select(table)))
    evidence.ledger = await read_ledger(connection)


async def read_ledger(connection: AsyncConnection) -> list[Record]:
    """Return every entry of the ledger, with what its transaction says."""
    return await _rows(connection, LEDGER)


async def read_gateway(http: httpx.AsyncClient, url: str, evidence: Evidence) -> None:
    """Put the gateway's journal, and what it still has to do, into the evidence."""
    evidence.journal = (await http.get(f"{url}/journal")).raise_for_status().json()["effects"]
    health = (await http.get(f"{url}/health")).raise_for_status().json()
    evidence.gateway_undecided = health["pending_decisions"] + health["undelivered_webhooks"]


async def _rows(connection: AsyncConnection, query: Select[Any]) -> list[Record]:
    return [dict(row) for row in (await connection.execute(query)).mappings()]
