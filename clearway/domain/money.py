"""Money: an integer number of minor units and an ISO 4217 code. No float ever touches an amount."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from iso4217 import Currency

from clearway.domain.limits import AMOUNT_MINOR_MAX


class CurrencyUnknownError(ValueError):
    """The code is not an ISO 4217 currency in which a payment can be made."""


def is_currency(code: str) -> bool:
    """Return whether a payment can be made in this currency."""
    try:
        exponent(code)
    except CurrencyUnknownError:
        return False
    return True


@cache
def exponent(currency: str) -> int:
    """Return how many decimal digits the minor unit of `currency` has (INR 2, JPY 0, KWD 3).

    Source: the ISO 4217 table as published by the `iso4217` package. Codes without a minor unit (gold, test codes)
    are refused with CurrencyUnknownError.
    """
    try:
        digits = Currency(currency).exponent
    except ValueError:
        digits = None
    if digits is None:
        message = f"{currency!r} is not an ISO 4217 currency with a minor unit; use a code such as INR, USD or JPY"
        raise CurrencyUnknownError(message)
    return digits


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of one currency. Never negative; zero is allowed for sums, not for payments."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int:
            message = f"an amount is an int of minor units, not {type(self.amount_minor).__name__}"
            raise TypeError(message)
        if not 0 <= self.amount_minor <= AMOUNT_MINOR_MAX:
            message = f"amount {self.amount_minor} is outside 0..{AMOUNT_MINOR_MAX} minor units"
            raise ValueError(message)
        exponent(self.currency)

    def __add__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.amount_minor - other.amount_minor, self.currency)

    def __str__(self) -> str:
        digits = exponent(self.currency)
        if digits == 0:
            return f"{self.currency} {self.amount_minor:,}"
        whole, fraction = divmod(self.amount_minor, 10**digits)
        return f"{self.currency} {whole:,}.{fraction:0{digits}d}"

    def _same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            message = f"cannot combine {self.currency} with {other.currency}"
            raise ValueError(message)
