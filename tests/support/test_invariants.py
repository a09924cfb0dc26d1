"""The invariants themselves: a sound stack passes, and each planted violation is found by the rule it breaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.attempt_invariants import ATTEMPT_RULES
from tests.support.evidence import Evidence, Record
from tests.support.invariants import RULES, charged_at_most_once, violations
from tests.support.quote_invariants import QUOTE_RULES

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
RECEIVER = "http://127.0.0.1:4000"


def effect(kind: str, amount: int, key: str = "pay_1:authorise:1") -> Record:
    """Describe one effect in the gateway's journal."""
    shared = {"payment_id": "pay_1", "payment_reference": "sim_1", "gateway": "simulator", "currency": "INR"}
    return {**shared, "type": kind, "operation_key": key, "amount": amount}


def attempt(number: int = 1, **values: Any) -> Record:
    """Describe an attempt of the payment; one that succeeded at the simulator, by default."""
    at = BEGINNING + timedelta(seconds=number)
    shared = {"id": f"pay_1:authorise:{number}", "payment_id": "pay_1", "merchant_id": "mer_1", "number": number}
    shared |= {"gateway": "simulator", "gateway_id": "gw_1", "status": "succeeded", "executed": None}
    return {**shared, "started_at": at, "ended_at": at + timedelta(seconds=1), **values}


def breaker_event(kind: str, number: int, at_s: float, failures: int = 10, **values: Any) -> Record:
    """Describe an event of the breaker of gw_1 after some seconds."""
    happened = event(f"gateway.breaker_{kind}", f"breaker authorise {number}", None, None)
    data = {"successes": 0, "failures": failures}
    happened |= {"payment_id": None, "subject_type": "gateway", "subject_id": "gw_1"}
    happened |= {"id": f"evt_breaker_{number}", "body": json.dumps({"data": data})}
    return happened | {"created_at": BEGINNING + timedelta(seconds=at_s), **values}


def has_failed_over(evidence: Evidence) -> None:
    """Describe a payment that was tried at PayPal first; PayPal's breaker opened and closed."""
    gone = attempt(1, gateway="paypal", gateway_id="gw_1", status="failed", executed="no")
    evidence.payment_attempts[:] = [gone, attempt(2, gateway_id="gw_2")]
    evidence.payments[0] |= {"gateway_id": "gw_2", "version": 2}
    evidence.events[1]["step"] = "2"
    failed = event("payment.attempt_failed", "1", "pending", "pending")
    evidence.events += [failed, breaker_event("opened", 1, 10), breaker_event("closed", 3, 60)]
    for happened in evidence.events[-3:]:
        delivery, sent, arrival = delivered(happened)
        evidence.deliveries.append(delivery)
        evidence.attempts.append(sent)
        evidence.received.append(arrival)
    evidence.breakers.append({"gateway_id": "gw_1", "operation": "authorise", "state": "closed"})
    for effect in evidence.journal[:2]:
        effect["operation_key"] = "pay_1:authorise:2"


def is_by_quote(evidence: Evidence) -> None:
    """Describe a payment of 5.00 INR for an order of 6.00 USD; the refund of 2.00 INR takes 2.40 USD back."""
    payable, position = "merchant/mer_1/payable", "merchant/mer_1/fx_position"
    for entry in evidence.ledger:
        entry["account"] = payable if entry["account"] == "payable" else entry["account"]
    settles = {"settlement_minor": 600, "settlement_currency": "USD"}
    evidence.orders[0] |= {"amount_minor": 600, "currency": "USD"}
    evidence.payments[0] |= {"quote_id": "fxq_1", "settlement_refunded_minor": 240, "currency": "INR", **settles}
    evidence.quotes.append({"id": "fxq_1", "presentment_minor": 500, "presentment_currency": "INR", **settles})
    for kind, inr, usd in (("fx_capture", 500, 600), ("fx_refund", -200, -240)):
        evidence.ledger += entries(kind, inr, payable, position)
        settled = entries(f"{kind} settlement", usd, position, payable)
        evidence.ledger += [entry | {"currency": "USD"} for entry in settled]


def elsewhere(kind: str) -> Record:
    """Describe an effect of the second attempt, at another gateway."""
    return effect(kind, 500, "pay_1:authorise:2") | {"payment_reference": "pi_2", "gateway": "stripe"}


