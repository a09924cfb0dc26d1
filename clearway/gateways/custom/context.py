"""What a document's fields are filled in from: the operation, and what the merchant entered. Pure.

`Writer` evaluates the values of one message. What cannot be written exactly is a `NotSendableError`: nothing was sent.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from clearway.domain.money import exponent
from clearway.gateways.contract import Operation
from clearway.gateways.custom import amounts, identifiers, recipes, templates
from clearway.gateways.custom.language.document import Document
from clearway.gateways.custom.language.values import (
    AmountFormat,
    AmountValue,
    ArrayValue,
    Base64Value,
    ConstantValue,
    CredentialValue,
    CurrencyValue,
    FieldValue,
    HashValue,
    HeaderValue,
    IdentifierValue,
    MapValue,
    NumberValue,
    ObjectValue,
    RawValue,
    Recipe,
    ReferenceValue,
    SettingValue,
    SignatureValue,
    UrlValue,
    Value,
)

TEXT_LENGTH_MAX: Final = 16 * 1024
"""Of one value: what is encoded again and again grows without end."""
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,8})?")


class NotSendableError(Exception):
    """A message cannot be written: a value is missing, an amount is not exact, a template fails. Nothing was sent."""


class JsonNumber(str):
    """A number in the digits in which it is to be written in JSON."""

    __slots__ = ()


@dataclass(frozen=True)
class Entered:
    """What the merchant entered. settings: with the defaults of the document. addresses: by name."""

    settings: Mapping[str, str]
    credentials: Mapping[str, str] = field(repr=False)
    addresses: Mapping[str, str]
    callback_url: str


@dataclass(frozen=True)
class Message:
    """A message that a signature is made over, as far as it is known."""

    fields: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    path: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Writer:
    """Evaluates values. operation None: for a message that is received, which is of no operation yet."""

    document: Document
    entered: Entered
    operation: Operation | None = None

    def text(self, value: Value, message: Message) -> str:
        """Return a value as text. Raises NotSendableError."""
        written = self.json(value, message)
        if isinstance(written, bool):
            return "true" if written else "false"
        if isinstance(written, int | str) and len(text := str(written)) <= TEXT_LENGTH_MAX:
            return text
        raise NotSendableError("a JSON object or list, or a text of such length, cannot stand here")

    def json(self, value: Value, message: Message) -> Any:
        """Return a value as JSON; numbers as `JsonNumber`. Raises NotSendableError."""
        match value:
            case str():
                return self._filled_in(value)
            case ConstantValue():
                return value.constant
            case NumberValue():
                return self._number(self.text(value.number, message))
            case ObjectValue():
                return {name: self.json(each, message) for name, each in value.object.items()}
            case ArrayValue():
                return [self.json(each, message) for each in value.array]
            case _:
                return self._scalar(value, message)

    def part(self, value: Value, message: Message) -> bytes | None:
        """Return a part of a signature; None: it is left out. Raises NotSendableError."""
        if isinstance(value, RawValue):
            return self._raw(value, message)
        if isinstance(value, FieldValue) and value.if_present and not message.fields.get(value.field):
            return None
        return self.text(value, message).encode("utf-8", "surrogatepass")

    def digest(self, recipe: Recipe, message: Message) -> str:
        """Return the signature of a message. Raises NotSendableError."""
        try:
            return recipes.made(recipe, lambda value: self.part(value, message))
        except (recipes.PartMissingError, UnicodeDecodeError) as error:
            raise NotSendableError(str(error)) from None

    def path(self, template: str) -> str:
        """Return a URL path. Raises NotSendableError."""
        try:
            return templates.path_filled_in(template, self._names())
        except templates.TemplateFailedError as error:
            raise NotSendableError(f"the path {template!r}: {error}") from None

    def address(self, name: str) -> str:
        """Return the base URL of an address."""
        return self.entered.addresses[name].rstrip("/")

    def identifier(self, name: str) -> str:
        """Return an identifier of the operation."""
        return identifiers.derived(self.document.identifiers[name], self._operation().key)

    def gateway_exponent(self, currency: str) -> int:
        """Return how many decimals the gateway counts in this currency. Raises NotSendableError."""
        known = self.document.currencies.get(currency)
        if known is None:
            raise NotSendableError(f"the document has no currency {currency}")
        return exponent(currency) if known.exponent is None else known.exponent

    def amount(self, form: AmountFormat | None = None) -> str:
        """Return the operation's amount as the gateway takes it. Raises NotSendableError."""
        operation = self._operation()
        digits = self.gateway_exponent(operation.currency)
        try:
            return amounts.written(form or self.document.amount, operation.amount_minor, operation.currency, digits)
        except amounts.AmountNotExpressibleError as error:
            raise NotSendableError(str(error)) from None

    def _scalar(self, value: Value, message: Message) -> str:
        match value:
            case AmountValue():
                written = self.amount(None if value.amount is True else value.amount)
            case CurrencyValue():
                written = self._currency()
            case UrlValue():
                written = self._url(value)
            case SignatureValue():
                written = self.digest(self.document.signatures[value.signature], message)
            case HashValue():
                written = self.digest(value.hash, message)
            case Base64Value():
                written = base64.b64encode(self.text(value.base64, message).encode()).decode()
            case MapValue():
                written = self._mapped(value, self.text(value.of, message))
            case _:
                written = self._named(value, message)
        return written

    def _named(self, value: Value, message: Message) -> str:
        match value:
            case IdentifierValue():
                return self.identifier(value.identifier)
            case ReferenceValue():
                names, name = self._operation().references, value.reference
            case SettingValue():
                names, name = self.entered.settings, value.setting
            case CredentialValue():
                names, name = self.entered.credentials, value.credential
            case FieldValue():
                names, name = message.fields, value.field
            case HeaderValue():
                names, name = message.headers, value.header.lower()
            case _:
                raise NotSendableError(f"{type(value).__name__} cannot stand here")
        if name not in names:
            raise NotSendableError(f"the {type(value).__name__.removesuffix('Value').lower()} {name!r} is not there")
        return names[name]

    def _filled_in(self, template: str) -> str:
        try:
            return templates.filled_in(template, self._names())
        except templates.TemplateFailedError as error:
            raise NotSendableError(f"the template {template!r}: {error}") from None

    def _names(self) -> dict[str, Any]:
        """Return the names of templates. No amount and no secret is among them."""
        names: dict[str, Any] = {"setting": dict(self.entered.settings)}
        if self.operation is None:
            return names
        operation, asked = self.operation, self.operation.authorisation
        return names | {
            "payment": {"id": operation.payment_id, "currency": operation.currency}
            | ({"method": asked.method, "capture_method": asked.capture_method.value} if asked else {}),
            "operation": {"key": operation.key, "kind": operation.kind.value, "number": operation.number},
            "identifier": {name: self.identifier(name) for name in self.document.identifiers},
            "reference": dict(operation.references),
            **({"instrument": asked.instrument} if asked else {}),
        }

    def _currency(self) -> str:
        currency = self._operation().currency
        self.gateway_exponent(currency)
        return self.document.currencies[currency].code or currency

    def _url(self, value: UrlValue) -> str:
        if value.url == "callback":
            return self.entered.callback_url
        asked = self._operation().authorisation
        if asked is None or not asked.return_url:
            raise NotSendableError("there is no page to which the customer comes back")
        return asked.return_url

    def _number(self, text: str) -> JsonNumber:
        if not _NUMBER.fullmatch(text):
            raise NotSendableError("a text that is not a number stands where a number is to be")
        return JsonNumber(text)

    def _mapped(self, value: MapValue, text: str) -> str:
        found = self.document.maps[value.map].get(text, value.otherwise)
        if found is None:
            raise NotSendableError(f"the map {value.map!r} has no entry for a value")
        return found

    def _raw(self, value: RawValue, message: Message) -> bytes:
        raw = {"body": message.body, "path": message.path, "url": message.url}[value.raw]
        if raw is None:
            raise NotSendableError(f"the raw {value.raw} is not known where it is signed")
        return raw if isinstance(raw, bytes) else raw.encode()

    def _operation(self) -> Operation:
        if self.operation is None:
            raise NotSendableError("a received message is of no operation: it has no amount, identifier or reference")
        return self.operation
