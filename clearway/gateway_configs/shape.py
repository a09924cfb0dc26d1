"""Validation of a merchant's gateway configuration: the forms of its kind, URLs, the mode.

It calls and stores nothing. Messages name fields and say what is wrong, and never repeat a value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from clearway.crypto.encryption import Cipher
from clearway.domain.errors import UnprocessableError
from clearway.domain.gateway import credentials_context, masked
from clearway.domain.merchant import Mode
from clearway.domain.payment import PaymentMethod
from clearway.egress import EgressPolicy, UrlRefusedError, validate_url
from clearway.gateways.catalogue import CATALOGUE
from clearway.gateways.forms import Credentials, GatewaySettings, is_plain
from clearway.gateways.kinds import Kind
from clearway.settings import Settings


@dataclass(frozen=True)
class Filled:
    """The forms of a kind, filled in."""

    kind: Kind
    credentials: Credentials
    settings: GatewaySettings

    def sealed(self, cipher: Cipher, gateway_id: str) -> str | None:
        """Return the credentials encrypted for this configuration's row; None when there are none."""
        values = self.credentials.values()
        return cipher.encrypt(orjson.dumps(values).decode(), credentials_context(gateway_id)) if values else None

    def masked(self) -> dict[str, str]:
        """Return the credentials masked."""
        return {name: masked(value) for name, value in self.credentials.values().items()}

    def warnings(self, mode: Mode) -> list[str]:
        """Return warnings: what is unusual and still allowed."""
        of_credentials = self.kind.mode_of(self.credentials)
        found = list(self.kind.warnings(self.credentials, self.settings))
        if of_credentials is not None and of_credentials is not mode:
            found.insert(0, _other_mode(of_credentials))
        return found


def kind_of(name: str) -> Kind:
    """Return a kind. Raises UnprocessableError for an unknown one."""
    known = {kind.value: found for kind, found in CATALOGUE.items()}
    if name not in known:
        raise invalid(f"kind: there is no gateway of the kind {name!r}; there are: {', '.join(sorted(known))}")
    return known[name]


def fill(
    settings: Settings, mode: Mode, kind_name: str, credentials: Mapping[str, Any], entered: Mapping[str, Any]
) -> Filled:
    """Fill in the forms of a kind. credentials: plain text. Raises UnprocessableError with every error."""
    kind = kind_of(kind_name)
    if mode not in kind.modes:
        other = "test" if mode is Mode.LIVE else "live"
        raise invalid(f"kind: {kind.title} is for {other} merchants, and this is a {mode.value} merchant")
    problems = list(_problems("credentials", kind.credentials, credentials))
    problems += _problems("settings", kind.settings, entered)
    problems += [
        f"credentials.{name}: remove control characters, and blanks at its ends"
        for name, value in credentials.items()
        if isinstance(value, str) and not is_plain(value)
    ]
    if problems:
        raise invalid("; ".join(problems))
    filled = Filled(kind, kind.credentials.model_validate(credentials), kind.settings.model_validate(entered))
    _check_urls(settings, mode, filled.settings)
    return filled


async def examine(filled: Filled) -> Filled:
    """Return the forms if nothing is wrong with what they mean together. Raises UnprocessableError."""
    problems = await filled.kind.problems(filled.credentials, filled.settings)
    if problems:
        raise invalid("; ".join(problems))
    return filled


def check_methods(filled: Filled, methods: Collection[str] | None) -> None:
    """Raise UnprocessableError for methods that such a gateway does not take. None: all that it takes."""
    taken = filled.kind.capabilities(filled.settings).methods
    others = [method for method in methods or () if method not in taken]
    if others:
        named, known = (", ".join(found) for found in (others, [each for each in PaymentMethod if each in taken]))
        raise invalid(f"methods: this gateway does not take {named}. Leave it out; it takes: {known}")


def invalid(what: str) -> UnprocessableError:
    """Return the error for an invalid configuration."""
    return UnprocessableError("gateway_config_invalid", f"The gateway was not saved. {what}.")


def _problems(part: str, form: type[Credentials | GatewaySettings], values: Mapping[str, Any]) -> Iterator[str]:
    try:
        form.model_validate(values)
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False, include_context=False):
            place = ".".join([part, *(str(step) for step in problem["loc"])])
            yield f"{place}: {_words(problem['type'], problem['msg'], form)}"


def _words(kind: str, message: str, form: type[Credentials | GatewaySettings]) -> str:
    if kind == "missing":
        return "this is required"
    if kind == "extra_forbidden":
        return f"there is no such field; there are: {', '.join(form.model_fields) or 'none'}"
    return message.removeprefix("Value error, ").removesuffix(".")


def _check_urls(settings: Settings, mode: Mode, entered: GatewaySettings) -> None:
    """Refuse an address inside our network. For a live merchant, the installation's allow-list does not count."""
    policy = EgressPolicy() if mode is Mode.LIVE else EgressPolicy.from_settings(settings)
    for name, url in entered.urls().items():
        try:
            validate_url(url, policy)
        except UrlRefusedError as refusal:
            raise invalid(f"settings.{name}: {refusal.detail.removesuffix('.')}") from None


def _other_mode(of_credentials: Mode) -> str:
    if of_credentials is Mode.LIVE:
        return "These are live credentials, and this is a test merchant: test payments would move real money."
    return "These are test credentials, and this is a live merchant: its payments would move no money."