def entries(kind: str, amount: int, debit: str, credit: str, refund_id: str | None = None) -> list[Record]:
    """Describe the two entries of one ledger transaction."""
    shared = {"transaction_id": kind, "kind": kind, "payment_id": "pay_1", "refund_id": refund_id, "currency": "INR"}
    return [
        {**shared, "line": 0, "account": debit, "amount_minor": amount},
        {**shared, "line": 1, "account": credit, "amount_minor": -amount},
    ]


def event(name: str, step: str, before: str | None, after: str, refund_id: str | None = None) -> Record:
    """Describe one event."""
    return {
        "id": f"evt_{name}",
        "type": name,
        "merchant_id": "mer_1",
        "payment_id": "pay_1",
        "subject_type": "refund" if refund_id else "payment",
        "subject_id": refund_id or "pay_1",
        "step": step,
        "from_status": before,
        "to_status": after,
        "actor": "system",
        "created_at": BEGINNING + timedelta(minutes=1),
    }


def delivered(happened: Record) -> tuple[Record, Record, Record]:
    """Describe the delivery of an event, its one attempt, and its arrival."""
    delivery = {
        "id": f"whd_{happened['id']}",
        "event_id": happened["id"],
        "endpoint_id": "whe_1",
        "event_type": happened["type"],
        "status": "delivered",
        "attempt_count": 1,
        "schedule_attempts": 1,
        "recovery_id": None,
        "created_at": happened["created_at"],
    }
    headers = {"webhook-id": happened["id"]}
    attempt = {"delivery_id": delivery["id"], "number": 1, "request_headers": headers, "response_status": 200}
    attempt |= {"trigger": "schedule"}
    arrival = {"event_id": happened["id"], "type": happened["type"], "signature_ok": True, "standard_ok": True}
    return delivery, attempt, arrival | {"headers": headers}


def sound() -> Evidence:
    """Return a stack at rest: 500 captured, 200 of it refunded, every event recorded and delivered."""
    payment = {"id": "pay_1", "order_id": "order_1", "status": "success", "version": 1, "amount_minor": 500}
    payment |= {"captured_minor": 500, "refunded_minor": 200, "refund_pending_minor": 0, "gateway_id": "gw_1"}
    payment |= {"merchant_id": "mer_1", "quote_id": None}
    refund = {"id": "rfnd_1", "payment_id": "pay_1", "status": "processed", "version": 1, "amount_minor": 200}
    endpoint = {"id": "whe_1", "merchant_id": "mer_1", "url": f"{RECEIVER}/webhooks", "event_types": []}
    endpoint |= {"status": "enabled", "deleted_at": None, "retry_intervals_s": None, "created_at": BEGINNING}
    events = [
        event("payment.created", "created", None, "pending"),
        event("payment.success", "1", "pending", "success"),
        event("refund.created", "created", None, "pending", "rfnd_1"),
        event("refund.processed", "1", "pending", "processed", "rfnd_1"),
    ]
    deliveries, attempts, received = zip(*(delivered(happened) for happened in events), strict=True)
    return Evidence(
        orders=[{"id": "order_1", "status": "paid"}],
        payments=[payment],
        payment_attempts=[attempt()],
        captures=[{"id": "cap_1", "payment_id": "pay_1", "amount_minor": 500}],
        refunds=[refund],
        ledger=[
            *entries("capture", 500, "gateway", "payable"),
            *entries("refund_reserved", 200, "payable", "transit", "rfnd_1"),
            *entries("refund_processed", 200, "transit", "gateway", "rfnd_1"),
        ],
        events=events,
        endpoints=[endpoint],
        deliveries=list(deliveries),
        attempts=list(attempts),
        journal=[
            effect("authorised", 500),
            effect("captured", 500),
            effect("refunded", 200, "rfnd_1:refund:1"),
        ],
        received=list(received),
        received_since=BEGINNING,
        receiver_url=RECEIVER,
    )


def change(where: str, index: int, **values: Any) -> Callable[[Evidence], None]:
    """Return what changes one record."""
    return lambda evidence: getattr(evidence, where)[index].update(values)


def add(where: str, record: Record) -> Callable[[Evidence], None]:
    """Return what adds a record."""
    return lambda evidence: getattr(evidence, where).append(record)


