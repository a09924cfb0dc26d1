"""Amounts as a gateway writes them: a closed list of formats, decimal arithmetic, exact or not at all. Pure.

An amount in our books is an integer in minor units of ISO 4217. The gateway may count other minor units.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from clearway.domain.limits import MINOR_MAX
from clearway.domain.money import exponent
from clearway.gateways.custom.language.values import AmountFormat

_WRITTEN: Final = re.compile(r"[0-9]{1,18}(?:[.,][0-9]{1,8})?")


class AmountNotExpressibleError(ValueError):
    """The gateway has no way to write this amount, or wrote something that is no amount."""


def digits_of(form: AmountFormat, gateway_exponent: int) -> int:
    """Return how many decimals of the currency this format can express."""
    match form.format:
        case "minor_int":
            return gateway_exponent
        case "major_int":
            return 0
        case "decimal":
            return gateway_exponent if form.places is None else form.places


def step_minor(form: AmountFormat, currency: str, gateway_exponent: int) -> int:
    """Return what an amount in our minor units must be a multiple of."""
    return int(10 ** max(exponent(currency) - digits_of(form, gateway_exponent), 0))


def written(form: AmountFormat, amount_minor: int, currency: str, gateway_exponent: int) -> str:
    """Return an amount as the gateway takes it. Raises AmountNotExpressibleError."""
    if amount_minor < 0 or amount_minor % step_minor(form, currency, gateway_exponent):
        raise AmountNotExpressibleError(f"the gateway cannot write {amount_minor} minor units of {currency} exactly")
    major = Decimal(amount_minor).scaleb(-exponent(currency))
    if form.format == "minor_int":
        return str(int(major.scaleb(gateway_exponent)))
    digits = digits_of(form, gateway_exponent)
    return f"{major:.{digits}f}".replace(".", form.separator)


def read(form: AmountFormat, text: str, currency: str, gateway_exponent: int) -> int:
    """Return an amount in our minor units. Raises AmountNotExpressibleError."""
    if not _WRITTEN.fullmatch(text) or (set(".,") & set(text)) - {form.separator}:
        raise AmountNotExpressibleError("it is not an amount in the format of the document")
    value = Decimal(text.replace(",", "."))
    scale = exponent(currency) - (gateway_exponent if form.format == "minor_int" else 0)
    minor = value.scaleb(scale)
    if minor != minor.to_integral_value() or minor > MINOR_MAX:
        raise AmountNotExpressibleError(f"it is not a whole number of minor units of {currency}")
    return int(minor)
