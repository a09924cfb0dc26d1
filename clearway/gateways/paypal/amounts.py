"""Convert between PayPal's decimal texts and our minor units. Decimal, never float. Pure.

Source: developer.paypal.com/reference/currency-codes. HUF and TWD have two decimals in ISO 4217 and none at PayPal.
BRL, CNY, INR and MYR are for accounts of their country.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from clearway.domain.money import exponent

CURRENCIES: Final = frozenset(
    {
        *("AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "INR"),
        *("JPY", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "TWD", "USD"),
    }
)
WHOLE: Final = frozenset({"HUF", "JPY", "TWD"})
STEPS: Final = {currency: 10 ** exponent(currency) for currency in WHOLE if exponent(currency)}
"""What an amount in minor units must be a multiple of."""
_VALUE: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,3})?")


class AmountNotExpressibleError(ValueError):
    """PayPal has no way to write this amount; the message is for the merchant."""


def to_paypal(amount_minor: int, currency: str) -> dict[str, str]:
    """Return an amount as PayPal takes it. Raises AmountNotExpressibleError."""
    if currency not in CURRENCIES:
        raise AmountNotExpressibleError(f"PayPal does not take {currency}.")
    if amount_minor % STEPS.get(currency, 1):
        raise AmountNotExpressibleError(f"PayPal takes {currency} only without decimals.")
    digits = 0 if currency in WHOLE else exponent(currency)
    value = Decimal(amount_minor).scaleb(-exponent(currency))
    return {"currency_code": currency, "value": f"{value:.{digits}f}"}


def from_paypal(money: Any) -> tuple[int, str]:
    """Return an amount of PayPal's in our minor units, and its currency. Raises ValueError; so it does below zero."""
    minor, currency = signed_from_paypal(money)
    if minor < 0:
        raise ValueError("an amount below zero")
    return minor, currency


def signed_from_paypal(money: Any) -> tuple[int, str]:
    """Return an amount of a report, which is negative where money leaves the account. Raises ValueError."""
    value, currency = money["value"], money["currency_code"]
    if not isinstance(value, str) or not _VALUE.fullmatch(value) or currency not in CURRENCIES:
        raise ValueError("not an amount of PayPal's")
    minor = Decimal(value).scaleb(exponent(currency))
    if minor != minor.to_integral_value():
        raise ValueError("an amount with more decimals than its currency has")
    return int(minor), currency
