"""The kind `custom` in the catalogue: its document, what its document asks for, and how its connector is built."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Final, Self

import orjson
from pydantic import ConfigDict, Field, ValidationError, model_validator

from clearway.crypto import client_certificates
from clearway.domain.gateway import GatewayKind
from clearway.gateways.contract import Capabilities, Gateway
from clearway.gateways.custom import checks, proving
from clearway.gateways.custom.abilities import capabilities_of
from clearway.gateways.custom.client import CustomGateway
from clearway.gateways.custom.context import Entered
from clearway.gateways.custom.dry_run import dry_run
from clearway.gateways.custom.language.base import DOCUMENT_BYTES_MAX, Name
from clearway.gateways.custom.language.document import Document
from clearway.gateways.custom.language.requests import OAuthAuthentication
from clearway.gateways.dry_runs import DryStep
from clearway.gateways.forms import Credentials, GatewaySettings, Secret
from clearway.gateways.http import gateway_client
from clearway.gateways.kinds import Ingredients, Kind

PROBLEMS_SHOWN_MAX: Final = 12
EXPIRES_SOON: Final = timedelta(days=30)
Value = Annotated[str, Field(min_length=1, max_length=500)]


class Environment(StrEnum):
    """Which of the document's addresses are used."""

    LIVE = "live"
    TEST = "test"


class CustomCredentials(Credentials):
    """The secrets that the document names."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)
    __pydantic_extra__: dict[str, Secret] = Field(init=False)

    def values(self) -> dict[str, str]:
        """Return the given values in plain text. Encrypt or mask them at once."""
        return {name: value.get_secret_value() for name, value in (self.__pydantic_extra__ or {}).items()}


class CustomSettings(GatewaySettings):
    """The document, and what it asks for that is not secret."""

    document: dict[str, Any] = Field(description="The document that describes the gateway (docs/custom-gateways.md).")
    environment: Environment = Field(
        default=Environment.LIVE, description="Which addresses are used: `live` or `test`."
    )
    values_: Annotated[dict[Name, Value], Field(alias="values", max_length=20)] = Field(
        default_factory=dict, description="What the document's `settings` ask for."
    )
    addresses: Annotated[dict[Name, Annotated[str, Field(max_length=2_048)]], Field(max_length=5)] = Field(
        default_factory=dict, description="Other addresses than the document's, such as those of a stand-in."
    )

    @model_validator(mode="after")
    def _is_a_document(self) -> Self:
        self.described()
        return self

    def values(self) -> dict[str, Any]:
        """Return the given values, as JSON."""
        return self.model_dump(mode="json", exclude_unset=True, by_alias=True)

    def described(self) -> Document:
        """Return the document. Raises ValueError with what is wrong."""
        try:
            content = orjson.dumps(self.document)
        except (TypeError, ValueError):
            raise ValueError("the document is nested too deeply") from None
        if len(content) > DOCUMENT_BYTES_MAX:
            raise ValueError(f"the document is longer than {DOCUMENT_BYTES_MAX} bytes")
        return document_of(content)

    def reached(self) -> dict[str, str]:
        """Return the addresses that are used, by name."""
        document = self.described()
        return {
            name: self.addresses.get(name)
            or (address.test if self.environment is Environment.TEST and address.test else address.live)
            for name, address in document.addresses.items()
        }

    def urls(self) -> dict[str, str]:
        """Return the URLs that the connector will call."""
        return {f"addresses.{name}": url for name, url in self.reached().items()}


@lru_cache(maxsize=256)
def document_of(content: bytes) -> Document:
    """Return the document. Raises ValueError with what is wrong."""
    try:
        return Document.model_validate_json(content)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        raise ValueError("; ".join(_words(problem) for problem in problems[:PROBLEMS_SHOWN_MAX])) from None


def entered_of(
    document: Document, credentials: CustomCredentials, settings: CustomSettings, callback_url: str
) -> Entered:
    """Return what the merchant entered, with the defaults of the document."""
    defaults = {name: entered.default for name, entered in document.settings.items() if entered.default is not None}
    return Entered(
        settings=defaults | settings.values_,
        credentials=credentials.values(),
        addresses=settings.reached(),
        callback_url=callback_url,
    )


async def problems(credentials: CustomCredentials, settings: CustomSettings) -> list[str]:
    """Return what is wrong with the document's meaning, its examples, and what was entered for it."""
    document = settings.described()
    found = [*_of_entered(document, credentials.values(), settings), *_of_certificate(document, credentials.values())]
    meant = [f"settings.document: {problem}" for problem in checks.problems_of(document)]
    if not meant:
        meant = [f"settings.document: {problem}" for problem in await proving.failures(document)]
    return (found + meant)[:PROBLEMS_SHOWN_MAX]


