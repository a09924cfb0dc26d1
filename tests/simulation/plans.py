"""What happens in one story, chosen by a seed before it begins: the same seed always makes the same plan. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Final

AMOUNTS: Final = (100, 999, 50_000, 1_234_567)
INSTRUMENTS: Final = {
    "upi": (
        *("success@razorpay", "success@razorpay", "success@razorpay", "failure@razorpay", "pending@razorpay"),
        *("approve@clearway", "approve@clearway", "timeout@clearway", "dropped@clearway", "error500@clearway"),
        *("error503@clearway", "ratelimited@clearway", "malformed@clearway", "wrongamount@clearway"),
        *("unknown@clearway", "refundpending@clearway", "refundfails@clearway", "refunderror500@clearway"),
    ),
    "netbanking": ("SUCC", "FAIL", "PEND", "PAGE"),
    "wallet": ("success", "failure", "pending"),
}
OPERATIONS: Final = ("authorise", "capture", "void", "refund")
EXECUTED: Final = ("executed_then_timeout", "executed_then_dropped", "error_after_charge", "malformed", "wrong_amount")
REFUSED: Final = ("error_before", "dropped_before", "rate_limited")
BRIEF: Final = {"delay_s": 0.02, "retry_after_s": 2}
"""A gateway's slowness is real time, which no server skips."""


@dataclass(frozen=True)
class Step:
    """One thing that happens. kind: a method of `Story`; the rest are its arguments."""

    kind: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """One story. faults: in force from the beginning; lifted: whether they end before the story does."""

    seed: int
    payment: dict[str, Any]
    faults: tuple[dict[str, Any], ...]
    steps: tuple[Step, ...]
    lifted: bool


def plan_of(seed: int) -> Plan:
    """Return the plan that this seed makes."""
    chance = random.Random(seed)  # noqa: S311 - a plan is no secret
    amount_minor = chance.choice(AMOUNTS)
    method = chance.choices(tuple(INSTRUMENTS), weights=(8, 1, 1))[0]
    payment = {
        "amount_minor": amount_minor,
        "method": method,
        "instrument": chance.choice(INSTRUMENTS[method]),
        "capture_method": chance.choice(("automatic", "manual", "manual")),
    }
    faults = tuple(_fault(chance) for _ in range(chance.choice((0, 0, 1, 1, 2, 3))))
    steps = tuple(_step(chance, amount_minor) for _ in range(chance.randint(2, 9)))
    return Plan(seed, payment, faults, steps, lifted=chance.random() < 0.5)


def _fault(chance: random.Random) -> dict[str, Any]:
    if chance.random() < 0.25:
        kind = chance.choice(("not_found_yet", *REFUSED))
        return {"operation": "look_up", "fault": kind, "times": chance.choice((1, 2, 3, 8, None)), "retry_after_s": 2}
    rule = {"operation": chance.choice(OPERATIONS), "fault": chance.choice(EXECUTED + REFUSED)}
    return {**rule, "times": chance.choice((1, 1, 2, 3, None)), **BRIEF}


def _step(chance: random.Random, amount_minor: int) -> Step:
    part = chance.choice((None, amount_minor, amount_minor // 2, amount_minor // 3, 1, amount_minor + 1))
    some = chance.randint(0, 9)
    return chance.choices(
        (
            Step("wait", {"seconds": chance.choice((1, 4, 20, 90, 400, 2_000, 4_000))}),
            Step("capture", {"amount_minor": part}),
            Step("cancel"),
            Step("refund", {"amount_minor": part}),
            Step("customer", {"button": chance.choice(("complete", "complete", "fail", "cancel"))}),
            Step("learn"),
            Step("news", {"which": some, "times": chance.choice((1, 1, 2, 3))}),
            Step("false_news", {"which": some, "difference": chance.choice((-1, 1, 100)), "another_key": some < 5}),
            Step("start_again"),
        ),
        weights=(6, 5, 2, 4, 3, 3, 3, 1, 1),
    )[0]
