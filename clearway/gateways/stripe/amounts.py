"""Convert between Stripe's amounts and ours, and refuse those that Stripe cannot express. Pure.

Sources: docs.stripe.com/currencies. Stripe takes MGA without decimals, ISK with two that are zero, and a zero as the
last digit of three decimals. Its page lists UGX both ways, so UGX is not taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from iso4217 import Currency

from clearway.domain.money import exponent

AMOUNT_MAX: Final = 99_999_999
"""Eight digits in Stripe's units."""
NOT_TAKEN: Final = frozenset({"UGX"})
_HUNDREDFOLD: Final = frozenset({"ISK"})
_WHOLE_UNITS: Final = frozenset({"MGA"})
_THREE_DECIMALS: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


class AmountNotExpressibleError(ValueError):
    """Stripe has no way to write this amount; the message is for the merchant."""


def _currencies() -> frozenset[str]:
    codes = (currency.code for currency in Currency)
    return frozenset(code for code in codes if Currency(code).exponent is not None) - NOT_TAKEN


CURRENCIES: Final = _currencies()


def to_stripe(amount_minor: int, currency: str) -> int:
    """Return an amount in Stripe's units. Raises AmountNotExpressibleError."""
    step = STEPS.get(currency, 1)
    if currency not in CURRENCIES:
        raise AmountNotExpressibleError(f"Stripe does not take {currency}.")
    if amount_minor % step:
        raise AmountNotExpressibleError(f"Stripe takes {currency} only in multiples of {step} minor units.")
    if currency in _HUNDREDFOLD:
        amount = amount_minor * 100
    else:
        amount = amount_minor // 100 if currency in _WHOLE_UNITS else amount_minor
    if amount > AMOUNT_MAX:
        raise AmountNotExpressibleError("Stripe takes amounts of up to eight digits.")
    return amount


def from_stripe(amount: int, currency: str) -> int:
    """Return an amount of Stripe's in our minor units. Raises ValueError for one that we cannot express."""
    if currency in _HUNDREDFOLD:
        minor, rest = divmod(amount, 100)
        if rest:
            raise ValueError(f"an amount of {currency} with decimals")
        return minor
    return amount * 100 if currency in _WHOLE_UNITS else amount


STEPS: Final[Mapping[str, int]] = {**dict.fromkeys(_THREE_DECIMALS, 10), **dict.fromkeys(_WHOLE_UNITS, 100)}
"""What an amount in minor units must be a multiple of."""
MAXIMA: Final[Mapping[str, int]] = {currency: from_stripe(AMOUNT_MAX // 100 * 100, currency) for currency in CURRENCIES}
MINIMA: Final[Mapping[str, int]] = {
    **dict.fromkeys(("USD", "AUD", "BRL", "CAD", "CHF", "EUR", "NZD", "SGD", "INR"), 50),
    "GBP": 30,
    "AED": 200,
    "PLN": 200,
    "RON": 200,
    "MYR": 200,
    "BGN": 100,
    "CZK": 1_500,
    "DKK": 250,
    "HKD": 400,
    "HUF": 17_500,
    "JPY": 50,
    "MXN": 1_000,
    "THB": 1_000,
    "NOK": 300,
    "SEK": 300,
}
"""The least that Stripe charges, in minor units. Other currencies: Stripe requires the value of 0.50 USD."""

assert all(exponent(currency) == 3 for currency in _THREE_DECIMALS), "as ISO 4217 has them"  # noqa: PLR2004
