"""Descriptions of the patterns of the API's fields, for error messages, besides those of the domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.http import fields
from clearway.domain import forms

WORDS: Final[Mapping[str, str]] = {
    **forms.WORDS,
    fields.VPA_FORM: "a UPI ID, such as name@bank",
    fields.EMAIL_FORM: "an e-mail address, such as ann@example.com",
    fields.PHONE_FORM: "a telephone number of 5 to 15 digits, such as +91 98765 43210",
    fields.CARD_NUMBER_FORM: "a card number of 12 to 19 digits",
    fields.SECURITY_CODE_FORM: "3 or 4 digits",
    fields.CODE_FORM: "a code of 2 to 32 letters, digits, _ or -, such as HDFC",
    fields.OPAQUE_FORM: "a token of 8 to 255 letters, digits, or _ . : -",
    fields.NETWORK_FORM: "an address or a network, such as 203.0.113.7 or 203.0.113.0/24",
    r"^[0-9]{6}$": "6 digits",
    r"^[a-z_]{1,40}$": "a word of small letters and _, at most 40",
    r"^[A-Za-z0-9+/]{22}==$": "16 bytes in base64, as the export wrote them",
    r"^[A-Za-z0-9+/]{16}$": "12 bytes in base64, as the export wrote them",
    r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$": "base64, as the export wrote it",
}


def wanted(pattern: str) -> str:
    """Say what a field with this pattern must be."""
    return forms.wanted(pattern, WORDS)
