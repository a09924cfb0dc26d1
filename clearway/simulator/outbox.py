"""Outbox of webhooks: written in the transaction of their change, with their faults.

`clocks.Courier` sends them. The channel of the payment decides what a webhook says and how it is signed: the
simulator's own API (`notices`), or a facade.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final, Protocol

from clearway.simulator.fault_kinds import FaultKind
from clearway.simulator.faults import Fault, FaultSwitches, Subject
from clearway.simulator.faults import Operation as FaultOperation
from clearway.simulator.records import Kind, Operation, Payment, Status
from clearway.simulator.store import Store

RETRY_WAITS_S: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300)
"""The waits after each failed attempt; about 24 minutes in all, then the webhook is given up."""

ANSWERED_WAIT_S: Final = 0.5
"""After what was decided in the answer to a request, the webhook says it again, and as with most gateways a little
later. A webhook that overtakes its own answer is a fault (`reordered_webhook`), not the rule."""

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
    channel: str
    receiver: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One webhook to send. receiver: its id in the channel, which gives the address."""

    event_id: str
    type: str
    body: str
    receiver: str = ""


class Channel(Protocol):
    """The webhooks of one API of the simulator."""

    def notices(self, operation: Operation, payment: Payment, at: float) -> Sequence[Notice]:
        """Return the webhooks about an operation as it is now. Runs in the transaction of the change."""

    def address(self, webhook: Webhook) -> str:
        """Return the URL to which a webhook is sent now."""

    def headers(self, webhook: Webhook, at: float) -> dict[str, str]:
        """Return the headers, the signature among them, with which a webhook is sent at a Unix time."""

    def method(self, webhook: Webhook) -> str:  # noqa: ARG002 - for channels whose receivers choose
        """Return the HTTP method. A GET has no body: what it says is in its address."""
        return "POST"

    def refusal(self, status: int, text: str) -> str | None:  # noqa: ARG002 - for gateways that expect a text
        """Return why an answer does not accept the webhook, or None."""
        return None if 200 <= status < 300 else f"status {status}"  # noqa: PLR2004 - the 2xx


def subject_of(operation: Operation, payment: Payment) -> Subject:
    """Return the subject of an existing operation for fault rules."""
    return Subject(
        operation=FAULT_OPERATIONS[operation.kind],
        key=operation.key,
        payment_id=operation.payment_id,
        method=payment.method,
        amount=operation.amount,
        instrument=payment.instrument,
        gateway=payment.channel,
        account=payment.account,
    )


class Outbox:
    """Writes and reads the webhooks of a store."""

    def __init__(self, store: Store, switches: FaultSwitches, channels: dict[str, Channel]) -> None:
        self._store = store
        self._switches = switches
        self.channels = channels

    def report(self, operation: Operation, payment: Payment, now: float) -> None:
        """Write the webhooks of a decided operation. Runs in the caller's transaction."""
        notices = self.channels[payment.channel].notices(operation, payment, operation.updated_at)
        magic = payment.scenario.fault if operation.kind is Kind.PAYMENT else None
        fault = self._switches.for_webhook(subject_of(operation, payment), magic)
        if fault is not None and fault.kind is FaultKind.NO_WEBHOOK:
            return
        due_at = now + (ANSWERED_WAIT_S if now <= operation.created_at else 0.0)
        late_s = fault.delay_s if fault and fault.kind is FaultKind.LATE_WEBHOOK else 0.0
        self.add(payment.channel, notices, due_at + late_s)
        if fault is not None:
            self._add_more(fault, notices, operation, payment, due_at)

    def add(self, channel: str, notices: Sequence[Notice], due_at: float) -> None:
        """Write webhooks that are due at a Unix time."""
        for notice in notices:
            self._store.insert("webhooks", {**asdict(notice), "channel": channel, "due_at": due_at})

    def due(self, now: float, but: set[int], limit: int) -> list[Webhook]:
        """Return up to `limit` webhooks that are due and not among `but`."""
        rows = self._store.all(
            "SELECT number, event_id, body, attempts, channel, receiver FROM webhooks"
            " WHERE due_at <= ? ORDER BY due_at, number LIMIT ?",
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

    def _add_more(
        self, fault: Fault, notices: Sequence[Notice], operation: Operation, payment: Payment, due_at: float
    ) -> None:
        if fault.kind is FaultKind.DUPLICATE_WEBHOOK:
            self.add(payment.channel, notices, due_at)
        elif fault.kind is FaultKind.REORDERED_WEBHOOK:
            before = replace(operation, status=Status.PROCESSING, failure=None, updated_at=operation.created_at)
            older = self.channels[payment.channel].notices(before, payment, operation.created_at)
            self.add(payment.channel, older, due_at + fault.delay_s)
