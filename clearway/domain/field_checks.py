"""Checks of fields that come from outside, for pydantic: requests and routing rules have the same."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from pydantic_core import PydanticCustomError

from clearway.domain import money
from clearway.domain.card_numbers import contains_card_number
from clearway.domain.text import UNSTORABLE

CARD_NUMBER_REFUSED: Final = "card_number_refused"
COUNTRY_FORM: Final = r"^[A-Z]{2}$"
SOMETHING_FORM: Final = r"\S"
MOMENT_FORM: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]")


def currency_code(code: str) -> str:
    """Refuse what is no ISO 4217 code."""
    try:
        money.exponent(code)
    except money.CurrencyUnknownError:
        message = "This is not an ISO 4217 currency code in capital letters, such as INR, USD or JPY"
        raise PydanticCustomError("currency_unknown", message) from None
    return code


def plain_text(text: str) -> str:
    """Refuse what must not or cannot be stored."""
    return without_card_number(text, "This looks like a card number, and card numbers are never stored. Remove it")


def without_card_number(text: str, refusal: str) -> str:
    """Refuse text that cannot be stored, and a card number with these words."""
    if UNSTORABLE.search(text):
        raise PydanticCustomError("text_not_plain", "Remove control characters; they cannot be stored")
    if contains_card_number(text):
        raise PydanticCustomError(CARD_NUMBER_REFUSED, "{refusal}", {"refusal": refusal})
    return text


def written_time(value: Any) -> Any:
    """Refuse a bare number, which would be read as seconds since 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and MOMENT_FORM.match(value)):
        return value
    message = "Write a date and time with its offset (RFC 3339), such as 2026-11-21T10:41:38Z"
    raise PydanticCustomError("datetime_form", message)
