"""Every value of a document, and where it stands. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from clearway.gateways.custom import templates
from clearway.gateways.custom.language.answers import Meaning
from clearway.gateways.custom.language.document import Call, Document
from clearway.gateways.custom.language.requests import (
    BasicAuthentication,
    BearerAuthentication,
    HeaderAuthentication,
    OAuthAuthentication,
    Request,
)
from clearway.gateways.custom.language.values import (
    ArrayValue,
    Base64Value,
    HashValue,
    MapValue,
    NumberValue,
    ObjectValue,
    Recipe,
    ReferenceValue,
    Value,
)

REFERENCE: Final = "reference."
Kind = Literal["field", "path", "part"]


@dataclass(frozen=True)
class Placed:
    """A value. place: for messages. kind: of a field, of a URL path, or a part of a signature."""

    place: str
    value: Value
    kind: Kind
    depth: int = 1


def calls_of(document: Document) -> Iterator[tuple[str, Call]]:
    """Return the calls, by their places. The start is among them if it has a request."""
    start = document.start
    if start.request is not None and start.answer is not None:
        yield "start", Call(request=start.request, answer=start.answer)
    for name in ("capture", "void", "refund"):
        call: Call | None = getattr(document, name)
        if call is not None:
            yield name, call
    for kind, call in document.look_ups.items():
        yield f"look_ups.{kind.value}", call


def meanings_of(document: Document) -> Iterator[tuple[str, Meaning]]:
    """Return what is read, by its place: answers and callbacks."""
    for place, call in calls_of(document):
        yield f"{place}.answer", call.answer
    for callback in document.callbacks:
        yield f"callbacks.{callback.name}", callback


def values_of(document: Document) -> Iterator[Placed]:
    """Return every value, nested ones too."""
    for place, call in calls_of(document):
        yield from _of_request(f"{place}.request", call.request)
    page = document.start.page
    if page is not None:
        if page.path is not None:
            yield Placed("start.page.path", page.path, "path")
        yield from _of_fields("start.page.query", page.query)
        yield from _of_fields("start.page.form", page.form or {})
    yield from _of_authentication(document)
    for name, recipe in document.signatures.items():
        yield from of_recipe(f"signatures.{name}", recipe)


def references_in(place: str, document: Document) -> Iterator[str]:
    """Return the references that are written at a place."""
    for placed in values_of(document):
        if not placed.place.startswith(place):
            continue
        if isinstance(placed.value, ReferenceValue):
            yield placed.value.reference
        if isinstance(placed.value, str):
            roots = templates.roots_of(placed.value)
            yield from (root.removeprefix(REFERENCE) for root in roots if root.startswith(REFERENCE))


def of_recipe(place: str, recipe: Recipe, depth: int = 1) -> Iterator[Placed]:
    """Return the parts of a recipe, and those of digests inside it."""
    for each in (*recipe.parts, recipe.key, recipe.prefix, recipe.suffix):
        if each is not None:
            yield from _nested(Placed(place, each, "part", depth))


def _of_request(place: str, request: Request) -> Iterator[Placed]:
    yield Placed(f"{place}.path", request.path, "path")
    for name in ("query", "headers", "form", "json_body"):
        yield from _of_fields(f"{place}.{name.removesuffix('_body')}", getattr(request, name) or {})


def _of_fields(place: str, fields: Mapping[str, Value]) -> Iterator[Placed]:
    for name, value in fields.items():
        yield from _nested(Placed(f"{place}.{name}", value, "field"))


def _of_authentication(document: Document) -> Iterator[Placed]:
    values: tuple[Value, ...] = ()
    match document.authentication:
        case HeaderAuthentication() as given:
            values = (given.value,)
        case BasicAuthentication() as given:
            values = (given.username, given.password)
        case BearerAuthentication() as given:
            values = (given.token,)
        case OAuthAuthentication() as given:
            values = (given.client_id, given.client_secret, *given.fields.values())
            yield Placed("authentication.path", given.path, "path")
        case _:
            pass
    for value in values:
        yield from _nested(Placed("authentication", value, "field"))


def _nested(placed: Placed) -> Iterator[Placed]:
    yield placed
    value = placed.value
    inner: tuple[Value, ...] = ()
    match value:
        case Base64Value():
            inner = (value.base64,)
        case NumberValue():
            inner = (value.number,)
        case MapValue():
            inner = (value.of,)
        case ObjectValue():
            inner = tuple(value.object.values())
        case ArrayValue():
            inner = tuple(value.array)
        case HashValue():
            yield from of_recipe(placed.place, value.hash, placed.depth + 1)
        case _:
            pass
    for each in inner:
        yield from _nested(Placed(placed.place, each, placed.kind, placed.depth + 1))
