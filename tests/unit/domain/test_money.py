"""Money: whole minor units, one currency at a time, never below zero and never beyond the limit."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from iso4217 import Currency

from clearway.domain.limits import AMOUNT_MINOR_MAX
from clearway.domain.money import CurrencyUnknownError, Money, exponent

AMOUNTS = st.integers(min_value=0, max_value=AMOUNT_MINOR_MAX)
CURRENCIES = st.sampled_from(sorted(currency.code for currency in Currency if currency.exponent is not None))


@pytest.mark.parametrize("currency", Currency, ids=lambda currency: currency.code)
def test_exponents_are_those_of_iso_4217(currency: Currency) -> None:
    """A currency has the digits that ISO 4217 gives it; what has no minor unit is no currency to pay in."""
    if currency.exponent is None:
        with pytest.raises(CurrencyUnknownError, match=currency.code):
            exponent(currency.code)
    else:
        assert exponent(currency.code) == currency.exponent


@pytest.mark.parametrize(("code", "digits"), [("INR", 2), ("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)])
def test_exponents_that_people_know(code: str, digits: int) -> None:
    """The table itself is right about currencies with and without decimals."""
    assert exponent(code) == digits


@pytest.mark.parametrize("code", ["", "inr", "IN", "INRX", "XXX", "XAU", "XTS", "ABC", "₹"])
def test_unknown_currencies_are_refused(code: str) -> None:
    """Lower case, gold, test codes and inventions are refused by name, with a way out."""
    with pytest.raises(CurrencyUnknownError, match="use a code such as INR"):
        Money(100, code)


@pytest.mark.parametrize("amount", [1.0, "1", True, None, 10**2 / 1])
def test_only_ints_are_amounts(amount: object) -> None:
    """A float, a text and a boolean are refused, even when they look whole."""
    with pytest.raises(TypeError, match="an int of minor units"):
        Money(amount, "INR")  # type: ignore[arg-type]


@pytest.mark.parametrize("amount_minor", [-1, AMOUNT_MINOR_MAX + 1, -(2**63), 2**64])
def test_amounts_outside_the_bounds_are_refused(amount_minor: int) -> None:
    """An amount is never negative, and never beyond the limit."""
    with pytest.raises(ValueError, match="outside"):
        Money(amount_minor, "INR")

    assert Money(0, "INR").amount_minor == 0
    assert Money(AMOUNT_MINOR_MAX, "INR").amount_minor == AMOUNT_MINOR_MAX


@given(AMOUNTS, AMOUNTS, CURRENCIES)
def test_what_is_added_can_be_taken_off(first: int, second: int, currency: str) -> None:
    """Addition and subtraction are exact and undo each other, within the limit."""
    assume(first + second <= AMOUNT_MINOR_MAX)
    total = Money(first, currency) + Money(second, currency)

    assert total.amount_minor == first + second
    assert total - Money(second, currency) == Money(first, currency)


@given(AMOUNTS, AMOUNTS)
def test_an_amount_never_leaves_its_bounds(first: int, second: int) -> None:
    """No sum exceeds the limit and no difference is below zero: they are errors, not amounts."""
    if first + second > AMOUNT_MINOR_MAX:
        with pytest.raises(ValueError, match="outside"):
            Money(first, "INR") + Money(second, "INR")
    if first < second:
        with pytest.raises(ValueError, match="outside"):
            Money(first, "INR") - Money(second, "INR")


@given(CURRENCIES, CURRENCIES)
def test_currencies_do_not_mix(one: str, other: str) -> None:
    """Two currencies cannot be added or subtracted."""
    assume(one != other)
    with pytest.raises(ValueError, match="cannot combine"):
        Money(1, one) + Money(1, other)
    with pytest.raises(ValueError, match="cannot combine"):
        Money(1, one) - Money(1, other)


@given(AMOUNTS, CURRENCIES)
def test_rendering_loses_nothing(amount: int, currency: str) -> None:
    """The text carries every digit: without point and commas it is the code and the minor units again."""
    code, _, figures = str(Money(amount, currency)).partition(" ")
    digits = figures.replace(",", "").replace(".", "")

    assert (code, int(digits)) == (currency, amount)
    assert len(figures.partition(".")[2]) == exponent(currency)


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(123_456_789, "INR"), "INR 1,234,567.89"),
        (Money(5, "USD"), "USD 0.05"),
        (Money(1_500, "JPY"), "JPY 1,500"),
        (Money(1, "KWD"), "KWD 0.001"),
        (Money(0, "INR"), "INR 0.00"),
    ],
)
def test_rendering_is_what_people_expect(money: Money, text: str) -> None:
    """The decimal point stands where the currency has it."""
    assert str(money) == text
