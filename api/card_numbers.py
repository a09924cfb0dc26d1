"""Finding card numbers where none may stand, so that no text a merchant stores ever holds one.

A number counts as a card number when it has 13 to 19 digits (single spaces or hyphens between them are allowed),
begins as an issuer's does and passes the Luhn check. Long order numbers pass by chance in a few cases of a hundred;
refusing those is better than storing one card.
"""

from __future__ import annotations

import re
from typing import Final

DIGIT_RUN: Final = re.compile(r"\d+(?:[ -]\d+)*")
ISSUER_PREFIX: Final = re.compile(r"3[0-9]|4|5[0-9]|2[2-7]|6|8[12]")
"""American Express, Diners and JCB; Visa; Mastercard and Maestro; Discover, RuPay and UnionPay (ISO/IEC 7812)."""
LENGTH_MIN: Final = 13
LENGTH_MAX: Final = 19


def contains_card_number(text: str) -> bool:
    """Tell whether a card number stands anywhere in `text`."""
    return any(_run_holds_number(run.group()) for run in DIGIT_RUN.finditer(text))


def _run_holds_number(run: str) -> bool:
    groups = re.split("[ -]", run)
    for first in range(len(groups)):
        number = ""
        for group in groups[first:]:
            number += group
            if len(number) > LENGTH_MAX:
                break
            if _is_card_number(number):
                return True
    return False


def _is_card_number(number: str) -> bool:
    return len(number) >= LENGTH_MIN and ISSUER_PREFIX.match(number) is not None and passes_luhn(number)


def passes_luhn(number: str) -> bool:
    """Check the last digit against the others (ISO/IEC 7812-1, annex B)."""
    digits = [int(character) for character in reversed(number)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
