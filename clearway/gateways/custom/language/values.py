"""What a field of a request or a part of a signature holds: a template, or one of a closed list of forms.

A form is an object with one key of its own, such as `{"amount": true}`. Only `amount` writes an amount, exactly or not
at all, and only `credential` writes a secret.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, JsonValue, Tag
from typing_extensions import TypeAliasType

from clearway.gateways.custom.language.base import FIELDS_MAX, FieldName, Name, Part, Template, Text

NUMBER_LENGTH_MAX = 18


class AmountFormat(Part):
    """How the gateway writes an amount. An amount that it cannot write exactly is not sent.

    minor_int: 1050 for 10.50. major_int: 10 for 10.00. decimal: 10.50; places: by default as many as the currency has.
    """

    format: Literal["minor_int", "major_int", "decimal"]
    places: Annotated[int, Field(ge=0, le=4)] | None = None
    separator: Literal[".", ","] = "."


class AmountValue(Part):
    """The operation's amount: `true` in the document's format, or a format of this place."""

    amount: Literal[True] | AmountFormat


class CurrencyValue(Part):
    """The currency, as `currencies` spells it."""

    currency: Literal[True]


class IdentifierValue(Part):
    """An identifier that `identifiers` derives from our key."""

    identifier: Name


class ReferenceValue(Part):
    """A reference that an earlier answer gave, such as `payment`."""

    reference: Name


class SettingValue(Part):
    """A setting that the merchant entered."""

    setting: Name


class CredentialValue(Part):
    """A credential that the merchant entered. It is shown nowhere."""

    credential: Name


class UrlValue(Part):
    """return: where the customer comes back to. callback: where the gateway sends its events."""

    url: Literal["return", "callback"]


class FieldValue(Part):
    """A field of the same message, as it is sent or as it was received. if_present: leave the part out without it."""

    field: FieldName
    if_present: bool = False


class HeaderValue(Part):
    """A header of a received message. Only in signatures of callbacks."""

    header: FieldName


class RawValue(Part):
    """The message's raw body, its path with the query, or its whole URL. Only in signatures."""

    raw: Literal["body", "path", "url"]


class SignatureValue(Part):
    """A signature by a recipe of `signatures`, over this message."""

    signature: Name


class ConstantValue(Part):
    """A JSON value as it is, such as a number."""

    constant: JsonValue


class Base64Value(Part):
    """A value in base64."""

    base64: Value


class NumberValue(Part):
    """A value as a JSON number, not as text."""

    number: Value


class HashValue(Part):
    """A digest inside a signature."""

    hash: Recipe


class MapValue(Part):
    """A value translated by a map of `maps`. Without `otherwise`, one that is not in the map is not sent."""

    map: Name
    of: Value
    otherwise: Text | None = None


class ObjectValue(Part):
    """A JSON object."""

    object: Annotated[dict[FieldName, Value], Field(max_length=FIELDS_MAX)]


class ArrayValue(Part):
    """A JSON array."""

    array: Annotated[list[Value], Field(max_length=FIELDS_MAX)]


_FORMS = (
    *("amount", "currency", "identifier", "reference", "setting", "credential", "url", "field", "header", "raw"),
    *("signature", "constant", "base64", "number", "hash", "map", "object", "array"),
)


def _form(value: Any) -> str | None:
    """Return which form a value has, by the key that only this form has."""
    if isinstance(value, str):
        return "text"
    keys = value if isinstance(value, dict) else vars(value) if isinstance(value, Part) else ()
    return next((form for form in _FORMS if form in keys), None)


Value = TypeAliasType(
    "Value",
    Annotated[
        Annotated[Template, Tag("text")]
        | Annotated[AmountValue, Tag("amount")]
        | Annotated[CurrencyValue, Tag("currency")]
        | Annotated[IdentifierValue, Tag("identifier")]
        | Annotated[ReferenceValue, Tag("reference")]
        | Annotated[SettingValue, Tag("setting")]
        | Annotated[CredentialValue, Tag("credential")]
        | Annotated[UrlValue, Tag("url")]
        | Annotated[FieldValue, Tag("field")]
        | Annotated[HeaderValue, Tag("header")]
        | Annotated[RawValue, Tag("raw")]
        | Annotated[SignatureValue, Tag("signature")]
        | Annotated[ConstantValue, Tag("constant")]
        | Annotated[Base64Value, Tag("base64")]
        | Annotated[NumberValue, Tag("number")]
        | Annotated[HashValue, Tag("hash")]
        | Annotated[MapValue, Tag("map")]
        | Annotated[ObjectValue, Tag("object")]
        | Annotated[ArrayValue, Tag("array")],
        Discriminator(
            _form,
            custom_error_type="value_form",
            custom_error_message=f"a value is a text, or an object with one of: {', '.join(_FORMS)}",
        ),
    ],
)

Algorithm = Literal["md5", "sha1", "sha256", "sha512", "hmac-md5", "hmac-sha1", "hmac-sha256", "hmac-sha512"]


class Recipe(Part):
    """How a signature or digest is made: the parts joined by the separator, hashed, encoded, with prefix and suffix.

    key: only for hmac-*. A secret that goes into the text is a part: `{"credential": "…"}`.
    """

    algorithm: Algorithm
    parts: Annotated[list[Value], Field(min_length=1, max_length=FIELDS_MAX)]
    separator: Annotated[str, Field(max_length=8)] = ""
    key: Value | None = None
    encoding: Literal["hex", "hex_upper", "base64"] = "hex"
    prefix: Value | None = None
    suffix: Value | None = None
