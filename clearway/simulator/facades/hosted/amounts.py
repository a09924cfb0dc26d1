"""Convert between the amounts of the regional gateways and the journal's ISO minor units. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from clearway.domain.money import exponent
from clearway.simulator.wire import AMOUNT_MAX

NUMERIC: Final = {"AMD": "051", "USD": "840", "EUR": "978", "RUB": "643"}
"""The ISO 4217 numbers of the currencies that the banks take."""
_DECIMAL: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")


class AmountRefusedError(ValueError):
    """The text is not an amount of this currency."""


def currency_of(number: str) -> str:
    """Return the code of a numeric currency; leading zeros may be missing. Raises AmountRefusedError."""
    found = {int(known): code for code, known in NUMERIC.items()}.get(int(number) if number.isdecimal() else -1)
    if found is None:
        raise AmountRefusedError(f"there is no currency {number}")
    return found


def minor_of(text: str, currency: str) -> int:
    """Return a decimal text in major units as minor units. Raises AmountRefusedError."""
    if not _DECIMAL.fullmatch(text):
        raise AmountRefusedError("it is not a decimal number")
    return checked(Decimal(text).scaleb(exponent(currency)))


def checked(minor: Decimal) -> int:
    """Return a number of minor units that a payment can have. Raises AmountRefusedError."""
    if minor != minor.to_integral_value() or not 0 < minor <= AMOUNT_MAX:
        raise AmountRefusedError("it is not a possible amount")
    return int(minor)


def major(minor: int, currency: str) -> Decimal:
    """Return minor units in major units, with all decimals of the currency."""
    return Decimal(minor).scaleb(-exponent(currency))


def shortest(minor: int, currency: str) -> str:
    """Return minor units as a text in major units: without decimals where there are none."""
    amount = major(minor, currency)
    return str(amount.to_integral_value() if amount == amount.to_integral_value() else amount)
