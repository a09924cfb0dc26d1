"""Attempts and circuit breakers, judged from outside: each payment is explained by its attempts.

Rules like those of `tests.support.invariants`: pure functions of the evidence that say in words what is wrong.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from clearway.domain.breaker import CALLS_MIN, FAILURE_PERCENT, OPEN_S, BreakerState
from clearway.domain.payment import UNDECIDED
from tests.support.evidence import Evidence, Record

AGREES: Final = {
    "pending": {"pending"},
    "requires_action": {"pending"},
    "processing": {"pending"},
    "authorized": {"succeeded"},
    "success": {"succeeded"},
    "retrying": {"failed"},
    "failed": {"failed", "succeeded"},
    "cancelled": {"cancelled", "succeeded", "failed"},
    "expired": {"cancelled", "succeeded"},
    "needs_review": {"pending", "unknown", "succeeded", "failed"},
}
"""What the last attempt of a payment may be. It stays as it ended when its payment is called off later."""
ANOTHER: Final = frozenset({"payment.attempt_failed", "payment.retried"})
"""Events with which another attempt begins: the payment is pending again."""
OPENED: Final = "gateway.breaker_opened"
CLOSED: Final = "gateway.breaker_closed"
DESCRIBED: Final = frozenset({"telcell", "idram", "fastshift", "ameriabank", "arca"})
"""The stand-ins of gateways that a document describes: their journal has their own numbers, not our keys."""
AGAIN: Final = "#"
"""A stand-in adds it to an operation key that was used before."""


def attempts_explain_payments(evidence: Evidence) -> Iterator[str]:
    """A payment is where its last attempt left it, and each attempt began after the one before it had failed."""
    of_payment = _by(evidence.payment_attempts, "payment_id")
    for payment in evidence.payments:
        attempts = _in_order(of_payment[payment["id"]])
        if [attempt["number"] for attempt in attempts] != list(range(1, len(attempts) + 1)) or not attempts:
            yield f"{payment['id']} has the attempts {[attempt['number'] for attempt in attempts]}"
            continue
        last = attempts[-1]
        if last["gateway_id"] != payment["gateway_id"]:
            yield f"{payment['id']} is at {payment['gateway_id']}, its last attempt at {last['gateway_id']}"
        if last["status"] not in AGREES[payment["status"]]:
            yield f"{payment['id']} is {payment['status']}, its last attempt {last['status']}"
        for before, after in itertools.pairwise(attempts):
            if before["ended_at"] is None or before["ended_at"] > after["started_at"]:
                yield f"{after['id']} began before {before['id']} had ended"


def is_move(moves: Mapping[Any, Any], event: Record) -> bool:
    """Return whether an event shows a move that its state machine has."""
    before, after = event["from_status"], event["to_status"]
    if event["type"] in ANOTHER:
        return bool(after == "pending" and before in {*UNDECIDED, "retrying"})
    return before is None or after is None or before == after or after in moves[before]


def failovers_were_safe(evidence: Evidence) -> Iterator[str]:
    """An attempt is followed by another only if it surely moved no money: by its row, and by the gateway's journal."""
    standing = _standing(evidence.journal)
    for attempts in _by(evidence.payment_attempts, "payment_id").values():
        for given_up in _in_order(attempts)[:-1]:
            if given_up["status"] != "failed" or given_up["executed"] not in {"no", "yes"}:
                yield f"{given_up['id']} was followed by another; it is {given_up['status']}, {given_up['executed']}"
            if standing.get(given_up["id"]):
                yield f"{given_up['id']} was followed by another, and holds {standing[given_up['id']]}"


def charges_are_of_attempts(evidence: Evidence) -> Iterator[str]:
    """Every charge in a gateway's journal is one of an attempt at that gateway."""
    known = {payment["id"] for payment in evidence.payments}
    attempts = {attempt["id"]: attempt for attempt in evidence.payment_attempts}
    described = {attempt["payment_id"] for attempt in evidence.payment_attempts if attempt["gateway"] == "custom"}
    for effect in evidence.journal:
        if effect["type"] != "authorised" or effect["payment_id"] not in known:
            continue
        if effect.get("gateway") in DESCRIBED:
            if effect["payment_id"] not in described:
                yield f"{effect['payment_id']} was charged at {effect['gateway']}, and has no attempt at such a gateway"
            continue
        attempt = attempts.get(_key_of(effect))
        if attempt is None:
            yield f"{effect['operation_key']} was charged at {effect['gateway']}, and is no attempt"
        elif attempt["gateway"] != effect["gateway"]:
            yield f"{attempt['id']} is an attempt at {attempt['gateway']}, and was charged at {effect['gateway']}"


