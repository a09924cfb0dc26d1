"""Convert between Stripe's amounts and the journal's ISO minor units. Pure.

Sources: docs.stripe.com/currencies. ISK and UGX have no minor unit in ISO 4217, and two decimals at Stripe, both zero.
MGA has two in ISO and none at Stripe. Of three decimals the last must be zero.
"""

from __future__ import annotations

from typing import Final

from clearway.domain.money import Money
from clearway.simulator.facades.stripe.errors import StripeError

AMOUNT_MAX: Final = 99_999_999
_HUNDREDFOLD: Final = frozenset({"ISK", "UGX"})
_WHOLE_UNITS: Final = frozenset({"MGA"})
_THREE_DECIMALS: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
MINIMUMS: Final = {
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
"""The least that can be charged, in Stripe's units."""


def journal_amount(amount: int, currency: str, param: str = "amount") -> int:
    """Return the ISO minor units of an amount of Stripe's. Raises StripeError for one that Stripe refuses."""
    if currency in _HUNDREDFOLD:
        if amount % 100:
            message = f"Amounts in {currency.lower()} must be whole: the last two digits must be 00."
            raise StripeError(400, message, code="invalid_charge_amount_no_decimal_compatible", param=param)
        return amount // 100
    if currency in _THREE_DECIMALS and amount % 10:
        message = f"Amounts in {currency.lower()} must end with a zero: the least significant digit is rounded."
        raise StripeError(400, message, code="parameter_invalid_integer", param=param)
    return amount * 100 if currency in _WHOLE_UNITS else amount


def stripe_amount(minor: int, currency: str) -> int:
    """Return an amount of the journal in Stripe's units."""
    if currency in _HUNDREDFOLD:
        return minor * 100
    return minor // 100 if currency in _WHOLE_UNITS else minor


def check_charge(amount: int, currency: str) -> None:
    """Refuse what cannot be charged. Raises StripeError (400)."""
    try:
        Money(1, currency)
    except ValueError:
        raise StripeError(400, f"Invalid currency: {currency.lower()}.", param="currency") from None
    if amount > AMOUNT_MAX:
        message = f"Amount must be no more than {AMOUNT_MAX}."
        raise StripeError(400, message, code="amount_too_large", param="amount")
    if amount < MINIMUMS.get(currency, 1):
        message = "Amount must convert to at least 50 cents."
        raise StripeError(400, message, code="amount_too_small", param="amount")
    journal_amount(amount, currency)
