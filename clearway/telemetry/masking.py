"""Masking of credentials, card numbers and personal data in log records.

Pure: values in, masked values out. It must not decide what is logged. Masking is the last
line of defence, not the first: code does not log secrets to begin with.

The rules:

- A value under a key that names a secret (`password`, `X-Api-Secret`, `cvv`, `token`, ...) is replaced whole; a value
  under one that names a person's detail (`email`, `vpa`, `phone`, `holder_name`, ...) keeps its first character, and
  an address its domain.
- In any text: `name=value` and `"name": "value"` of such a secret, `Bearer ...`, `whsec_...`, passwords in URLs,
  e-mail addresses and VPAs, and phone numbers that begin with `+`.
- A card number is 13 to 19 digits, in one run or in groups of at least four parted by one blank, dash or plus (or its
  URL form), beginning with 2 to 9, that pass the Luhn check; as text or as an integer. The last four digits stay.
- Not masked, so that logs stay useful: identifiers (`pay_01jd...`), UUIDs and hexadecimal digests, whatever digits
  they hold; decimal fractions; times in seconds, milliseconds or nanoseconds, which begin with 1 until 2033; amounts,
  which have at most 12 digits; ISO dates, whose groups are too short. One in ten other numbers of card length passes
  Luhn and is masked although it is no card number: a masked bank reference costs a look-up, a card number in a log an
  audit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time
from itertools import islice
from typing import Any, Final

from clearway.domain.card_numbers import GROUP_LENGTH_MIN, IDENTIFIER, LENGTH_MAX, LENGTH_MIN, passes_luhn

MASKED: Final = "[masked]"
DEPTH_MAX: Final = 12
ITEMS_MAX: Final = 256
TEXT_LENGTH_MAX: Final = 32 * 1024
INTEGER_MAX: Final = 2**63 - 1

CARD_DIGITS_SHOWN: Final = 4
PHONE_DIGITS_MIN: Final = 7

SECRET_KEY: Final = re.compile(
    r"secret|passw(or)?d|passphrase|authorization|cookie|credential|pepper|private[_-]?key|card[_-]?number"
    r"|api[_-]?key(?![_-]?id)|^x[_-]api[_-]"
    r"|(^|[_-])(tokens?|cvv2?|cvc2?|otp|pin|pan)([_-](value|data))?$",
    re.IGNORECASE,
)
PERSONAL_KEY: Final = re.compile(
    r"(^|[_-])(e?mail|email[_-]?address|vpa|upi[_-]?id|phone|phone[_-]?number|mobile|contact|msisdn)$"
    r"|holder([_-]?name)?$|(^|[_-])(first|last|full|customer)[_-]?name$",
    re.IGNORECASE,
)

_SCHEME_CREDENTIALS: Final = re.compile(r"\b(Bearer|Basic|Digest)\s+[\w.~+/=-]{4,}", re.IGNORECASE)
_KNOWN_SECRET: Final = re.compile(r"\b(whsec_|whsk_|secret_(?:test|live)_|sk_(?:test|live)_)[\w+/=-]+")
_URL_PASSWORD: Final = re.compile(r"""(://[^\s:/@?#"']*:)[^\s/"']+@""")
_NAMED_SECRET: Final = re.compile(
    r"(?P<name>(?:(?:secret|passw(?:or)?d|passphrase|pepper|private[_-]?key|card[_-]?number|api[_-]?key(?![_-]?id))"
    r"[\w-]{0,40}|(?<![A-Za-z0-9])(?:authorization|cookie|tokens?|otp|cvv2?|cvc2?)))"
    # name=value, name: value, "name": "value", 'name' => 'value', and pairs of a header list: ('name', b'value')
    r"""(?P<between>\\?["']?\s{0,8}(?:=>|=|:)\s{0,8}|\\?["']\s{0,8},\s{0,8})"""
    r"""(?P<value>b?"(?:[^"\\]|\\.)*"?|b?'(?:[^'\\]|\\.)*'?"""
    r"""|\\"(?:[^"\\]|\\[^"])*(?:\\")?|\\'(?:[^'\\]|\\[^'])*(?:\\')?|\[masked\]|[^\s,;&}\])"'\\]+)""",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(r"(?<![\w.%+-])(?P<first>[\w%+-])[\w.%+-]*@(?P<domain>[A-Za-z][\w-]*(?:\.[\w-]+)*)")
_PHONE: Final = re.compile(r"(?<![\w+])\+\d(?:[ -]?\d){7,14}(?!\d)", re.ASCII)
_ESCAPED_BEFORE: Final = r"(?:%[0-9a-fA-F]{2}|\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4})?"
_SEPARATOR: Final = r"(?:[ +\-\u00a0]|%20|%2[bBdD])"
_NUMBER: Final = re.compile(rf"{IDENTIFIER}|{_ESCAPED_BEFORE}(?P<digits>\d+(?:{_SEPARATOR}\d+)*)", re.ASCII)
_GROUP: Final = re.compile(r"%20|%2[bBdD]|(?P<digits>\d+)", re.ASCII)


def mask(value: Any, depth: int = 0) -> Any:
    """Return `value` masked, made of JSON types only. Never raises."""
    if not isinstance(value, Mapping | Sequence | AbstractSet) or isinstance(value, str | bytes | bytearray):
        return _mask_scalar(value)
    if depth >= DEPTH_MAX:
        return "[too deep]"
    if isinstance(value, Mapping):
        return mask_mapping(value, depth + 1)
    return [mask(item, depth + 1) for item in islice(value, ITEMS_MAX)]


def mask_mapping(mapping: Mapping[Any, Any], depth: int = 0) -> dict[str, Any]:
    """Return the mapping masked by key and by value."""
    entries = ((_text_of(key), value) for key, value in islice(mapping.items(), ITEMS_MAX))
    return {mask_text(key): _mask_entry(key, value, depth) for key, value in entries}


def mask_text(text: str) -> str:
    """Return the text with secrets, card numbers and personal data masked, cut at 32 KiB."""
    shown = _cut(text).encode("utf-8", "backslashreplace").decode()
    shown = _SCHEME_CREDENTIALS.sub(rf"\1 {MASKED}", shown)
    shown = _URL_PASSWORD.sub(rf"\1{MASKED}@", shown)
    shown = _NAMED_SECRET.sub(rf"\g<name>\g<between>{MASKED}", shown)
    shown = _KNOWN_SECRET.sub(rf"\1{MASKED}", shown)
    shown = _NUMBER.sub(_mask_number, shown)
    shown = _ADDRESS.sub(r"\g<first>***@\g<domain>", shown)
    return _PHONE.sub(lambda match: _mask_phone(match[0]), shown)


def mask_integer(number: int) -> int | str:
    """Return the integer, unless it is a card number or too large for JSON."""
    if abs(number) > INTEGER_MAX:
        return hex(number)
    digits = str(abs(number))
    return _card_shown(digits) if is_card_number(digits) else number


def is_card_number(digits: str) -> bool:
    """Return whether these digits can be a card number.

    Wider than what the API refuses (`clearway.domain.card_numbers`): a wrong mask costs a look-up, a wrong refusal a
    payment.
    """
    if not LENGTH_MIN <= len(digits) <= LENGTH_MAX or digits[0] in "01":
        return False
    return passes_luhn(digits)


def mask_partly(text: str) -> str:
    """Return just enough of a personal detail to recognise it in a support conversation."""
    address = _ADDRESS.fullmatch(text)
    if address is not None:
        return f"{address['first']}***@{address['domain']}"
    if sum(character.isdigit() for character in text) >= PHONE_DIGITS_MIN:
        return _mask_phone(text)
    return f"{text[:1]}***" if text else text


def _mask_scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return mask_integer(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    # Other types become text here: a renderer would turn them into text after the masking.
    return mask_text(_text_of(value))


def _mask_entry(key: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if SECRET_KEY.search(key):
        return MASKED
    if PERSONAL_KEY.search(key):
        if isinstance(value, str | int):
            return mask_partly(str(value))
        if isinstance(value, list | tuple):
            return [_mask_entry(key, item, depth + 1) if depth < DEPTH_MAX else MASKED for item in value]
    return mask(value, depth)


def _mask_number(match: re.Match[str]) -> str:
    """Mask the card numbers among the groups of one run of digits, the longest that begins at each group."""
    run = match["digits"]
    if run is None:
        return match[0]
    before = match[0][: -len(run)]
    groups = [group for group in _GROUP.finditer(run) if group["digits"]]
    shown, position, index = "", 0, 0
    while index < len(groups):
        digits, end = _card_from(groups, index)
        if digits:
            shown += run[position : groups[index].start()] + _card_shown(digits)
            position = groups[end - 1].end()
        index = end
    return before + shown + run[position:]


def _card_from(groups: list[re.Match[str]], start: int) -> tuple[str, int]:
    """Return the longest card number that begins at this group and the index after it; or "" and the next index."""
    found, end, digits = "", start + 1, ""
    for index in range(start, len(groups)):
        digits += groups[index][0]
        if len(digits) > LENGTH_MAX:
            break
        if is_card_number(digits):
            found, end = digits, index + 1
        if len(groups[index][0]) < GROUP_LENGTH_MIN:
            break  # only a last group may be shorter: this keeps dates and counts apart from cards
    return found, end


def _card_shown(digits: str) -> str:
    return f"[card ending {digits[-CARD_DIGITS_SHOWN:]}]"


def _mask_phone(text: str) -> str:
    beginning = text[:3] if text.startswith("+") else ""
    return f"{beginning}***{text[-2:]}"


def _cut(text: str) -> str:
    if len(text) <= TEXT_LENGTH_MAX:
        return text
    # The first part of a card number that the cut went through would not be recognised.
    kept = text[:TEXT_LENGTH_MAX].rstrip("0123456789 -+")
    return f"{kept} [{len(text) - len(kept)} more characters]"


def _text_of(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - any object may be logged, and logging must not raise
        return f"[{type(value).__name__} without a text]"
