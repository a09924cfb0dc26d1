"""Payments by quote: what captures and refunds settle, and that nothing is lost between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from clearway.domain.exchange import Settlement
from clearway.domain.ledger import LedgerTransaction, merchant_payable

AMOUNTS = st.integers(min_value=1, max_value=10**9)


def of(amount: int, settled: int, exact: int | None = None, refunded: int = 0) -> Settlement:
    """Return a payment in JPY of an order in USD."""
    return Settlement("mer_1", amount, "JPY", amount if exact is None else exact, settled, "USD", refunded)


def balances(transactions: Iterable[LedgerTransaction]) -> dict[tuple[str, str], int]:
    """Return the sum of each account and currency."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for transaction in transactions:
        for entry in transaction.entries:
            sums[entry.account, transaction.currency] += entry.amount_minor
    return sums


@given(st.lists(AMOUNTS, min_size=1, max_size=6), AMOUNTS, st.integers(-50, 50))
def test_captures_settle_the_whole_order(parts: list[int], order: int, step: int) -> None:
    """However a payment is captured in parts, the merchant gets exactly the order's amount, in its currency."""
    amount, captured, booked = sum(parts), 0, []
    payment = of(amount, order, max(amount - step, 1))
    for number, part in enumerate(parts):
        booked += payment.captured(f"cap_{number}", captured, captured + part)
        captured += part
    found = balances(booked)
    assert found[merchant_payable("mer_1"), "USD"] == -order
    assert found[merchant_payable("mer_1"), "JPY"] == amount
    assert len({each.reference for each in booked}) == len(booked)


@given(st.lists(st.tuples(AMOUNTS, st.booleans()), min_size=1, max_size=8), AMOUNTS)
def test_refunds_in_any_order_give_back_no_more_and_in_the_end_all(asked: list[tuple[int, bool]], order: int) -> None:
    """Refunds that are paid out and refunds that fail: what is taken is never more than settled, and all of all."""
    amount = sum(part for part, _ in asked)
    returned, live, booked = 0, 0, []

    def refund(number: int, part: int) -> int:
        payment = of(amount, order, refunded=live)
        taken = payment.of_refund(returned, part)
        booked.extend(payment.refunded(f"rfnd_{number}/created", part, taken))
        return taken

    for number, (part, fails) in enumerate(asked):
        taken = refund(number, part)
        if fails:
            booked += of(amount, order).refunded(f"rfnd_{number}/1", -part, -taken)
            continue
        returned, live = returned + part, live + taken
        assert 0 <= live <= order
    live += refund(len(asked), amount - returned) if amount > returned else 0

    assert live == order
    found = balances(booked)
    assert found[merchant_payable("mer_1"), "USD"] == order
    assert found[merchant_payable("mer_1"), "JPY"] == -amount


@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_what_gateways_cannot_express_is_rounding(amount: int, exact: int, order: int) -> None:
    """The difference between the exact amount and the one that is charged stands in an account of its own."""
    booked = of(amount, order, exact).captured("cap_1", 0, amount)
    found = balances(booked)
    assert found["merchant/mer_1/fx_position", "JPY"] == -exact
    assert found.get(("merchant/mer_1/fx_rounding", "JPY"), 0) == exact - amount
