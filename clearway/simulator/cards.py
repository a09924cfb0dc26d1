"""Card numbers, for the moment between a request and its token: checks, brand, scenario. Pure; logs nothing."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

from clearway.domain.card_numbers import passes_luhn
from clearway.simulator.scenarios import CARDS, CHANCE, Scenario

_DIGITS: Final = re.compile(r"[0-9]{12,19}")
_BRANDS: Final = (
    ("amex", re.compile(r"3[47]")),
    ("diners", re.compile(r"3(?:0[0-5]|[689])")),
    ("jcb", re.compile(r"35")),
    ("discover", re.compile(r"6(?:011|4[4-9]|5)")),
    ("unionpay", re.compile(r"62")),
    ("rupay", re.compile(r"(?:60|81|82|508)")),
    ("mastercard", re.compile(r"(?:5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720))")),
    ("visa", re.compile(r"4")),
)
YEARS_AHEAD_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class CheckedCard:
    """The storable parts of a card whose number, expiry and security code are valid."""

    scenario: Scenario
    brand: str
    last4: str
    exp_month: int
    exp_year: int


def check(number: str, exp_month: int, exp_year: int, cvc: str, *, today: dt.date) -> CheckedCard | str:
    """Return the storable parts of the card, or the code of `failures.CARD_MESSAGES` for which it is refused."""
    digits = re.sub(r"[ -]", "", number)
    year = exp_year + 2_000 if exp_year < 100 else exp_year  # noqa: PLR2004 - two digits, as embossed
    brand = brand_of(digits)
    refusal = _number_refusal(digits) or _expiry_refusal(exp_month, year, today) or _cvc_refusal(cvc, brand)
    if refusal:
        return refusal
    return CheckedCard(CARDS.get(digits, CHANCE), brand, digits[-4:], exp_month, year)


def _number_refusal(digits: str) -> str | None:
    return None if _DIGITS.fullmatch(digits) and passes_luhn(digits) else "incorrect_number"


def _expiry_refusal(month: int, year: int, today: dt.date) -> str | None:
    if not 1 <= month <= 12:  # noqa: PLR2004 - months of a year
        return "invalid_expiry_month"
    if (year, month) < (today.year, today.month) or year > today.year + YEARS_AHEAD_MAX:
        return "invalid_expiry_year"
    return None


def _cvc_refusal(cvc: str, brand: str) -> str | None:
    lengths = {3, 4} if brand == "amex" else {3}
    return None if cvc.isascii() and cvc.isdigit() and len(cvc) in lengths else "invalid_cvc"


def brand_of(digits: str) -> str:
    """Return the scheme by the leading digits, or `unknown`."""
    return next((brand for brand, prefix in _BRANDS if prefix.match(digits)), "unknown")
