"""The simulator's payments, operations and effects as records, and the statements that read and write them.

No rule of payments is here (that is `engine`), and no HTTP.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from clearway.simulator.faults import OWN
from clearway.simulator.scenarios import Scenario
from clearway.simulator.store import Store


class Kind(StrEnum):
    """The kinds of operation, as the HTTP API calls them."""

    PAYMENT = "payment"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


class Status(StrEnum):
    """The status of an operation. Payments end authorized, captured, declined or canceled; others succeed or fail."""

    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    DECLINED = "declined"
    CANCELED = "canceled"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Effect(StrEnum):
    """The effects that the journal records."""

    AUTHORISED = "authorised"
    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDED = "refunded"
    REFUND_REVERSED = "refund_reversed"
    """A refund that had succeeded failed after all: the money is back with the merchant."""


DUE_MAX: Final = 100
SIMULATOR: Final = OWN
"""The channel of what was asked through the simulator's own API. A facade has a channel of its own."""
OPEN: Final = (Status.PROCESSING, Status.REQUIRES_ACTION)


@dataclass(slots=True)
class Payment:
    """One payment: the request, and the running totals in minor units. refunded: pending refunds included."""

    reference: str
    payment_id: str
    method: str
    instrument: str
    scenario: Scenario
    amount: int
    currency: str
    capture: str
    return_url: str | None
    description: str | None
    created_at: float
    channel: str = SIMULATOR
    account: str | None = None
    authorised: int = 0
    captured: int = 0
    voided: int = 0
    refunded: int = 0

    @property
    def open_authorisation(self) -> int:
        """The reserved amount that is neither captured nor released."""
        return self.authorised - self.captured - self.voided


@dataclass(slots=True)
class Operation:
    """One operation under one idempotency key.

    verdict: the failure it will end with once decided (None: it will succeed). decide_at: Unix time of the next
    decision, None when nothing is due. answer: the first answer's body, replayed for the same request.
    """

    key: str
    kind: Kind
    reference: str
    payment_reference: str
    payment_id: str
    fingerprint: str
    amount: int
    currency: str
    status: Status
    created_at: float
    updated_at: float
    failure: str | None = None
    verdict: str | None = None
    delay_s: float = 0.0
    decide_at: float | None = None
    answer: str | None = None


def iso(at: float) -> str:
    """Return Unix seconds as ISO 8601 in UTC."""
    return dt.datetime.fromtimestamp(at, tz=dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Records:
    """Reads and writes of one store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def add_payment(self, payment: Payment) -> None:
        """Insert a payment that has had no effect yet."""
        self.store.insert("payments", {**asdict(payment), "scenario": json.dumps(payment.scenario.to_json())})

    def payment(self, reference: str) -> Payment | None:
        """Find a payment by the simulator's own id."""
        row = self.store.one("SELECT * FROM payments WHERE reference = ?", reference)
        return Payment(**{**row, "scenario": Scenario.from_json(json.loads(row["scenario"]))}) if row else None

    def save_totals(self, payment: Payment) -> None:
        """Write the running totals back."""
        self.store.run(
            "UPDATE payments SET authorised = ?, captured = ?, voided = ?, refunded = ? WHERE reference = ?",
            payment.authorised,
            payment.captured,
            payment.voided,
            payment.refunded,
            payment.reference,
        )

    def add_operation(self, operation: Operation) -> None:
        """Insert an operation; the key is unique."""
        self.store.insert("operations", asdict(operation))

    def save_state(self, operation: Operation) -> None:
        """Update the changing columns of an operation."""
        self.store.run(
            "UPDATE operations SET status = ?, failure = ?, amount = ?, decide_at = ?, answer = ?, updated_at = ?"
            " WHERE key = ?",
            operation.status,
            operation.failure,
            operation.amount,
            operation.decide_at,
            operation.answer,
            operation.updated_at,
            operation.key,
        )

    def operation(self, key: str) -> Operation | None:
        """Find an operation by its idempotency key."""
        return _operation(self.store.one("SELECT * FROM operations WHERE key = ?", key))

    def payment_operation(self, reference: str) -> Operation | None:
        """Find the operation that made a payment."""
        return _operation(
            self.store.one("SELECT * FROM operations WHERE reference = ? AND kind = 'payment'", reference)
        )

    def changed_since(
        self, since: float, payment_id: str | None, account: str | None, after: int, limit: int
    ) -> list[tuple[int, Operation]]:
        """Return the operations of the simulator's own API in the order they were made, each with its number in it."""
        query = (
            "SELECT rowid AS number, * FROM operations WHERE updated_at >= ? AND rowid > ?"
            " AND (SELECT channel FROM payments WHERE reference = payment_reference) = ?"
        )
        given: list[object] = [since, after, SIMULATOR]
        if payment_id is not None:
            query += " AND payment_id = ?"
            given.append(payment_id)
        if account is not None:
            query += " AND (SELECT account FROM payments WHERE reference = payment_reference) = ?"
            given.append(account)
        found = []
        for row in self.store.all(query + " ORDER BY rowid LIMIT ?", *given, limit):
            number = int(row.pop("number"))
            operation = _operation(row)
            assert operation is not None
            found.append((number, operation))
        return found

    def due(self, now: float) -> list[Operation]:
        """Return what is to be decided by now, in order; a bounded number, so that requests are not delayed."""
        query = "SELECT * FROM operations WHERE decide_at <= ? ORDER BY decide_at LIMIT ?"
        rows = self.store.all(query, now, DUE_MAX)
        return [operation for row in rows if (operation := _operation(row))]

    def next_due_at(self) -> float | None:
        """Return when the next decision is due."""
        row = self.store.one("SELECT min(decide_at) AS at FROM operations WHERE decide_at IS NOT NULL")
        return row["at"] if row else None

    def add_effect(self, effect: Effect, operation: Operation, amount: int, at: float) -> None:
        """Append to the journal."""
        self.store.insert(
            "effects",
            {
                "type": effect,
                "payment_id": operation.payment_id,
                "payment_reference": operation.payment_reference,
                "operation_key": operation.key,
                "amount": amount,
                "currency": operation.currency,
                "occurred_at": iso(at),
            },
        )


def _operation(row: dict[str, object] | None) -> Operation | None:
    if row is None:
        return None
    typed = {**row, "kind": Kind(str(row["kind"])), "status": Status(str(row["status"]))}
    return Operation(**typed)  # type: ignore[arg-type]
