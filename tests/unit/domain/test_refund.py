"""The refund's state machine, and what its changes do to the payment's amounts and the books."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.domain import ledger
from clearway.domain.ledger import LedgerTransaction
from clearway.domain.money import Money
from clearway.domain.payment import MoveRefusedError
from clearway.domain.refund import MOVES, Refund, RefundChange, RefundStatus, apply_refund_change

S = RefundStatus
FINAL = {S.PROCESSED, S.FAILED, S.REVERSED}
TABLE = {
    "pending": "processed failed needs_review",
    "needs_review": "processed failed",
    "processed": "reversed",
    "failed": "",
    "reversed": "",
}


def _refund(status: RefundStatus = S.PENDING, amount_minor: int = 300) -> Refund:
    return Refund("rfnd_1", "mer_1", "pay_1", amount_minor, "INR", "simulator", "gw_1", status)


def _change(to: RefundStatus) -> RefundChange:
    return RefundChange("step", to, "a test")


def _balances(transactions: list[LedgerTransaction]) -> dict[str, int]:
    balances: dict[str, int] = {}
    for transaction in transactions:
        for entry in transaction.entries:
            balances[entry.account] = balances.get(entry.account, 0) + entry.amount_minor
    return {account: balance for account, balance in balances.items() if balance}


def test_every_move_is_in_the_table() -> None:
    """The moves are exactly those of the table."""
    assert {status.value: {to.value for to in MOVES[status]} for status in S} == {
        status: set(moves.split()) for status, moves in TABLE.items()
    }


@pytest.mark.parametrize(("before", "to"), [*product(S, S)], ids=str)
def test_a_move_outside_the_table_is_refused(before: RefundStatus, to: RefundStatus) -> None:
    """Of all pairs of statuses, those of the table can be moved between and no others, not even to itself."""
    if to.value in TABLE[before.value].split():
        applied = apply_refund_change(_refund(before), _change(to))
        assert (applied.refund.status, applied.event) == (to, f"refund.{to}")
    else:
        with pytest.raises(MoveRefusedError):
            apply_refund_change(_refund(before), _change(to))


@given(st.lists(st.sampled_from(RefundStatus), max_size=12), st.integers(1, 10**9))
def test_the_promise_is_kept_or_taken_back_once(history: list[RefundStatus], amount_minor: int) -> None:
    """Over any history the pending amount goes back to zero at most once, into what is refunded or back to nothing."""
    refund, pending_minor, refunded_minor = _refund(amount_minor=amount_minor), amount_minor, 0
    for to in history:
        if to not in MOVES[refund.status]:
            continue
        applied = apply_refund_change(refund, _change(to))
        refund = applied.refund
        pending_minor += applied.pending_delta_minor
        refunded_minor += applied.refunded_delta_minor

    assert (pending_minor, refunded_minor) == {
        S.PENDING: (amount_minor, 0),
        S.NEEDS_REVIEW: (amount_minor, 0),
        S.PROCESSED: (0, amount_minor),
        S.FAILED: (0, 0),
        S.REVERSED: (0, 0),
    }[refund.status]


@given(st.sampled_from([[S.PROCESSED], [S.FAILED], [S.NEEDS_REVIEW, S.PROCESSED], [S.PROCESSED, S.REVERSED]]))
def test_books_of_a_refund(way: list[RefundStatus]) -> None:
    """Nothing stays in transit: the gateway has paid it out, or it is the merchant's again."""
    refund = _refund()
    booked = [ledger.refund_reserved(refund.id, refund.merchant_id, refund.money)]
    for to in way:
        applied = apply_refund_change(refund, _change(to))
        refund = applied.refund
        booked += applied.transactions

    if way[-1] is S.PROCESSED:
        assert _balances(booked) == {"merchant/mer_1/payable": 300, "gateway/gw_1/receivable": -300}
    else:
        assert _balances(booked) == {}


@given(st.integers(1, 600))
def test_what_a_review_found_to_have_moved_is_booked(moved_minor: int) -> None:
    """The gateway paid out another amount than was promised: the books and the refund say what moved."""
    refund = _refund(S.NEEDS_REVIEW)
    change = RefundChange("step", S.PROCESSED, "a test", moved_minor=moved_minor)

    applied = apply_refund_change(refund, change)

    assert (applied.pending_delta_minor, applied.refunded_delta_minor) == (-300, moved_minor)
    assert applied.refund.amount_minor == moved_minor
    booked = [ledger.refund_reserved(refund.id, refund.merchant_id, refund.money), *applied.transactions]
    assert _balances(booked) == {"merchant/mer_1/payable": moved_minor, "gateway/gw_1/receivable": -moved_minor}


@pytest.mark.parametrize(("before", "to"), [(S.PENDING, S.PROCESSED), (S.NEEDS_REVIEW, S.FAILED)])
def test_an_amount_goes_only_with_the_end_of_a_review(before: RefundStatus, to: RefundStatus) -> None:
    """Only a review finds that another amount moved, and only when money moved."""
    with pytest.raises(MoveRefusedError):
        apply_refund_change(_refund(before), RefundChange("step", to, "a test", moved_minor=299))


def test_a_refund_in_doubt_moves_no_money() -> None:
    """While a refund's result is unknown, its amount stays reserved."""
    applied = apply_refund_change(_refund(), _change(S.NEEDS_REVIEW))

    assert (applied.pending_delta_minor, applied.refunded_delta_minor, applied.transactions) == (0, 0, ())
    assert applied.refund.money == Money(300, "INR")
