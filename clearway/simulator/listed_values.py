"""The values with a fixed result as a list for people, made of the tables that decide (`scenarios`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from clearway.simulator.failures import MESSAGES
from clearway.simulator.fault_kinds import WORDS
from clearway.simulator.scenarios import (
    BANKS,
    CARDS,
    UPI_AMOUNTS,
    VPAS,
    WALLETS,
    Challenge,
    Outcome,
    RefundCourse,
    Scenario,
)

RESULTS: Final = {Outcome.APPROVE: "approved", Outcome.DECLINE: "declined", Outcome.NEVER: "pending"}
REFUNDS: Final = {
    RefundCourse.PENDING: "Its refunds are pending first, then succeed.",
    RefundCourse.REVERSED: "Its refunds succeed and come back afterwards.",
    RefundCourse.FAILED: "Its refunds fail.",
}


@dataclass(frozen=True, slots=True)
class ListedValue:
    """One value. field: what holds it in a payment, `card`, `vpa`, `amount` (INR), `bank` or `wallet`.

    needs_customer: a page comes first. note: what else happens, for people.
    """

    method: str
    field: str
    value: str
    result: str
    needs_customer: bool
    note: str


def listed_values() -> Iterator[ListedValue]:
    """Yield every value, by method."""
    yield from (_of("card", "card", number, scenario) for number, scenario in CARDS.items())
    yield from (_of("upi", "vpa", vpa, scenario) for vpa, scenario in VPAS.items())
    yield from (_of("upi", "amount", str(amount), scenario) for amount, scenario in UPI_AMOUNTS.items())
    yield from (_of("netbanking", "bank", code, scenario) for code, scenario in BANKS.items())
    yield from (_of("wallet", "wallet", code, scenario) for code, scenario in WALLETS.items())


def _of(method: str, field: str, value: str, scenario: Scenario) -> ListedValue:
    notes = [
        MESSAGES[scenario.failure] if scenario.failure else "",
        REFUNDS.get(scenario.refund, ""),
        WORDS[scenario.fault] if scenario.fault else "",
        f"Refund: {WORDS[scenario.refund_fault]}" if scenario.refund_fault else "",
    ]
    needs_customer = scenario.challenge is not Challenge.NONE
    note = " ".join(each for each in notes if each)
    return ListedValue(method, field, value, RESULTS[scenario.outcome], needs_customer, note)
