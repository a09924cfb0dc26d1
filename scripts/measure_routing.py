"""Measures what CPU a routing decision costs: the worst case of many rules that do not fit and many gateways.

`python -m scripts.measure_routing [--rules 200] [--gateways 50]`. The aim is less than 1 ms for a decision.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from clearway.domain.money import Money
from clearway.domain.payment import CaptureMethod, PaymentMethod
from clearway.domain.routing import Candidate, decide
from clearway.domain.routing_conditions import PaymentFacts
from clearway.domain.routing_program import Program, read_program

ROUNDS: Final = 2_000
SMALLEST: Final = 50


class Takes:
    """A gateway that can express a payment of at least 50 minor units."""

    def refusal(self, method: PaymentMethod, money: Money, capture_method: CaptureMethod) -> str | None:
        """Say why it cannot take such a payment, or None."""
        fits = money.amount_minor >= SMALLEST and method in PaymentMethod and capture_method in CaptureMethod
        return None if fits else f"it takes no {money}"


def gateway_id(number: int) -> str:
    """Return the id of a gateway."""
    return f"gw_{number:026d}"


def rule(number: int, gateways: int) -> dict[str, Any]:
    """Return a rule that asks four things, of which the last does not hold."""
    conditions = [
        {"field": "method", "is": "one_of", "value": ["card", "upi"]},
        {"field": "currency", "is": "one_of", "value": ["INR", "USD", "EUR"]},
        {"field": "amount", "is": "at_least", "value": 100, "currency": "INR"},
        {"field": "country", "is": "one_of", "value": ["AM", "GE"]},
    ]
    listed = [gateway_id((number + step) % gateways) for step in range(3)]
    return {
        "name": f"rule {number}",
        "statements": [{"conditions": conditions}],
        "output": {"type": "priority", "gateways": listed},
    }


def program(rules: int, gateways: int) -> Program:
    """Return a program whose rules all fail, and whose default splits among all gateways."""
    shares = [{"percent": 100, "gateways": [gateway_id(number) for number in range(gateways)]}]
    return read_program(
        {"rules": [rule(number, gateways) for number in range(rules)], "default": {"type": "split", "shares": shares}}
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What a routing decision costs.")
    parser.add_argument("--rules", type=int, default=200)
    parser.add_argument("--gateways", type=int, default=50)
    asked = parser.parse_args()
    made = program(asked.rules, asked.gateways)
    facts = PaymentFacts(
        payment_id="pay_0",
        method=PaymentMethod.CARD,
        currency="INR",
        amount_minor=50_000,
        capture_method=CaptureMethod.AUTOMATIC,
        at=datetime.now(UTC),
        country="IN",
    )
    candidates = [
        Candidate(gateway_id(number), "simulator", f"Gateway {number}", enabled=True, expresses=Takes())
        for number in range(asked.gateways)
    ]
    taken: list[float] = []
    for number in range(ROUNDS):
        each = replace(facts, payment_id=f"pay_{number}")
        started = time.thread_time()
        decide(made, 1, each, candidates).to_json()
        taken.append((time.thread_time() - started) * 1_000)
    p50, p99 = statistics.median(taken), statistics.quantiles(taken, n=100)[98]
    print(f"{asked.rules} rules, {asked.gateways} gateways: p50 {p50:.3f} ms, p99 {p99:.3f} ms of CPU")


if __name__ == "__main__":
    main()
