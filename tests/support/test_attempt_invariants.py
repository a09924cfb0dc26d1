"""The rules about attempts and breakers: a failover in order passes, and each planted violation is found."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.support.attempt_invariants import ATTEMPT_RULES
from tests.support.evidence import Evidence
from tests.support.invariants import violations
from tests.support.test_invariants import (
    add,
    breaker_event,
    change,
    drop,
    effect,
    event,
    has_failed_over,
    sound,
)


def move(index: int, **values: Any) -> Callable[[Evidence], None]:
    """Return what changes an event, counted from the end."""
    return change("events", index, **values)


def begin_early(evidence: Evidence) -> None:
    """The second attempt began while the first was still open."""
    evidence.payment_attempts[1]["started_at"] -= timedelta(seconds=2)


def charge_both(evidence: Evidence) -> None:
    """The attempt that was given up charged all the same."""
    charged = effect("authorised", 500) | {"payment_reference": "5O1", "gateway": "paypal"}
    evidence.journal.insert(0, charged)


def close_soon(evidence: Evidence) -> None:
    """The breaker closed by itself while it had to be open."""
    evidence.events[-1]["created_at"] -= timedelta(seconds=40)


PLANTED: Final[list[tuple[str, str, Callable[[Evidence], None]]]] = [
    ("a payment without an attempt", "attempts_explain_payments", lambda evidence: evidence.payment_attempts.clear()),
    ("an attempt that is missing", "attempts_explain_payments", drop("payment_attempts", 0)),
    ("a payment at another gateway", "attempts_explain_payments", change("payments", 0, gateway_id="gw_1")),
    ("an attempt that ended otherwise", "attempts_explain_payments", change("payment_attempts", 1, status="failed")),
    ("two attempts at once", "attempts_explain_payments", begin_early),
    ("an attempt left open", "attempts_explain_payments", change("payment_attempts", 0, ended_at=None)),
    ("a failover in doubt", "failovers_were_safe", change("payment_attempts", 0, executed="maybe")),
    ("a failover after a success", "failovers_were_safe", change("payment_attempts", 0, status="succeeded")),
    ("a failover after a charge", "failovers_were_safe", charge_both),
    ("a charge of no attempt", "charges_are_of_attempts", change("journal", 0, operation_key="pay_1:authorise:3")),
    ("a charge at another gateway", "charges_are_of_attempts", change("journal", 0, gateway="stripe")),
    ("a failover without an event", "failovers_have_events", drop("events", -3)),
    (
        "a failover with two events",
        "failovers_have_events",
        add("events", event("payment.attempt_failed", "2", None, None) | {"body": '{"data": {}}'}),
    ),
    ("a breaker that opened twice", "breakers_have_events", move(-1, type="gateway.breaker_opened")),
    ("a breaker that is not as its events say", "breakers_have_events", change("breakers", 0, state="open")),
    ("a closing without an opening", "breakers_have_events", drop("events", -2)),
    ("too few failures", "breakers_moved_with_reason", move(-2, body=breaker_event("opened", 1, 0, 9)["body"])),
    ("a closing before its time", "breakers_moved_with_reason", close_soon),
]


def failed_over() -> Evidence:
    """Return a stack at rest whose payment was tried at two gateways."""
    evidence = deepcopy(sound())
    has_failed_over(evidence)
    return evidence


def test_a_payment_that_failed_over_in_order_passes() -> None:
    """Where attempts, events, breakers and journal agree, nothing is found."""
    assert violations(failed_over()) == []


@pytest.mark.parametrize(("rule", "plant"), [planted[1:] for planted in PLANTED], ids=[one[0] for one in PLANTED])
def test_a_planted_violation_is_found(rule: str, plant: Callable[[Evidence], None]) -> None:
    """The rule that the violation breaks says so."""
    evidence = failed_over()
    plant(evidence)
    assert any(found.startswith(f"{rule}: ") for found in violations(evidence)), violations(evidence)


def test_every_rule_was_seen_to_find_something() -> None:
    """No rule is there that could not be broken."""
    assert {rule for _, rule, _ in PLANTED} == {rule.__name__ for rule in ATTEMPT_RULES}


def test_a_breaker_closed_by_hand_needs_no_time() -> None:
    """A merchant may close a breaker at once."""
    evidence = failed_over()
    close_soon(evidence)
    evidence.events[-1]["actor"] = "merchant"
    assert violations(evidence) == []


def test_an_attempt_that_was_aborted_holds_nothing() -> None:
    """What was reserved and released before the next attempt is no charge."""
    evidence = failed_over()
    charge_both(evidence)
    released = effect("voided", 500, "pay_1:close:1") | {"payment_reference": "5O1", "gateway": "paypal"}
    evidence.journal.insert(1, released)
    assert violations(evidence) == []
