"""Conversions: multiply once, round once, lose nothing between the parts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.domain.fx import (
    MARKUP_BPS_MAX,
    AmountTooSmallError,
    RateMissingError,
    RateSet,
    converted,
    mid_rate,
    share,
    with_markup,
)
from clearway.domain.limits import AMOUNT_MINOR_MAX
from clearway.domain.money import Money, exponent

CURRENCIES = st.sampled_from(["USD", "EUR", "INR", "JPY", "KWD", "AMD", "ISK"])
AMOUNTS = st.integers(min_value=1, max_value=AMOUNT_MINOR_MAX)
RATES = st.decimals(min_value="0.000001", max_value="50000", places=10)
NOW = datetime(2026, 3, 5, tzinfo=UTC)


def exact(money: Money, target: str, rate: Decimal) -> Fraction:
    """Return the product without any rounding, in minor units of the target."""
    return money.amount_minor * Fraction(rate) * Fraction(10) ** (exponent(target) - exponent(money.currency))


@given(AMOUNTS, CURRENCIES, CURRENCIES, RATES, st.sampled_from([1, 5, 10, 100]))
def test_a_conversion_is_the_exact_product_rounded_once(
    amount: int, source: str, target: str, rate: Decimal, step: int
) -> None:
    """The result is the multiple of the step that is nearest to the exact product; a tie goes to the even one."""
    money = Money(amount, source)
    product = exact(money, target, rate)
    try:
        found = converted(money, target, rate, step)
    except AmountTooSmallError:
        assert not 0 < round(product / step) * step <= AMOUNT_MINOR_MAX
        return
    assert found.money == Money(round(product / step) * step, target)  # Python rounds fractions half to even
    assert found.exact_minor == round(product)
    assert abs(found.money.amount_minor - product) * 2 <= step


@pytest.mark.parametrize(
    ("money", "target", "rate", "step", "amount"),
    [
        (Money(1_000, "USD"), "JPY", "150.25", 1, 1_502),
        (Money(1_000, "USD"), "JPY", "150.35", 1, 1_504),
        (Money(5, "USD"), "EUR", "0.5", 1, 2),
        (Money(7, "USD"), "EUR", "0.5", 1, 4),
        (Money(100, "JPY"), "KWD", "0.0021", 1, 210),
        (Money(10_000, "USD"), "ISK", "137.4999", 100, 13_700),
        (Money(10_000, "USD"), "ISK", "138.5", 100, 13_800),
    ],
    ids=str,
)
def test_ties_go_to_the_even_number(money: Money, target: str, rate: str, step: int, amount: int) -> None:
    """Half to even, in the exponent of the target and the step of the gateway; a whole rounding, never two."""
    assert converted(money, target, Decimal(rate), step).money == Money(amount, target)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=8), st.integers(1, AMOUNT_MINOR_MAX))
def test_parts_sum_to_the_whole(parts: list[int], of_minor: int) -> None:
    """However an amount is captured or refunded in parts, the shares are never negative and sum to all of it."""
    whole, done, given_out = sum(parts), 0, 0
    for part in parts:
        before = share(done, whole, of_minor)
        done += part
        after = share(done, whole, of_minor)
        assert after >= before
        given_out += after - before
    assert given_out == of_minor


@given(AMOUNTS, st.integers(1, AMOUNT_MINOR_MAX), st.data())
def test_a_share_is_within_half_a_unit(whole: int, of_minor: int, data: st.DataObject) -> None:
    """A share is the exact part, rounded once."""
    part = data.draw(st.integers(0, whole))
    assert abs(share(part, whole, of_minor) - Fraction(part * of_minor, whole)) * 2 <= 1


@given(RATES, RATES)
def test_a_cross_rate_has_unrounded_legs(first: Decimal, second: Decimal) -> None:
    """A rate through the base is exact far beyond the digits that are kept."""
    rates = RateSet("test", "EUR", NOW, {"USD": first, "AMD": second})
    found = Fraction(mid_rate(rates, "USD", "AMD"))
    wanted = Fraction(second) / Fraction(first)
    assert abs(found - wanted) <= wanted / 10**50
    assert mid_rate(rates, "USD", "USD") == 1
    assert mid_rate(rates, "EUR", "AMD") == second


@given(RATES, st.integers(0, MARKUP_BPS_MAX))
def test_a_quotes_rate_has_its_digits(mid: Decimal, markup_bps: int) -> None:
    """A kept rate is the marked-up rate to 16 significant digits, so at least ten of them are meant."""
    rate = with_markup(mid, markup_bps)
    wanted = Fraction(mid) * (10_000 + markup_bps) / 10_000
    assert abs(Fraction(rate) - wanted) <= wanted / 10**15
    assert len(rate.as_tuple().digits) <= 16


def test_what_is_missing_is_named() -> None:
    """A currency without a rate, and an amount that is nothing over there, are refused."""
    with pytest.raises(RateMissingError, match="XOF"):
        mid_rate(RateSet("test", "EUR", NOW, {}), "EUR", "XOF")
    with pytest.raises(AmountTooSmallError):
        converted(Money(1, "JPY"), "KWD", Decimal("0.0000001"))
