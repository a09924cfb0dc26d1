"""Foreign exchange: one rounding rule for every conversion, and what a conversion books.

A conversion multiplies once and rounds once: the exact product, half to even, to the minor unit that the gateway can
express. Legs of a cross rate are never rounded. Everything is Decimal; an inverse that was used is kept, and never
computed again. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from clearway.domain.limits import AMOUNT_MINOR_MAX
from clearway.domain.money import Money, exponent

EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)
"""Wide enough for the product of the largest amount and a rate: it is never rounded on the way."""
RATE_DIGITS: Final = 16
"""Significant digits of a rate that is kept with a quote."""
_RATE: Final = Context(prec=RATE_DIGITS, rounding=ROUND_HALF_EVEN)
MARKUP_BPS_MAX: Final = 2_000
_BPS: Final = Decimal(10_000)


class RateMissingError(Exception):
    """There is no rate for a currency; str(error) names it."""


class AmountTooSmallError(ValueError):
    """The amount is nothing in the other currency, or more than an amount may be."""


@dataclass(frozen=True, slots=True)
class RateSet:
    """The rates of one source at one moment: how much of each currency one unit of `base` is."""

    source: str
    base: str
    as_of: datetime
    rates: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Converted:
    """What a customer pays. exact_minor: to the currency's own minor unit; money: as the gateway can express it."""

    money: Money
    exact_minor: int


def mid_rate(rates: RateSet, source: str, target: str) -> Decimal:
    """Return how much of `target` one unit of `source` is, through the base of the set. Raises RateMissingError."""
    return EXACT.divide(_leg(rates, target), _leg(rates, source))


def with_markup(mid: Decimal, markup_bps: int) -> Decimal:
    """Return the rate of a quote: the mid rate with a markup, kept with `RATE_DIGITS` significant digits."""
    assert 0 <= markup_bps <= MARKUP_BPS_MAX, "a markup is a small part of an amount"
    return _RATE.multiply(mid, EXACT.divide(_BPS + markup_bps, _BPS))


def converted(money: Money, target: str, rate: Decimal, step_minor: int = 1) -> Converted:
    """Convert an amount. step_minor: the gateway takes only multiples of it. Raises AmountTooSmallError."""
    product = _product(money.amount_minor, money.currency, target, rate)
    amount_minor = _rounded(EXACT.divide(product, Decimal(step_minor))) * step_minor
    if not 0 < amount_minor <= AMOUNT_MINOR_MAX:
        raise AmountTooSmallError(f"{money} is {amount_minor} minor units of {target}")
    return Converted(Money(amount_minor, target), _rounded(product))


def converted_minor(amount_minor: int, currency: str, target: str, rate: Decimal) -> int:
    """Return a signed amount in another currency, in its minor units: what a gateway's row should say."""
    return _rounded(_product(amount_minor, currency, target, rate))


def share(part_minor: int, whole_minor: int, of_minor: int) -> int:
    """Return the part of `of_minor` that belongs to a part of a whole: 0 of nothing, all of all, more of more.

    Parts are cumulative: what belongs to the next part is the difference of two shares, so all parts sum to the whole.
    """
    assert 0 <= part_minor <= whole_minor, "a part of a whole"
    assert whole_minor > 0, "something is divided"
    return _rounded(EXACT.divide(Decimal(part_minor) * of_minor, Decimal(whole_minor)))


def _leg(rates: RateSet, currency: str) -> Decimal:
    if currency == rates.base:
        return Decimal(1)
    rate = rates.rates.get(currency)
    if rate is None:
        raise RateMissingError(currency)
    return rate


def _product(amount_minor: int, currency: str, target: str, rate: Decimal) -> Decimal:
    shift = Decimal(10) ** (exponent(target) - exponent(currency))
    return EXACT.multiply(EXACT.multiply(Decimal(amount_minor), rate), shift)


def _rounded(exact: Decimal) -> int:
    return int(exact.to_integral_value(ROUND_HALF_EVEN, EXACT))
