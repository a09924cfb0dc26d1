"""From a document's request or page to the bytes that are sent. Pure, and the same for every repeat."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from clearway.domain.resources import UPI_SCHEME
from clearway.gateways.contract import Action, AnswerUnreadableError
from clearway.gateways.custom.context import JsonNumber, Message, NotSendableError, Writer
from clearway.gateways.custom.language.requests import Page, Request
from clearway.gateways.custom.language.values import SignatureValue, Value

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"


@dataclass(frozen=True)
class Outgoing:
    """A request, ready to be sent, without what authenticates it."""

    method: str
    url: str
    headers: dict[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


def request_of(writer: Writer, request: Request) -> Outgoing:
    """Return a request. Raises NotSendableError."""
    path = writer.path(request.path)
    query, _ = _fields(writer, request.query, Message())
    target = f"{path}?{urlencode(query)}" if query else path
    url = writer.address(request.address) + target
    message = Message(fields={name: str(value) for name, value in query.items()}, path=target, url=url)
    content_type, body, message = _body(writer, request, message)
    headers = {name.lower(): _header(writer, value, message) for name, value in request.headers.items()}
    if content_type is not None:
        headers.setdefault("content-type", content_type)
    return Outgoing(request.method, url, headers, body)


def page_of(writer: Writer, page: Page, known: Mapping[str, str]) -> Action:
    """Return the page for the customer. known: the values of the start's answer. Raises NotSendableError."""
    url = (
        known.get(page.from_value or "") if page.path is None else writer.address(page.address) + writer.path(page.path)
    )
    if not url:
        raise NotSendableError("the gateway gave no page for the customer")
    query, _ = _fields(writer, page.query, Message())
    if query:
        url += ("&" if "?" in url else "?") + urlencode(query)
    try:
        if page.form is None and url.startswith(UPI_SCHEME):
            return Action.upi_intent(url)
        if page.form is None:
            return Action.redirect(url)
        fields, _ = _fields(writer, page.form, Message(url=url))
        return Action.form_post(url, {name: str(value) for name, value in fields.items()})
    except AnswerUnreadableError as error:
        raise NotSendableError(str(error)) from None


def json_bytes(value: Any) -> bytes:
    """Return JSON without blanks, with numbers in the digits they were written in."""
    return "".join(_json(value)).encode()


def _json(value: Any) -> Iterator[str]:
    match value:
        case JsonNumber():
            yield str(value)
        case dict():
            yield "{"
            for index, (name, each) in enumerate(value.items()):
                yield "," * bool(index) + json.dumps(name, ensure_ascii=False) + ":"
                yield from _json(each)
            yield "}"
        case list():
            yield "["
            for index, each in enumerate(value):
                yield "," * bool(index)
                yield from _json(each)
            yield "]"
        case _:
            yield json.dumps(value, ensure_ascii=False, allow_nan=False)


def _body(writer: Writer, request: Request, message: Message) -> tuple[str | None, bytes | None, Message]:
    """Return the content type, the body, and the message with both."""
    if request.form is None and request.json_body is None:
        return None, None, _with(message, {}, b"")
    fields, texts = _fields(writer, request.form or request.json_body or {}, message, as_json=request.form is None)
    content_type = FORM if request.form is not None else JSON
    body = json_bytes(fields) if request.form is None else urlencode(fields).encode()
    return content_type, body, _with(message, texts, body)


def _fields(
    writer: Writer, fields: Mapping[str, Value], message: Message, *, as_json: bool = False
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the fields in their order, and their texts. Signatures come last: they are made over the others."""
    write = writer.json if as_json else writer.text
    written = {name: write(value, message) for name, value in fields.items() if not isinstance(value, SignatureValue)}
    texts = {name: str(value) for name, value in written.items() if isinstance(value, str)}
    known = _with(message, texts, message.body)
    signed = {name: writer.text(value, known) for name, value in fields.items() if isinstance(value, SignatureValue)}
    both = written | signed
    return {name: both[name] for name in fields}, texts | signed


def _with(message: Message, texts: Mapping[str, str], body: bytes | None) -> Message:
    return Message({**message.fields, **texts}, message.headers, body, message.path, message.url)


def _header(writer: Writer, value: Value, message: Message) -> str:
    return header_text(writer.text(value, message))


def header_text(text: str) -> str:
    """Return a text that can stand in a header. Raises NotSendableError."""
    if not (text.isascii() and text.isprintable()):
        raise NotSendableError("a header has a character that headers cannot have")
    return text
