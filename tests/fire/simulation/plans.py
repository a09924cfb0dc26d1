"""What happens in one story, chosen by a seed before it begins: the same seed always makes the same plan. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Final

AMOUNTS: Final = (100, 999, 50_000, 1_234_567)
INSTRUMENTS: Final = {
    "upi": (
        *("success@razorpay", "success@razorpay", "success@razorpay", "failure@razorpay", "pending@razorpay"),
        *("approve@clearway", "approve@clearway", "dropped@clearway", "dropped@clearway", "error500@clearway"),
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
ANSWERS: Final = ("taken", "refused", "busy", "redirected", "garbage", "cut_off", "dropped")
"""What a merchant's endpoint does with a webhook: see `tests.fire.simulation.endpoint`. Only `taken` is a success."""
SLIPS: Final = ("refunded", "needs_review", "pending", "", None)
"""Outcomes that no operator may decide."""


@dataclass(frozen=True)
class Step:
    """One thing that happens. kind: a method of `Story`; the rest are its arguments."""

    kind: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """One story. faults: in force from the beginning; lifted: whether they end before the story does.

    answers: what the merchant's endpoint does with its first webhooks; the rest get the last of them.
    """

    seed: int
    payment: dict[str, Any]
    faults: tuple[dict[str, Any], ...]
    answers: tuple[str, ...]
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
        "capture_method": chance.choice(("automatic", "manual")),
    }
    return Plan(
        seed=seed,
        payment=payment,
        faults=_faults(chance),
        answers=_answers(chance),
        steps=(*(_step(chance, amount_minor) for _ in range(chance.randint(2, 9))), *_epilogue(chance, amount_minor)),
        lifted=chance.random() < 0.5,
    )


def _faults(chance: random.Random) -> tuple[dict[str, Any], ...]:
    """Mostly a few; sometimes the worst there is: something was done, and nobody can be asked what."""
    few = tuple(_fault(chance) for _ in range(chance.choice((0, 0, 1, 1, 2, 3))))
    if chance.random() < 0.8:
        return few
    done = {"operation": chance.choice(OPERATIONS), "fault": chance.choice(EXECUTED[:-1]), "times": 1, **BRIEF}
    silent = {"operation": "look_up", "fault": chance.choice(REFUSED), "retry_after_s": 2}
    return (done, silent)


def _fault(chance: random.Random) -> dict[str, Any]:
    if chance.random() < 0.25:
        kind = chance.choice(("not_found_yet", *REFUSED))
        return {"operation": "look_up", "fault": kind, "times": chance.choice((1, 2, 3, 8, None)), "retry_after_s": 2}
    rule = {"operation": chance.choice(OPERATIONS), "fault": chance.choice(EXECUTED + REFUSED)}
    return {**rule, "times": chance.choice((1, 1, 2, 3, None)), **BRIEF}


def _answers(chance: random.Random) -> tuple[str, ...]:
    """Mostly a good endpoint, often one with bad moments, sometimes one that never takes anything or goes away."""
    moments = tuple(chance.choice(ANSWERS) for _ in range(chance.randint(0, 8)))
    return chance.choices(
        (("taken",), (*moments, "taken"), (*moments, chance.choice(ANSWERS[1:])), (*moments, "gone")),
        weights=(4, 4, 1, 1),
    )[0]


def _epilogue(chance: random.Random, amount_minor: int) -> tuple[Step, ...]:
    """Half of the stories go on when all deadlines are over: a person clears up, and money goes back."""
    if chance.random() < 0.5:
        return ()
    long = Step("wait", {"seconds": 8_000})
    some = (_deed(chance, amount_minor) for _ in range(chance.randint(0, 2)))
    refunds = (Step("refund", {"amount_minor": chance.choice((None, 1, amount_minor // 2))}) for _ in range(2))
    clear_up = Step("at_once", {"steps": (Step("decide", {"times": chance.choice((1, 2))}), *some)})
    return (long, clear_up, Step("at_once", {"steps": tuple(refunds)}), long, Step("decide_refunds", {"times": 2}))


def _step(chance: random.Random, amount_minor: int) -> Step:
    if chance.random() < 0.2:
        return Step("wait", {"seconds": chance.choice((1, 4, 20, 90, 400, 2_000, 4_000))})
    if chance.random() < 0.2:
        return Step("at_once", {"steps": tuple(_deed(chance, amount_minor) for _ in range(chance.randint(2, 5)))})
    return _deed(chance, amount_minor)


def _deed(chance: random.Random, amount_minor: int) -> Step:
    """Something that somebody does: anybody may do it at any moment, also at the same time as others."""
    part = chance.choice((None, amount_minor, amount_minor // 2, amount_minor // 3, 1, amount_minor + 1))
    some, times = chance.randint(0, 9), chance.choice((1, 1, 2, 3))
    return chance.choices(
        (
            Step("capture", {"amount_minor": part}),
            Step("cancel"),
            Step("refund", {"amount_minor": part}),
            Step("customer", {"button": chance.choice(("complete", "complete", "fail", "cancel"))}),
            Step("learn", {"about": some}),
            Step("gateway_event", {"which": some, "times": times}),
            Step(
                "false_gateway_event",
                {"which": some, "difference": chance.choice((-1, 1, 100)), "another_key": some < 5},
            ),
            Step("start_again"),
            Step("rival"),
            Step("decide", {"times": times}),
            Step("decide_late"),
            Step("decide_wrongly", {"outcome": chance.choice(SLIPS), "is_complete": some < 7}),
            Step("decide_refunds", {"times": times}),
            Step("hurry", {"which": some}),
            Step("close_endpoint"),
        ),
        weights=(10, 4, 8, 6, 5, 6, 2, 2, 2, 5, 3, 1, 4, 2, 0.3),
    )[0]
