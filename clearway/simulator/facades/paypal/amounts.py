"""Convert between PayPal's decimal texts and the journal's ISO minor units. Pure.

Sources: developer.paypal.com/reference/currency-codes. HUF and TWD have two decimals in ISO 4217 and none at PayPal.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from clearway.domain.money import exponent
from clearway.simulator.facades.paypal.errors import PayPalError

CURRENCIES: Final = frozenset(
    {
        *("AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "INR"),
        *("JPY", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "TWD", "USD"),
    }
)
WHOLE: Final = frozenset({"HUF", "JPY", "TWD"})
DECIMALS: Final = 2
VALUE_MAX: Final = Decimal(10000000)
_VALUE: Final = re.compile(r"[0-9]{1,29}(\.[0-9]{1,29})?")


def journal_amount(value: str, currency: str, field: str) -> int:
    """Return an amount in ISO minor units. Raises PayPalError for one that PayPal refuses."""
    if currency not in CURRENCIES:
        raise PayPalError("INVALID_CURRENCY_CODE", field=f"{field}/currency_code")
    if not _VALUE.fullmatch(value):
        raise PayPalError("INVALID_PARAMETER_SYNTAX", field=f"{field}/value")
    amount = Decimal(value)
    if currency in WHOLE and amount != amount.to_integral_value():
        raise PayPalError("DECIMALS_NOT_SUPPORTED", field=f"{field}/value")
    if amount != round(amount, DECIMALS):
        raise PayPalError("DECIMAL_PRECISION", field=f"{field}/value")
    if amount <= 0:
        raise PayPalError("CANNOT_BE_ZERO_OR_NEGATIVE", field=f"{field}/value")
    if amount > VALUE_MAX:
        raise PayPalError("INVALID_PARAMETER_VALUE", field=f"{field}/value")
    return int(amount.scaleb(exponent(currency)))


def money(minor: int, currency: str) -> dict[str, Any]:
    """Return an amount of the journal as PayPal writes it."""
    digits = 0 if currency in WHOLE else DECIMALS
    return {"currency_code": currency, "value": f"{Decimal(minor).scaleb(-exponent(currency)):.{digits}f}"}