def failovers_have_events(evidence: Evidence) -> Iterator[str]:
    """Each attempt that was followed by another has one event."""
    sent: defaultdict[str, int] = defaultdict(int)
    for event in evidence.events:
        sent[event["payment_id"] or ""] += event["type"] in ANOTHER
    for payment_id, attempts in _by(evidence.payment_attempts, "payment_id").items():
        if sent[payment_id] != len(attempts) - 1:
            yield f"{payment_id} has {len(attempts)} attempts, and {sent[payment_id]} events of further ones"


def breakers_have_events(evidence: Evidence) -> Iterator[str]:
    """The events of a breaker open and close it in turn, and it is as its last event says."""
    moves = _breaker_events(evidence)
    for (gateway_id, operation), events in moves.items():
        expected = [(OPENED, CLOSED)[number % 2] for number in range(len(events))]
        if [event["type"] for event in events] != expected:
            yield f"the breaker {operation} of {gateway_id} had the events {[event['type'] for event in events]}"
    for row in evidence.breakers:
        events = moves[row["gateway_id"], row["operation"]]
        is_closed = not events or events[-1]["type"] == CLOSED
        if is_closed is not (row["state"] == BreakerState.CLOSED.value):
            yield f"the breaker {row['operation']} of {row['gateway_id']} is {row['state']} after {len(events)} events"


def breakers_moved_with_reason(evidence: Evidence) -> Iterator[str]:
    """A breaker opens after enough calls of which enough failed, and closes after its time, or by hand."""
    for (gateway_id, operation), events in _breaker_events(evidence).items():
        name = f"the breaker {operation} of {gateway_id}"
        opened_at = None
        for event in events:
            if event["type"] == OPENED:
                opened_at = event["created_at"]
                data = json.loads(event["body"])["data"]
                calls = data["successes"] + data["failures"]
                if calls < CALLS_MIN or data["failures"] * 100 < calls * FAILURE_PERCENT:
                    yield f"{name} opened after {data['failures']} failures of {calls} calls"
            elif opened_at is not None and event["actor"] == "system":
                stayed_s = (event["created_at"] - opened_at).total_seconds()
                if stayed_s < OPEN_S:
                    yield f"{name} closed by itself after {stayed_s:.0f} s"


ATTEMPT_RULES: Final = (
    attempts_explain_payments,
    failovers_were_safe,
    charges_are_of_attempts,
    failovers_have_events,
    breakers_have_events,
    breakers_moved_with_reason,
)


def _breaker_events(evidence: Evidence) -> defaultdict[tuple[str, str], list[Record]]:
    found: defaultdict[tuple[str, str], list[Record]] = defaultdict(list)
    for event in sorted(evidence.events, key=_step):
        if event["type"] in {OPENED, CLOSED}:
            found[event["subject_id"], event["step"].split()[1]].append(event)
    return found


def _step(event: Record) -> int:
    """Return the number of a breaker's step, `breaker authorise 3`; events of others stay in their order."""
    return int(event["step"].split()[2]) if event["type"] in {OPENED, CLOSED} else 0


def _standing(journal: Iterable[Record]) -> dict[str, int]:
    """Return what is reserved or taken under each operation key, less what was released."""
    key_of: dict[str, str] = {}
    standing: defaultdict[str, int] = defaultdict(int)
    for effect in journal:
        if effect["type"] == "authorised":
            key_of[effect["payment_reference"]] = _key_of(effect)
            standing[_key_of(effect)] += effect["amount"]
        elif effect["type"] == "voided" and effect["payment_reference"] in key_of:
            standing[key_of[effect["payment_reference"]]] -= effect["amount"]
    return standing


def _key_of(effect: Record) -> str:
    return str(effect["operation_key"]).partition(AGAIN)[0]


def _in_order(attempts: Iterable[Record]) -> list[Record]:
    return sorted(attempts, key=lambda attempt: int(attempt["number"]))


def _by(records: Iterable[Record], name: str) -> defaultdict[Any, list[Record]]:
    groups: defaultdict[Any, list[Record]] = defaultdict(list)
    for record in records:
        groups[record[name]].append(record)
    return groups
