"""The kinds of values in requests, each with its bound and its check; schemas are made of these.

Text is refused when it holds what a database or a log cannot (NUL, lone surrogates, control characters) or what must
not be stored (card numbers).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from clearway.domain.field_checks import (
    COUNTRY_FORM,
    SOMETHING_FORM,
    currency_code,
    plain_text,
    without_card_number,
    written_time,
)
from clearway.domain.limits import (
    AMOUNT_MINOR_MAX,
    NOTES_KEY_LENGTH_MAX,
    NOTES_KEYS_MAX,
    NOTES_VALUE_LENGTH_MAX,
    OPERATOR_TEXT_LENGTH_MAX,
    SEARCH_LENGTH_MAX,
    URL_LENGTH_MAX,
)
from clearway.domain.mail import ADDRESS_LENGTH_MAX
from clearway.domain.time_zones import time_zones
from clearway.egress import UrlRefusedError, parse_url

CODE_FORM: Final = r"^[A-Za-z0-9_-]{2,32}$"
OPAQUE_FORM: Final = r"^[A-Za-z0-9_.:-]{8,255}$"
EMAIL_FORM: Final = r"^[^@\s]+@[^@\s]+$"
PHONE_FORM: Final = r"^\+?(?:[ ()-]*[0-9]){5,15}[ ()-]*$"
"""5 to 15 digits (ITU-T E.164): a card number of 16 digits is no telephone number."""
PHONE_LENGTH_MAX: Final = 24
CARD_NUMBER_FORM: Final = r"^[0-9](?:[ -]?[0-9]){11,18}$"
SECURITY_CODE_FORM: Final = r"^[0-9]{3,4}$"
_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_IPV6: Final = rf"(?:[0-9A-Fa-f]{{0,4}}:){{2,7}}(?:[0-9A-Fa-f]{{0,4}}|{_IPV4})"
NETWORK_FORM: Final = rf"^(?:{_IPV4}(?:/(?:3[0-2]|[12]?[0-9]))?|{_IPV6}(?:/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9]))?)$"
"""How a network or an address is spelt. Whether the bits after the prefix are zero is checked after it."""
VPA_FORM: Final = r"^[a-zA-Z0-9.\-_]{2,256}@[a-zA-Z][a-zA-Z0-9]{1,63}$"
"""name@handle; NPCI's handles are letters, some with digits after them (s2b)."""


Flag = Annotated[bool, Field(strict=True)]
"""`true` or `false`: never 0 or "no"."""


class Body(BaseModel):
    """Base of every request body: an unknown field is refused, because it may be misspelt."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)


def absent() -> Any:
    """Stand for a field that was not sent: it may be left out, and an explicit null is refused by its type."""
    return None


def trimmed_name(name: str) -> str:
    """Return a name without the blanks around it, and refuse one that is nothing else."""
    if not name.strip():
        raise PydanticCustomError("name_blank", "Write a name")
    return name.strip()


def _opaque(token: str) -> str:
    return without_card_number(
        token,
        "These digits could be a card number, and card numbers are never stored. Send the gateway's token. If this is "
        "the token, let the gateway create another one: about 1 in 30 tokens of 16 digits looks like a card number",
    )


def _secret_of_form(form: str, message: str) -> Callable[[SecretStr], SecretStr]:
    """Return a check of a secret's form; pydantic itself bounds only its length."""

    def check(secret: SecretStr) -> SecretStr:
        if not re.fullmatch(form, secret.get_secret_value()):
            raise PydanticCustomError("secret_form", "{expected}", {"expected": message})
        return secret

    return check


def _string_only(value: Any) -> Any:
    """Refuse a number in place of text before anything converts it."""
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "This must be a string")
    return value


