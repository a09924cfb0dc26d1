"""Webhooks waiting to be sent: written in the transaction of the change they tell of, with the faults they will meet.

`clocks.Courier` sends them. The form is that of Standard Webhooks: an event has one id, the same on every attempt.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from typing import Any, Final

from clearway.simulator.fault_kinds import FaultKind
from clearway.simulator.faults import Fault, FaultSwitches, Subject
from clearway.simulator.faults import Operation as FaultOperation
from clearway.simulator.records import Kind, Operation, Payment, Status, iso
from clearway.simulator.store import Store
from clearway.simulator.wire import operation_body

RETRY_WAITS_S: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300)
"""The waits after each failed attempt; about 24 minutes in all, then the webhook is given up."""

ANSWERED_WAIT_S: Final = 0.5
"""After what was decided in the answer to a request, the webhook says it again, and as with most gateways a little
later. A webhook that overtakes its own answer is a fault (`reordered_webhook`), not the custom."""

FAULT_OPERATIONS: Final = {
    Kind.PAYMENT: FaultOperation.AUTHORISE,
    Kind.CAPTURE: FaultOperation.CAPTURE,
    Kind.VOID: FaultOperation.VOID,
    Kind.REFUND: FaultOperation.REFUND,
}


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook that is due."""

    number: int
    event_id: str
    body: str
    attempts: int


def subject_of(operation: Operation, payment: Payment) -> Subject:
    """Return what fault rules match of an existing operation."""
    return Subject(
        operation=FAULT_OPERATIONS[operation.kind],
        key=operation.key,
        payment_id=operation.payment_id,
        method=payment.method,
        amount=operation.amount,
        instrument=payment.instrument,
    )


class Outbox:
    """Writes and reads the webhooks of a store."""

    def __init__(self, store: Store, switches: FaultSwitches, public_url: str) -> None:
        self._store = store
        self._switches = switches
        self._public_url = public_url

    def tell(self, operation: Operation, payment: Payment, now: float) -> None:
        """Write the news of an operation that was just decided. Runs in the caller's transaction."""
        magic = payment.scenario.fault if operation.kind is Kind.PAYMENT else None
        fault = self._switches.for_webhook(subject_of(operation, payment), magic)
        if fault is not None and fault.kind is FaultKind.NO_WEBHOOK:
            return
        event = self._event(operation, payment, operation.updated_at)
        due_at = now + (ANSWERED_WAIT_S if now <= operation.created_at else 0.0)
        self._add(event, due_at + (fault.delay_s if fault and fault.kind is FaultKind.LATE_WEBHOOK else 0.0))
        if fault is not None:
            self._add_more(fault, event, operation, payment, due_at)

    def due(self, now: float, but: set[int], limit: int) -> list[Webhook]:
        """Return up to `limit` webhooks that are due and not among `but`."""
        rows = self._store.all(
            "SELECT number, event_id, body, attempts FROM webhooks WHERE due_at <= ? ORDER BY due_at, number LIMIT ?",
            now,
            limit + len(but),
        )
        return [Webhook(**row) for row in rows if row["number"] not in but][:limit]

    def next_due_at(self, but: set[int]) -> float | None:
        """Return when the next webhook is due, those among `but` left out."""
        rows = self._store.all(
            "SELECT number, due_at FROM webhooks WHERE due_at IS NOT NULL ORDER BY due_at LIMIT ?", len(but) + 1
        )
        return next((row["due_at"] for row in rows if row["number"] not in but), None)

    def delivered(self, webhook: Webhook, now: float) -> None:
        """Note that the receiver answered 2xx."""
        self._store.run(
            "UPDATE webhooks SET due_at = NULL, delivered_at = ?, attempts = attempts + 1 WHERE number = ?",
            now,
            webhook.number,
        )

    def failed(self, webhook: Webhook, now: float) -> float | None:
        """Note a failed attempt; return the wait until the next, or None when it is given up."""
        wait_s = RETRY_WAITS_S[webhook.attempts] if webhook.attempts < len(RETRY_WAITS_S) else None
        self._store.run(
            "UPDATE webhooks SET due_at = ?, attempts = attempts + 1 WHERE number = ?",
            None if wait_s is None else now + wait_s,
            webhook.number,
        )
        return wait_s

    def _add(self, event: dict[str, Any], due_at: float) -> None:
        body = json.dumps(event, separators=(",", ":"))
        row = {"event_id": event["id"], "type": event["type"], "body": body, "due_at": due_at}
        self._store.insert("webhooks", row)

    def _add_more(
        self, fault: Fault, event: dict[str, Any], operation: Operation, payment: Payment, due_at: float
    ) -> None:
        if fault.kind is FaultKind.DUPLICATE_WEBHOOK:
            self._add(event, due_at)
        elif fault.kind is FaultKind.REORDERED_WEBHOOK:
            before = replace(operation, status=Status.PROCESSING, failure=None, updated_at=operation.created_at)
            self._add(self._event(before, payment, operation.created_at), due_at + fault.delay_s)

    def _event(self, operation: Operation, payment: Payment, at: float) -> dict[str, Any]:
        return {
            "id": f"sim_evt_{secrets.token_hex(12)}",
            "type": f"{operation.kind.value}.{operation.status.value}",
            "occurred_at": iso(at),
            "data": operation_body(operation, payment, self._public_url),
        }
