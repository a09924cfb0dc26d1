"""Rules about what is recorded and received that the end-to-end tests do not have: receivers, tenants, the old ledger.

Pure functions of the case, as in `client_rules`.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from clearway.domain.events import delivery_body, instrument_at, personal_fields
from clearway.domain.payment import MOVES as PAYMENT_MOVES
from clearway.domain.refund import MOVES as REFUND_MOVES
from tests.fire.gauntlet.case import Case
from tests.fire.gauntlet.receivers import PATH, Arrival
from tests.support.attempt_invariants import is_move
from tests.support.evidence import Record


def ledger_only_grows(case: Case) -> Iterator[str]:
    """What stood in the ledger at a moment of the run stands in it at the end, unchanged."""
    now = {(entry["transaction_id"], entry["line"]): entry for entry in case.stack.ledger}
    for ledger in case.ledgers_before:
        for entry in ledger:
            place = (entry["transaction_id"], entry["line"])
            if now.get(place) != entry:
                yield f"entry {place} was {entry['amount_minor']} {entry['currency']} and was changed or deleted"


def charges_match(case: Case) -> Iterator[str]:
    """A payment that counts as authorised or paid was authorised in its own amount and currency."""
    authorised = defaultdict(list)
    for effect in case.stack.journal:
        if effect["type"] == "authorised":
            authorised[effect["payment_id"]].append((effect["amount"], effect["currency"]))
    for payment in case.stack.payments:
        wanted = [(payment["amount_minor"], payment["currency"])]
        if payment["status"] in {"authorized", "success"} and authorised[payment["id"]] != wanted:
            yield f"{payment['id']} of {wanted[0]} is {payment['status']}, authorised {authorised[payment['id']]}"


def moves_are_moves(case: Case) -> Iterator[str]:
    """No event of a payment or refund shows a move that the state machine does not have, and none moves back."""
    machines: dict[str, Mapping[Any, Any]] = {"payment": PAYMENT_MOVES, "refund": REFUND_MOVES}
    for event in case.stack.events:
        moves = machines.get(event["subject_type"])
        if moves is not None and not is_move(moves, event):
            yield f"{event['subject_id']} moved from {event['from_status']} to {event['to_status']}"


def deliveries_arrived(case: Case) -> Iterator[str]:
    """What is delivered was taken by its receiver, and each attempt that was answered was seen there."""
    arrivals = _by_delivery(case)
    answered: defaultdict[str, int] = defaultdict(int)
    for attempt in case.stack.attempts:
        if attempt["response_status"] is not None:
            answered[attempt["delivery_id"]] += 1
    for delivery in case.stack.deliveries:
        came = arrivals[delivery["endpoint_id"], delivery["event_id"]]
        name = f"{delivery['event_type']} {delivery['event_id']} to {delivery['endpoint_id']}"
        taken = any(arrival.answered in range(200, 300) for arrival in came)
        if delivery["status"] == "delivered" and not taken:
            yield f"{name} is delivered, and its receiver did not take it ({len(came)} arrivals)"
        if len(came) < answered[delivery["id"]]:
            yield f"{name} had {answered[delivery['id']]} attempts answered, and {len(came)} arrived"


def arrivals_are_events(case: Case) -> Iterator[str]:
    """Each webhook is a recorded event, byte for byte, signed, under its own id, at the endpoint it was sent to."""
    events = {event["id"]: event for event in case.stack.events}
    payments = {payment["id"]: payment for payment in case.stack.payments}
    digests = {
        event["id"]: hashlib.sha256(_sent_body(event, payments.get(event["subject_id"])).encode()).hexdigest()
        for event in case.stack.events
    }
    for arrival in case.arrivals:
        if arrival.path != PATH:
            yield f"{arrival.endpoint_id} was asked for {arrival.path}, where a redirect led"
        elif arrival.webhook_id not in events:
            yield f"{arrival.endpoint_id} got {arrival.webhook_id}, which is no event"
        elif arrival.digest != digests[arrival.webhook_id]:
            yield f"{arrival.endpoint_id} got {arrival.webhook_id} with other bytes than recorded"
        elif not arrival.verified:
            yield f"{arrival.endpoint_id} got {arrival.webhook_id} with a wrong signature"


def _sent_body(event: Record, payment: Record | None) -> str:
    """Return what is sent of an event: its body, with the personal fields that only the payment's row keeps."""
    if payment is None:
        return str(event["body"])
    instrument = instrument_at(event["step"], payment["instrument"], payment["former_instruments"])
    person = (payment[name] for name in ("customer", "notes", "forgotten_at"))
    return delivery_body(event["body"], personal_fields(instrument, *person))


def merchants_never_meet(case: Case) -> Iterator[str]:
    """What belongs together has one merchant, and a receiver gets events of its own merchant only."""
    owner = {
        row["id"]: row["merchant_id"]
        for table in (case.stack.orders, case.stack.payments, case.stack.events, case.stack.endpoints)
        for row in table
    }
    links = (
        (case.stack.payments, "order_id"),
        (case.stack.refunds, "payment_id"),
        (case.stack.captures, "payment_id"),
        (case.stack.events, "payment_id"),
        (case.stack.deliveries, "event_id"),
        (case.stack.deliveries, "endpoint_id"),
    )
    for table, name in links:
        for row in table:
            if row[name] is not None and owner.get(row[name]) != row["merchant_id"]:
                yield f"{row['id']} of {row['merchant_id']} has {row[name]} of {owner.get(row[name])}"
    for arrival in case.arrivals:
        if arrival.webhook_id in owner and owner[arrival.webhook_id] != owner.get(arrival.endpoint_id):
            yield f"{arrival.endpoint_id} got {arrival.webhook_id} of {owner[arrival.webhook_id]}"


def _by_delivery(case: Case) -> defaultdict[tuple[str, str], list[Arrival]]:
    groups: defaultdict[tuple[str, str], list[Arrival]] = defaultdict(list)
    for arrival in case.arrivals:
        groups[arrival.endpoint_id, arrival.webhook_id].append(arrival)
    return groups