def drop(where: str, index: int = -1) -> Callable[[Evidence], None]:
    """Return what makes a record vanish."""
    return lambda evidence: getattr(evidence, where).pop(index)


PLANTED: list[tuple[str, str, Callable[[Evidence], None]]] = [
    ("a payment that never ends", "quiet", change("payments", 0, status="processing")),
    ("a refund that never ends", "quiet", change("refunds", 0, status="pending")),
    ("a delivery that never ends", "quiet", change("deliveries", 0, status="pending")),
    ("a gateway still at work", "quiet", lambda evidence: setattr(evidence, "gateway_undecided", 1)),
    ("a lost ledger entry", "books_balance", drop("ledger")),
    ("more captured than asked", "amounts_are_bounded", change("payments", 0, amount_minor=499)),
    ("more refunded than captured", "amounts_are_bounded", change("payments", 0, refunded_minor=501)),
    ("more promised than left", "amounts_are_bounded", change("payments", 0, refund_pending_minor=301)),
    ("a gateway that captures too much", "amounts_are_bounded", change("journal", 1, amount=501)),
    ("a gateway that refunds too much", "amounts_are_bounded", change("journal", 2, amount=501)),
    ("a second charge", "charged_at_most_once", add("journal", effect("authorised", 500, "pay_1:authorise:2"))),
    ("a second charge at another gateway", "charged_at_most_once", add("journal", elsewhere("authorised"))),
    ("a repeated capture", "charged_at_most_once", add("journal", effect("captured", 1))),
    ("a second refund", "charged_at_most_once", add("journal", effect("refunded", 1, "rfnd_1:refund:2"))),
    ("a capture nobody recorded", "captures_agree", drop("captures")),
    ("a capture nobody booked", "captures_agree", lambda evidence: evidence.ledger.__delitem__(slice(0, 2))),
    ("a capture the gateway denies", "captures_agree", change("journal", 1, amount=400)),
    ("money still held", "nothing_stays_held", change("journal", 0, amount=600)),
    ("a charge of a stranger", "nothing_stays_held", change("journal", 0, payment_id="pay_2")),
    ("a refund the gateway denies", "refunds_agree", drop("journal")),
    ("a refund nobody booked", "refunds_agree", lambda evidence: evidence.ledger.__delitem__(slice(4, 6))),
    ("a refund nobody recorded", "refunds_agree", drop("refunds")),
    ("a failed refund that was paid out", "refunds_agree", change("refunds", 0, status="failed")),
    ("a refund that is not on the payment", "refunds_agree", change("payments", 0, refunded_minor=0)),
    ("an order that is not paid", "orders_agree", change("orders", 0, status="attempted")),
    ("an order paid twice", "orders_agree", add("payments", sound().payments[0] | {"id": "pay_2"})),
    ("a second refund without a key", "refunds_agree", add("journal", effect("refunded", 1, "pay_1:refund:order_1"))),
    ("a status without an event", "changes_have_events", drop("events", 1)),
    ("a status with another event", "changes_have_events", change("events", 1, to_status="failed")),
    ("an event of another type", "changes_have_events", change("events", 1, type="payment.failed")),
    ("a gap in the story", "changes_have_events", change("events", 1, from_status="processing")),
    ("a refund without an event", "changes_have_events", drop("events", 3)),
    ("a missing delivery", "events_have_deliveries", drop("deliveries")),
    ("a lost attempt", "deliveries_end_as_scheduled", drop("attempts")),
    ("a failure before its time", "deliveries_end_as_scheduled", change("deliveries", 0, status="failed")),
    ("a delivery that was refused", "deliveries_end_as_scheduled", change("attempts", 0, response_status=500)),
    (
        "another webhook id",
        "deliveries_end_as_scheduled",
        change("attempts", 0, request_headers={"webhook-id": "evt_2"}),
    ),
    ("an event that never arrived", "receiver_got_everything", drop("received")),
    ("a wrong signature", "receiver_got_everything", change("received", 0, signature_ok=False)),
    ("an arrival of no event", "receiver_got_everything", change("received", 0, event_id="evt_2")),
    ("an arrival as another type", "receiver_got_everything", change("received", 0, type="payment.failed")),
]


def test_a_sound_stack_passes() -> None:
    """Where everything agrees, nothing is found."""
    assert violations(sound()) == []


