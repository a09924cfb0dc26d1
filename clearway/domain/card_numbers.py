"""Card numbers in text: the check digit, the issuers' ranges, and finding a number where none is allowed.

`contains_card_number` decides what the API refuses to store. A wrong refusal stops a payment, so it looks at more than
the check digit, which one number in ten passes by chance:

- **Issuer and length together** (ISO/IEC 7812, the schemes' published ranges): 16 digits beginning with 4 can be a
  Visa card, 17 cannot. Numbers of 13 digits have not been issued for years, while mobile numbers (Germany, Austria,
  Brazil, China) and EAN-13 product codes have exactly that length; they are left alone.
- **Notation**: one run of digits, or groups of four and more, separated by one space or dash.
- **Context**: UUIDs, hexadecimal digests and ids of Clearway are identifiers, with any digits. A `+` before at most 15
  digits is a telephone number (ITU-T E.164). Digits after a decimal point are a fraction.

About one random number of 16 digits in 30 still looks like a card and is refused: no rule can tell the two apart.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

LENGTH_MIN: Final = 13
LENGTH_MAX: Final = 19
GROUP_LENGTH_MIN: Final = 4
"""Only the last group of a number may be shorter: this keeps dates and telephone numbers apart from cards."""
PHONE_LENGTH_MAX: Final = 15

IDENTIFIER: Final = (
    r"\b[a-z]{2,6}_[0-9a-hjkmnp-tv-z]{26}\b"
    r"|\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"
    r"|\b(?=[0-9]*[a-f])[0-9a-f]{32,128}\b"
    r"|\b\d{1,12}\.\d{13,}\b"
)
"""Ids of Clearway, UUIDs, hexadecimal digests and decimal fractions: their digits are not a card number."""

_SEPARATOR: Final = "[ \u00a0\u2010-\u2015-]"
_RUN: Final = re.compile(rf"{IDENTIFIER}|(?P<plus>\+\s?)?(?P<digits>\d+(?:{_SEPARATOR}\d+)*)")
_ISSUED: Final = re.compile(
    r"4\d{15}(?:\d{3})?"  # Visa: 16, 19
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard: 16
    r"|3[47]\d{13}"  # American Express: 15
    r"|3(?:0[0-5]|095|[689]\d)\d{11}|3(?:0[0-5]|095|[689]\d)\d{13,16}"  # Diners Club: 14, 16 to 19
    r"|35(?:2[89]|[3-8]\d)\d{12,15}"  # JCB: 16 to 19
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12,15}"  # Discover, RuPay: 16 to 19
    r"|62\d{14,17}|81\d{14,17}"  # UnionPay: 16 to 19
    r"|(?:60\d\d|508\d|82\d\d|353\d|356\d)\d{12}"  # RuPay: 16
    r"|(?:5018|5020|5038|5612|5893|6304|6759|676[1-3]|0604|6390)\d{12,15}"  # Maestro: 16 to 19
    r"|220[0-4]\d{12,15}"  # Mir: 16 to 19
    r"|9792\d{12}|5019\d{12}|8600\d{12}|9860\d{12}"  # Troy, Dankort, Uzcard, Humo: 16
    r"|(?:50(?:60|61|78)|650[01])\d{12}(?:\d{2,3})?"  # Verve: 16, 18, 19
    r"|(?:4011|4312|4389|4514|4576|504[01]|506[67]|509\d|627[87]|636[23])\d{12}",  # Elo: 16
    re.ASCII,
)


def passes_luhn(digits: str) -> bool:
    """Tell whether the check digit is right (ISO/IEC 7812-1, annex B). digits: ASCII digits only."""
    values = [int(digit) for digit in reversed(digits)]
    doubled = (sum(divmod(2 * value, 10)) for value in values[1::2])
    return (sum(values[::2]) + sum(doubled)) % 10 == 0


def is_issued_number(digits: str) -> bool:
    """Tell whether an issuer can have given out these ASCII digits as a card number."""
    return _ISSUED.fullmatch(digits) is not None and passes_luhn(digits)


def contains_card_number(text: str) -> bool:
    """Tell whether a card number stands anywhere in `text`, written in digits of any script."""
    return any(is_issued_number(number) for number in _candidates(text))


def _candidates(text: str) -> Iterator[str]:
    for run in _RUN.finditer(text):
        digits = run["digits"]
        if digits is None or len(digits) < LENGTH_MIN:
            continue
        groups = [_in_ascii(group) for group in re.split(_SEPARATOR, digits)]
        if run["plus"] and sum(map(len, groups)) <= PHONE_LENGTH_MAX:
            continue
        for first in range(len(groups)):
            yield from _beginning_at(groups[first:])


def _beginning_at(groups: list[str]) -> Iterator[str]:
    number = ""
    for group in groups:
        number += group
        if len(number) > LENGTH_MAX:
            return
        yield number
        if len(group) < GROUP_LENGTH_MIN:
            return


def _in_ascii(group: str) -> str:
    return group if group.isascii() else "".join(str(unicodedata.digit(digit)) for digit in group)
