"""Measures what CPU a routing decision costs: the worst case of many rules that do not fit and many gateways.

The gateways are found by their configurations as for a payment, and the order is by success rate.

`python -m scripts.measure_routing [--rules 200] [--gateways 50]`. The aim is less than 1 ms for a decision.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from clearway.domain.gateway import GatewayConfig, GatewayKind
from clearway.domain.merchant import Mode
from clearway.domain.payment import CaptureMethod, PaymentMethod
from clearway.domain.routing import decide
from clearway.domain.routing_conditions import PaymentFacts
from clearway.domain.routing_program import Program, read_program
from clearway.domain.success_rate import Counted, Rates, SuccessRate, judged
from clearway.routing.candidates import candidates_of

ROUNDS: Final = 2_000
SLOT: Final = 1_000


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
        {
            "rules": [rule(number, gateways) for number in range(rules)],
            "default": {"type": "split", "shares": shares},
            "success_rate": {},
        }
    )


def configuration(number: int) -> GatewayConfig:
    """Return a gateway of the merchant."""
    name = f"Gateway {number}"
    return GatewayConfig(gateway_id(number), "mer_0", Mode.TEST, GatewayKind.SIMULATOR, name, True, 100, {}, (), 1)


def rates(gateways: int) -> Rates:
    """Return rates by which half of the gateways are put last."""
    counts = [Counted(gateway_id(each), "card", "INR", SLOT, 90 if each % 2 else 10, 10) for each in range(gateways)]
    return judged(SuccessRate(), counts, SLOT)


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
    configs, known = [configuration(number) for number in range(asked.gateways)], rates(asked.gateways)
    taken: list[float] = []
    for number in range(ROUNDS):
        each = replace(facts, payment_id=f"pay_{number}")
        started = time.thread_time()
        decide(made, 1, each, candidates_of(configs), known).to_json()
        taken.append((time.thread_time() - started) * 1_000)
    p50, p99 = statistics.median(taken), statistics.quantiles(taken, n=100)[98]
    print(f"{asked.rules} rules, {asked.gateways} gateways: p50 {p50:.3f} ms, p99 {p99:.3f} ms of CPU")


if __name__ == "__main__":
    main()
