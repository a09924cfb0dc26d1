"""What a document names exists, and its templates, paths, currencies and recipes can be used. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from clearway.domain.errors import DECLINE_CODES
from clearway.domain.money import is_currency
from clearway.gateways.custom import paths, templates
from clearway.gateways.custom.checks.places import Placed, calls_of, meanings_of, values_of
from clearway.gateways.custom.language.answers import Answer, Meaning
from clearway.gateways.custom.language.callbacks import Callback
from clearway.gateways.custom.language.document import Document
from clearway.gateways.custom.language.requests import OAuthAuthentication
from clearway.gateways.custom.language.values import (
    CredentialValue,
    FieldValue,
    HashValue,
    HeaderValue,
    IdentifierValue,
    MapValue,
    RawValue,
    Recipe,
    SettingValue,
    SignatureValue,
)
from clearway.gateways.custom.recipes import HMAC

TEMPLATE_NAMES = frozenset(
    {
        *(
            "payment.id",
            "payment.currency",
            "payment.method",
            "payment.capture_method",
            "operation.key",
            "operation.kind",
            "operation.number",
        ),
        "instrument",
    }
)
NESTING_MAX = 6


def problems(document: Document) -> Iterator[str]:
    """Return every problem, in words."""
    for placed in values_of(document):
        yield from (f"{placed.place}: {problem}" for problem in _of_value(document, placed))
    yield from _of_places(document)
    yield from _of_certificate(document)
    for name, recipe in document.signatures.items():
        yield from (f"signatures.{name}: {problem}" for problem in _of_recipe(recipe))
    for place, meaning in meanings_of(document):
        yield from (f"{place}: {problem}" for problem in _of_meaning(document, meaning))
    for callback in document.callbacks:
        yield from (f"callbacks.{callback.name}: {problem}" for problem in _of_callback(document, callback))


def _of_places(document: Document) -> Iterator[str]:
    """Return what is wrong with addresses, currencies, error codes and the identifier of the start."""
    for place, address in _addresses(document):
        if address not in document.addresses:
            yield f"{place}: there is no address {address!r}"
    for currency in {*document.currencies, *document.abilities.minimum, *document.abilities.maximum}:
        if not is_currency(currency) or currency not in document.currencies:
            yield f"{currency}: it is not a currency of ISO 4217, or is not in `currencies`"
    for code, row in document.errors.items():
        if row.error_code is not None and row.error_code not in DECLINE_CODES:
            yield f"errors.{code}: there is no decline code {row.error_code!r}; GET /errors lists them"
    identifier = document.start.identifier
    if identifier is not None and identifier not in document.identifiers:
        yield f"start.identifier: there is no identifier {identifier!r}"


def _of_certificate(document: Document) -> Iterator[str]:
    given = document.client_certificate
    if given is None:
        return
    if given.certificate == given.key:
        yield "client_certificate: the certificate and its key are two credentials"
    for name in (given.certificate, given.key):
        if name not in document.credentials:
            yield f"client_certificate: there is no credential {name!r}"
        if any(value.value == CredentialValue(credential=name) for value in values_of(document)):
            yield f"client_certificate: the credential {name!r} is of the connection, and is never sent"
    if not dict(calls_of(document)):
        yield "client_certificate: the document has no call that would show it"


def _of_value(document: Document, placed: Placed) -> Iterator[str]:
    value = placed.value
    if placed.depth > NESTING_MAX:
        yield f"values are nested deeper than {NESTING_MAX}"
    if isinstance(value, str):
        yield from _of_template(document, value)
        return
    if isinstance(value, FieldValue | HeaderValue | RawValue | HashValue) and placed.kind != "part":
        yield "fields, headers, raw parts and digests stand only in signatures"
    if isinstance(value, SignatureValue) and placed.kind == "part":
        yield "a signature inside a signature is written as `hash`"
    named = (
        (SettingValue, "setting", document.settings),
        (CredentialValue, "credential", document.credentials),
        (IdentifierValue, "identifier", document.identifiers),
        (SignatureValue, "signature", document.signatures),
        (MapValue, "map", document.maps),
    )
    for form, name, known in named:
        if isinstance(value, form) and getattr(value, name) not in known:
            yield f"there is no {name} {getattr(value, name)!r}"


def _of_template(document: Document, template: str) -> Iterator[str]:
    problem = templates.problem_of(template)
    if problem is not None:
        yield f"the template {template!r}: {problem}"
        return
    known = TEMPLATE_NAMES | {f"setting.{name}" for name in document.settings}
    known |= {f"identifier.{name}" for name in document.identifiers}
    for name in sorted(templates.roots_of(template)):
        if name not in known and not name.startswith("reference."):
            yield f"the template {template!r}: there is no name {name!r}"


def _of_recipe(recipe: Recipe) -> Iterator[str]:
    is_hmac = recipe.algorithm.startswith(HMAC)
    if is_hmac and recipe.key is None:
        yield "an HMAC needs a `key`"
    if not is_hmac and recipe.key is not None:
        yield "only an HMAC has a `key`; write the secret as a part"
    for part in recipe.parts:
        if isinstance(part, HashValue):
            yield from _of_recipe(part.hash)


def _of_meaning(document: Document, meaning: Meaning) -> Iterator[str]:
    is_json = meaning.format == "json" if isinstance(meaning, Answer) else getattr(meaning, "source", "") == "json"
    for name, read in meaning.values.items():
        for path in read.paths if is_json else ():
            yield from _of_path(f"values.{name}", path)
    used: list[tuple[str, str | None]] = [("error", meaning.error), ("currency", meaning.currency)]
    used += [("amount", meaning.amount.value if meaning.amount else None)]
    used += [("references", each) for each in meaning.references.values() if isinstance(each, str)]
    used += [("cases", name) for case in meaning.cases for name in case.when.values]
    for place, value in used:
        if value is not None and value not in meaning.values:
            yield f"{place}: there is no value {value!r}"
    for source in meaning.references.values():
        if isinstance(source, IdentifierValue) and source.identifier not in document.identifiers:
            yield f"references: there is no identifier {source.identifier!r}"
    for case in meaning.cases:
        if case.error_code is not None and case.error_code not in DECLINE_CODES:
            yield f"cases: there is no decline code {case.error_code!r}; GET /errors lists them"


def _of_callback(document: Document, callback: Callback) -> Iterator[str]:
    check = callback.signature
    named = [callback.payment, *callback.event_id]
    if check is not None and check.time is not None:
        named.append(check.time.value)
    yield from (f"there is no value {name!r}" for name in named if name not in callback.values)
    if check is not None and check.recipe not in document.signatures:
        yield f"there is no signature {check.recipe!r}"
    if any(isinstance(source, IdentifierValue) for source in callback.references.values()):
        yield "a callback has no identifier: it is not known yet which payment it is about"
    if callback.source == "json":
        for path in (*callback.when, *([check.given.field] if check and check.given.field else [])):
            yield from _of_path("when", path)


def _of_path(place: str, path: str) -> Iterator[str]:
    try:
        paths.compiled(path)
    except ValueError as error:
        yield f"{place}: {error}"


def _addresses(document: Document) -> Iterator[tuple[str, str]]:
    for place, call in calls_of(document):
        yield f"{place}.request.address", call.request.address
    page = document.start.page
    if page is not None and page.path is not None:
        yield "start.page.address", page.address
    if isinstance(document.authentication, OAuthAuthentication):
        yield "authentication.address", document.authentication.address