def _in_utc(moment: datetime) -> datetime:
    """Convert a time to UTC. The first and last days of the calendar can overflow there."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError(
            "time_out_of_range", "This time is out of range. Use a year from 1 to 9999 in UTC"
        ) from None


def _network(text: str) -> str:
    """Return a network in its usual form, or refuse what is none."""
    try:
        if re.fullmatch(NETWORK_FORM, text):
            return str(ip_network(text))
    except ValueError:
        pass
    message = "This is not a network in CIDR form, such as 203.0.113.0/24, or an address"
    raise PydanticCustomError("network_form", message)


def _zone(value: str) -> str:
    if value not in time_zones():
        raise PydanticCustomError("time_zone", "This is not a time zone such as Asia/Yerevan")
    return value


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("search_blank", "Write what to look for, or leave the parameter out to list all")
    return text


def _http_url(text: str) -> str:
    try:
        parse_url(text)
    except UrlRefusedError as refused:
        raise PydanticCustomError("url_form", "{reason}", {"reason": refused.detail}) from None
    return text


PlainText = Annotated[str, BeforeValidator(_string_only), AfterValidator(plain_text)]
Id = Annotated[PlainText, StringConstraints(max_length=64)]
"""The id of something, as it was sent: there may be no such thing."""
Amount = Annotated[
    int,
    Field(
        strict=True,
        gt=0,
        le=AMOUNT_MINOR_MAX,
        description="Amount in minor units of the currency (paise, cents), as an integer.",
        examples=[50_000],
    ),
]
CurrencyCode = Annotated[
    str,
    StringConstraints(min_length=3, max_length=3),
    AfterValidator(currency_code),
    Field(description="ISO 4217 currency code in capital letters.", examples=["INR"]),
]
Findings = Annotated[
    PlainText,
    StringConstraints(min_length=1, max_length=OPERATOR_TEXT_LENGTH_MAX, pattern=SOMETHING_FORM),
    Field(json_schema_extra={"pattern": SOMETHING_FORM}),
]
"""What a person found out, in words, as the reason of a decision."""
NotesKey = Annotated[PlainText, StringConstraints(min_length=1, max_length=NOTES_KEY_LENGTH_MAX)]
NotesValue = Annotated[PlainText, StringConstraints(max_length=NOTES_VALUE_LENGTH_MAX)]
NotesField = Annotated[
    dict[NotesKey, NotesValue],
    Field(
        max_length=NOTES_KEYS_MAX,
        description=f"Up to {NOTES_KEYS_MAX} texts of your own, stored with the resource and returned with it.",
        examples=[{"cart": "c-1042"}],
    ),
]
# The document leaves out a pattern that is checked after the text, so it is repeated there.
Vpa = Annotated[
    PlainText,
    StringConstraints(pattern=VPA_FORM),
    Field(json_schema_extra={"pattern": VPA_FORM}, examples=["success@razorpay"]),
]
Country = Annotated[
    PlainText,
    StringConstraints(pattern=COUNTRY_FORM),
    Field(json_schema_extra={"pattern": COUNTRY_FORM}, description="ISO 3166, two capital letters."),
]
Code = Annotated[PlainText, StringConstraints(pattern=CODE_FORM), Field(json_schema_extra={"pattern": CODE_FORM})]
Token = Annotated[
    str,
    BeforeValidator(_string_only),
    AfterValidator(_opaque),
    StringConstraints(pattern=OPAQUE_FORM),
    Field(json_schema_extra={"pattern": OPAQUE_FORM}),
]
Email = Annotated[
    PlainText,
    StringConstraints(pattern=EMAIL_FORM, max_length=ADDRESS_LENGTH_MAX),
    Field(json_schema_extra={"pattern": EMAIL_FORM}),
]
Phone = Annotated[
    PlainText,
    StringConstraints(pattern=PHONE_FORM, max_length=PHONE_LENGTH_MAX),
    Field(json_schema_extra={"pattern": PHONE_FORM}, examples=["+4917604069006"]),
]
CardNumber = Annotated[
    SecretStr,
    Field(json_schema_extra={"pattern": CARD_NUMBER_FORM}, examples=["4242 4242 4242 4242"]),
    AfterValidator(
        _secret_of_form(CARD_NUMBER_FORM, "Write 12 to 19 digits, with single blanks or dashes if you like")
    ),
]
SecurityCode = Annotated[
    SecretStr,
    Field(json_schema_extra={"pattern": SECURITY_CODE_FORM}, examples=["123"]),
    AfterValidator(_secret_of_form(SECURITY_CODE_FORM, "Write the three or four digits")),
]
Time = Annotated[AwareDatetime, BeforeValidator(written_time), AfterValidator(_in_utc)]
TimeZone = Annotated[PlainText, StringConstraints(max_length=64), AfterValidator(_zone)]
SearchTerm = Annotated[PlainText, StringConstraints(max_length=SEARCH_LENGTH_MAX), AfterValidator(_not_blank)]
Network = Annotated[
    PlainText,
    StringConstraints(max_length=64),
    AfterValidator(_network),
    Field(json_schema_extra={"pattern": NETWORK_FORM}),
]
HttpUrl = Annotated[PlainText, StringConstraints(max_length=URL_LENGTH_MAX), AfterValidator(_http_url)]
