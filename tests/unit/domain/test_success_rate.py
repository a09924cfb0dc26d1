"""Success rates: a breakdown puts a gateway last, noise does not, and a share of the payments sees a recovery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from clearway.domain.routing import BreakerSays, Decision, Why, decide
from clearway.domain.success_rate import SLOTS, Counted, Rates, SuccessRate, judged
from tests.unit.domain.test_routing import FACTS, THREE, A, B, C, candidate, program

TERMS = SuccessRate(window_s=3_600, samples_min=30, drop=30, explore_percent=5)
NOW = 1_000


def counted(gateway_id: str, approved: int, declined: int, slot: int = NOW, **more: Any) -> Counted:
    """Return what was decided of a gateway's card payments in rupees."""
    return replace(Counted(gateway_id, "card", "INR", slot, approved, declined), **more)


def put_last(counts: Iterable[Counted], terms: SuccessRate = TERMS, slot: int = NOW) -> set[str]:
    """Return the gateways that are put last."""
    segment = judged(terms, counts, slot).by_segment.get(("card", "INR"), {})
    return {gateway_id for gateway_id, standing in segment.items() if standing.put_last}


def by_rates(*counts: Counted, payment: str = "pay_1", **more: Any) -> Decision:
    """Return the decision for a payment."""
    facts = replace(FACTS, payment_id=payment, **more)
    return decide(program(gateways_max=3), 1, facts, THREE, judged(TERMS, counts, NOW))


@pytest.mark.parametrize(
    ("of_a", "of_b", "last"),
    [
        ((20, 30), (90, 10), {A}),
        ((61, 39), (90, 10), set()),
        ((60, 40), (90, 10), {A}),
        ((0, 29), (90, 10), set()),
        ((0, 30), (29, 0), set()),
        ((5, 95), (10, 90), set()),
        ((0, 0), (0, 0), set()),
    ],
    ids=["broken down", "a little worse", "at the line", "too few", "nobody to compare", "all bad", "nothing"],
)
def test_a_breakdown_is_far_below_the_best_of_the_others(
    of_a: tuple[int, int], of_b: tuple[int, int], last: set[str]
) -> None:
    """A gateway is put last by enough payments, when it is `drop` points below the best of the others."""
    assert put_last([counted(A, *of_a), counted(B, *of_b)]) == last


def test_a_floor_needs_no_other_gateway() -> None:
    """Below its floor a gateway is put last, whatever is known of the others."""
    terms = TERMS.model_copy(update={"floor": 40})

    assert put_last([counted(A, 39, 61)], terms) == {A}
    assert put_last([counted(A, 40, 60)], terms) == set()


def test_methods_and_currencies_are_apart() -> None:
    """A breakdown of UPI says nothing about cards, and one in dollars nothing about rupees."""
    counts = [counted(A, 0, 90, method="upi"), counted(B, 90, 0, method="upi")]
    counts += [counted(A, 0, 90, currency="USD"), counted(B, 90, 0)]

    assert judged(TERMS, counts, NOW).put_last() == 1
    assert put_last(counts) == set()


def test_it_stays_last_until_it_is_clearly_better() -> None:
    """Between `drop` and half of it a gateway stays where it is: it comes back when it is less than half behind."""
    healthy = [counted(B, 9, 1, slot) for slot in range(NOW - 2 * SLOTS + 1, NOW + 1)]
    broken = [counted(A, 0, 40, NOW - SLOTS)]
    still_behind = [counted(A, 7, 3, slot) for slot in range(NOW - SLOTS + 1, NOW + 1)]
    recovered = [counted(A, 8, 2, slot) for slot in range(NOW - SLOTS + 1, NOW + 1)]

    assert put_last([*healthy, *still_behind]) == set()
    assert put_last([*healthy, *broken, *still_behind]) == {A}
    assert put_last([*healthy, *broken, *recovered]) == set()


def test_it_comes_back_when_a_window_says_nothing_against_it() -> None:
    """Without payments nothing can show a recovery: a window after the last bad one, the gateway comes back."""
    counts = [counted(A, 0, 40), *(counted(B, 9, 1, slot) for slot in range(NOW - SLOTS + 1, NOW + 2 * SLOTS + 1))]

    assert put_last(counts, slot=NOW + SLOTS) == {A}
    assert put_last(counts, slot=NOW + 2 * SLOTS) == set()


def test_the_floor_has_a_margin() -> None:
    """A gateway that was below the floor comes back 5 points above it."""
    terms = TERMS.model_copy(update={"floor": 40})
    before = counted(A, 0, 40, NOW - SLOTS)

    assert put_last([before, counted(A, 44, 56)], terms) == {A}
    assert put_last([before, counted(A, 45, 55)], terms) == set()