@pytest.mark.parametrize(("rule", "plant"), [planted[1:] for planted in PLANTED], ids=[one[0] for one in PLANTED])
def test_a_planted_violation_is_found(rule: str, plant: Callable[[Evidence], None]) -> None:
    """The rule that the violation breaks says so."""
    evidence = deepcopy(sound())
    plant(evidence)
    assert any(found.startswith(f"{rule}: ") for found in violations(evidence)), violations(evidence)


def test_every_rule_was_seen_to_find_something() -> None:
    """No rule is there that could not be broken. Those of attempts and quotes have planted violations of their own."""
    rules = {rule.__name__ for rule in RULES} - {rule.__name__ for rule in (*ATTEMPT_RULES, *QUOTE_RULES)}
    assert {rule for _, rule, _ in PLANTED} == rules


def test_a_move_back_is_found() -> None:
    """A story that goes on after its end is not one, however well its steps fit together."""
    evidence = sound()
    evidence.payments[0] |= {"status": "failed", "version": 2}
    evidence.events.append(event("payment.failed", "2", "success", "failed"))
    assert "changes_have_events: pay_1 moved from success to failed" in violations(evidence)


def test_a_failed_delivery_has_had_its_whole_schedule() -> None:
    """Five attempts that nobody took are a failure in order; with a schedule of its own, as many as that says."""
    evidence = sound()
    first, refused = evidence.deliveries[0], evidence.attempts[0] | {"response_status": 500}
    evidence.attempts = [*evidence.attempts[1:], *(refused | {"number": number} for number in range(1, 6))]
    evidence.received = evidence.received[1:]
    first |= {"status": "failed", "attempt_count": 5, "schedule_attempts": 5}
    assert violations(evidence) == []
    evidence.endpoints[0]["retry_intervals_s"] = [1, 1]
    assert [found.partition(":")[0] for found in violations(evidence)] == ["deliveries_end_as_scheduled"]


def test_a_retry_by_hand_is_not_of_the_schedule() -> None:
    """A failed delivery that was sent once more by hand has its whole schedule beside it, and not one attempt less."""
    evidence = sound()
    first, refused = evidence.deliveries[0], evidence.attempts[0] | {"response_status": 500}
    by_hand = refused | {"number": 3, "trigger": "manual"}
    evidence.attempts = [*evidence.attempts[1:], *(refused | {"number": number} for number in (1, 2, 4, 5, 6)), by_hand]
    evidence.received = evidence.received[1:]
    first |= {"status": "failed", "attempt_count": 6, "schedule_attempts": 5}
    assert violations(evidence) == []
    by_hand["trigger"] = "schedule"
    assert [found.partition(":")[0] for found in violations(evidence)] == ["deliveries_end_as_scheduled"]


def test_what_is_under_review_may_differ_from_the_journal() -> None:
    """A payment that a person looks at is one whose journal is in doubt, and no violation."""
    evidence = sound()
    evidence.payments[0]["status"] = "needs_review"
    evidence.journal[1]["amount"] = 499
    assert not [found for found in violations(evidence) if found.startswith("captures_agree")]


def test_a_charge_that_was_released_before_the_next_one_counts_no_more() -> None:
    """An attempt that was aborted held money for a while; the customer is charged once."""
    evidence = sound()
    released = [elsewhere("authorised"), elsewhere("voided") | {"operation_key": "pay_1:close:2"}]
    evidence.journal = [*released, *evidence.journal]
    assert list(charged_at_most_once(evidence)) == []
    evidence.journal[1] |= {"amount": 499}
    assert list(charged_at_most_once(evidence)) == ["pay_1 was charged 2 times: stripe, simulator"]


def test_what_a_gateway_took_after_the_end_needs_a_review() -> None:
    """Money that the record does not have is a violation, unless a review of it is open."""
    evidence = deepcopy(sound())
    add("journal", effect("captured", 7, "pay_1:authorise:9"))(evidence)
    assert any(found.startswith("captures_agree") for found in violations(evidence))
    review = {"subject_id": "pay_1", "kind": "taken_after_end", "resolved_at": None}
    evidence.reviews.append(review)
    assert not any(found.startswith("captures_agree") for found in violations(evidence))
    review["resolved_at"] = BEGINNING
    assert any(found.startswith("captures_agree") for found in violations(evidence))
