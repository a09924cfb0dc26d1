"""Descriptions of field patterns, in words, for error messages: nobody should have to read a regular expression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clearway.domain.branding import COLOUR_FORM, LOGO_FORM, ORIGIN_FORM
from clearway.domain.field_checks import COUNTRY_FORM, SOMETHING_FORM
from clearway.domain.ids import BODY_LENGTH
from clearway.domain.routing_conditions import BIN_FORM, CURRENCY_FORM, TIME_FORM, ZONE_FORM
from clearway.domain.saved_views import NAME_FORM as COLUMN_FORM

WORDS: Final[Mapping[str, str]] = {
    SOMETHING_FORM: "a text of more than blanks",
    COUNTRY_FORM: "a country of two capital letters, such as IN",
    CURRENCY_FORM: "a currency of three capital letters, such as INR",
    BIN_FORM: "4 to 8 digits",
    TIME_FORM: "a time of day, such as 09:30",
    ZONE_FORM: "a time zone, such as Asia/Kolkata",
    COLUMN_FORM: "a name of small letters, digits and _, at most 40",
    COLOUR_FORM: "a colour such as #1a2b3c, in small letters",
    LOGO_FORM: "a PNG, JPEG or WebP image as a data: URL in base64",
    ORIGIN_FORM: "an origin such as https://shop.example, in small letters and without a path",
    rf"^gw_[0-9a-z]{{{BODY_LENGTH}}}$": "the id of a gateway, which begins with gw_",
    r"^\S(?:.*\S)?$": "a name without blanks at its ends",
}


def wanted(pattern: str, words: Mapping[str, str] = WORDS) -> str:
    """Say what a field with this pattern must be."""
    return f"This must be {words[pattern]}" if pattern in words else f"This must match the pattern {pattern}"
