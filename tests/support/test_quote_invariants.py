"""The rules about payments by quote: one in order passes, and each planted violation is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from tests.support.evidence import Evidence
from tests.support.invariants import violations
from tests.support.quote_invariants import QUOTE_RULES
from tests.support.test_invariants import change, drop, entries, is_by_quote, sound


def use_it_twice(evidence: Evidence) -> None:
    """Another payment has the same quote."""
    evidence.payments.append(evidence.payments[0] | {"id": "pay_2"})


def settle_too_little(evidence: Evidence) -> None:
    """The capture settled one cent less than the order's amount."""
    for entry in evidence.ledger:
        if entry["kind"] == "fx_capture settlement":
            entry["amount_minor"] += 1 if entry["amount_minor"] < 0 else -1


def refund_without_its_share(evidence: Evidence) -> None:
    """All is refunded, and the merchant keeps what it settled."""
    evidence.payments[0] |= {"captured_minor": 400, "refunded_minor": 400}


PLANTED: Final[list[tuple[str, str, Callable[[Evidence], None]]]] = [
    ("a quote used twice", "quotes_are_kept", use_it_twice),
    ("another amount than quoted", "quotes_are_kept", change("quotes", 0, presentment_minor=501)),
    ("another amount than ordered", "quotes_are_kept", change("orders", 0, amount_minor=601)),
    ("a capture that is not settled", "quotes_are_settled", drop("ledger", 9)),
    ("a cent too little", "quotes_are_settled", settle_too_little),
    ("a refund that takes nothing back", "quotes_are_settled", refund_without_its_share),
]


def by_quote() -> Evidence:
    """Return a stack at rest with a payment by quote."""
    evidence = sound()
    is_by_quote(evidence)
    return evidence


def test_a_payment_by_quote_breaks_no_rule() -> None:
    """Both currencies balance, and the merchant is owed the order's amount without the refund's share."""
    assert violations(by_quote()) == []


@pytest.mark.parametrize(
    ("rule", "plant"), [planted[1:] for planted in PLANTED], ids=[planted[0] for planted in PLANTED]
)
def test_a_planted_violation_is_found(rule: str, plant: Callable[[Evidence], None]) -> None:
    """What is wrong is found by its rule."""
    evidence = by_quote()
    plant(evidence)
    assert any(text.startswith(f"{rule}: ") for text in violations(evidence))


def test_every_rule_has_its_violation() -> None:
    """No rule is there that could not be broken."""
    assert {rule for _, rule, _ in PLANTED} == {rule.__name__ for rule in QUOTE_RULES}


def test_what_stays_in_the_customers_currency_is_found() -> None:
    """A capture whose exchange is booked twice leaves the merchant owing in the customer's currency."""
    evidence = by_quote()
    evidence.ledger += entries("fx_capture", 500, "merchant/mer_1/payable", "merchant/mer_1/fx_position")
    assert any("of the customer's" in text for text in violations(evidence))