def test_a_gateway_that_broke_down_is_tried_last_and_the_decision_says_why() -> None:
    """The order changes, the gateway stays a way out, and rate, samples and reason are stored with the payment."""
    decision = by_rates(counted(A, 20, 80), counted(B, 90, 10), payment=not_exploring())

    assert decision.gateways == (B, C, A)
    assert decision.to_json()["success_rate"] == {
        "explored": None,
        "gateways": [
            {"gateway_id": B, "rate": 0.9, "samples": 100, "put_last": False, "reason": None},
            {
                "gateway_id": A,
                "rate": 0.2,
                "samples": 100,
                "put_last": True,
                "reason": f"20.0 % of its payments were approved in 3600 s, and 90.0 % at {B}",
            },
        ],
    }


def test_a_share_of_the_payments_explores_always_the_same_ones() -> None:
    """5 % go to the gateway that is put last, by their ids: a repeated request decides alike."""
    counts = (counted(A, 20, 80), counted(B, 90, 10), counted(C, 85, 15))
    ids = [f"pay_{number}" for number in range(4_000)]
    firsts = [by_rates(*counts, payment=each).gateways[0] for each in ids]

    assert firsts == [by_rates(*counts, payment=each).gateways[0] for each in ids]
    assert 150 < Counter(firsts)[A] < 250
    assert Counter(firsts)[B] == len(ids) - Counter(firsts)[A]
    exploring = by_rates(*counts, payment=ids[firsts.index(A)])
    assert exploring.by_rate is not None
    assert exploring.by_rate.explored == A
    assert exploring.gateways == (A, B, C)


def test_the_next_in_line_is_explored_while_too_little_is_known_of_it() -> None:
    """Without samples of another gateway a breakdown could not be seen; once it is known, nothing is explored."""
    ids = [f"pay_{number}" for number in range(1_000)]
    unknown = Counter(by_rates(counted(A, 90, 10), payment=each).gateways[0] for each in ids)
    known = Counter(by_rates(counted(A, 90, 10), counted(B, 80, 20), payment=each).gateways[0] for each in ids)

    assert unknown.keys() == {A, B}
    assert 25 < unknown[B] < 80
    assert known == {A: 1_000}


def test_when_all_broke_down_the_order_stays() -> None:
    """A bank that is away takes all gateways with it: no gateway is better than another."""
    terms = TERMS.model_copy(update={"floor": 40})
    rates = judged(terms, [counted(each, 10, 90) for each in (A, B, C)], NOW)

    decision = decide(program(gateways_max=3), 1, replace(FACTS, payment_id=not_exploring()), THREE, rates)

    assert decision.gateways == (A, B, C)


def test_what_keeps_its_order() -> None:
    """Rates change nothing for rules with a fixed order, for card tokens, and without `success_rate`."""
    rates = judged(TERMS, [counted(A, 20, 80), counted(B, 90, 10)], NOW)
    listed = {"type": "priority", "gateways": [A, B]}
    facts = replace(FACTS, payment_id=not_exploring())

    moved = decide(program({"output": listed}), 1, facts, THREE, rates)
    fixed = decide(program({"output": listed, "fixed_order": True}), 1, facts, THREE, rates)
    token = decide(program({"output": listed}), 1, replace(facts, token="tok_1"), THREE, rates)
    off = decide(program({"output": listed}), 1, facts, THREE, Rates())

    assert moved.gateways == (B, A)
    for kept in (fixed, token, off):
        assert (kept.gateways, kept.to_json()["success_rate"]) == ((A, B), None)


def test_a_split_moves_what_broke_down_behind_all_its_parts() -> None:
    """Payments of the part of a broken gateway go to the other part."""
    rates = judged(TERMS, [counted(A, 20, 80), counted(B, 90, 10)], NOW)
    shares = [{"percent": 50, "gateways": [A]}, {"percent": 50, "gateways": [B]}]
    made = program({"output": {"type": "split", "shares": shares}})
    firsts = Counter(
        decide(made, 1, replace(FACTS, payment_id=f"pay_{number}"), THREE, rates).gateways[0] for number in range(500)
    )

    assert firsts[B] > 460


def test_breakers_go_before_rates() -> None:
    """A gateway with an open breaker is left out, however well its payments did."""
    rates = judged(TERMS, [counted(A, 20, 80), counted(B, 90, 10)], NOW)
    candidates = [candidate(A), candidate(B, breaker=BreakerSays.OPEN)]

    decision = decide(program(), 1, replace(FACTS, payment_id=not_exploring()), candidates, rates)

    assert decision.gateways == (A,)
    assert {each.gateway_id: each.why for each in decision.left_out} == {B: Why.BREAKER_OPEN}


def not_exploring() -> str:
    """Return the id of a payment that explores nothing."""
    counts = (counted(A, 20, 80), counted(B, 90, 10))
    return next(each for each in map("pay_{}".format, range(100)) if by_rates(*counts, payment=each).gateways[0] == B)