def _of_entered(document: Document, credentials: Mapping[str, str], settings: CustomSettings) -> list[str]:
    needed = {name for name, entered in document.settings.items() if entered.default is None}
    found = [f"credentials.{name}: this is required" for name in sorted(document.credentials.keys() - credentials)]
    found += [
        f"credentials.{name}: the document has no such" for name in sorted(credentials - document.credentials.keys())
    ]
    found += [f"settings.values.{name}: this is required" for name in sorted(needed - settings.values_.keys())]
    unknown = settings.values_.keys() - document.settings.keys()
    found += [f"settings.values.{name}: the document has no such" for name in sorted(unknown)]
    unknown = settings.addresses.keys() - document.addresses.keys()
    return found + [f"settings.addresses.{name}: the document has no such" for name in sorted(unknown)]


def _of_certificate(document: Document, credentials: Mapping[str, str]) -> Iterator[str]:
    named = document.client_certificate
    if named is None or not {named.certificate, named.key} <= credentials.keys():
        return
    certificate, key = credentials[named.certificate], credentials[named.key]
    problem = client_certificates.certificate_problem(certificate, datetime.now(UTC))
    if problem is not None:
        yield f"credentials.{named.certificate}: {problem}"
        return
    problem = client_certificates.key_problem(certificate, key)
    if problem is not None:
        yield f"credentials.{named.key}: {problem}"


def build(given: Ingredients) -> Gateway:
    """Return the connector."""
    document = given.settings.described()
    timeout_s = given.installation.gateway_timeout_s
    requests = 2 if isinstance(document.authentication, OAuthAuthentication) else 1
    callback_url = given.config.webhook_url(given.installation.api_public_url)
    return CustomGateway(
        document,
        entered_of(document, given.credentials, given.settings, callback_url),
        gateway_client(timeout_s, requests=requests, transport=given.guarded(_tls(document, given.credentials))),
        timeout_s=timeout_s,
    )


def _tls(document: Document, credentials: CustomCredentials) -> ssl.SSLContext | None:
    """Return a context that shows the client certificate; None without one. Raises ValueError."""
    named, values = document.client_certificate, credentials.values()
    if named is None:
        return None
    return client_certificates.context_of(values.get(named.certificate, ""), values.get(named.key, ""))


async def rehearse(
    credentials: CustomCredentials, settings: CustomSettings, callback_url: str, asked: Mapping[str, Any]
) -> Sequence[DryStep]:
    """Show what a payment would send. Raises DryRunInvalidError."""
    document = settings.described()
    return await dry_run(document, entered_of(document, credentials, settings, callback_url), asked)


def warnings(credentials: CustomCredentials, settings: CustomSettings) -> tuple[str, ...]:
    """Return warnings: what is unusual and still allowed."""
    document = settings.described()
    found = list(checks.warnings_of(document))
    without_test = [name for name, address in document.addresses.items() if address.test is None]
    if settings.environment is Environment.TEST and set(without_test) - settings.addresses.keys():
        found.append("The document has no test address, so the live one is used: real money moves.")
    if document.client_certificate is not None:
        ends_at = client_certificates.expiry_of(credentials.values()[document.client_certificate.certificate])
        if ends_at < datetime.now(UTC) + EXPIRES_SOON:
            found.append(f"The client certificate expires on {ends_at.date()}. Enter the next one before that day.")
    return tuple(found)


def capabilities(settings: CustomSettings) -> Capabilities:
    """Return what the gateway can express."""
    return capabilities_of(settings.described())


def polling(settings: CustomSettings) -> tuple[float, ...] | None:
    """Return the waits before each status poll in seconds."""
    given = settings.described().polling
    return tuple(map(float, given)) if given else None


def _words(problem: Any) -> str:
    place = ".".join(str(step) for step in problem["loc"])
    return f"{place}: {problem['msg'].removeprefix('Value error, ')}"


CUSTOM: Final = Kind(
    name=GatewayKind.CUSTOM,
    title="Custom gateway",
    credentials=CustomCredentials,
    settings=CustomSettings,
    build=build,
    capabilities=capabilities,
    warnings=warnings,
    problems=problems,
    polling=polling,
    dry_run=rehearse,
)
