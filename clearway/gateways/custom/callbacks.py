"""What a gateway sends by itself, read by the document: which kind it is, whether it proves what it says, the answer.

A message that proves nothing says only which payment the gateway is to be asked about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from clearway.gateways.contract import (
    UNKNOWN,
    AnswerUnreadableError,
    EventUnreadableError,
    GatewayOutcome,
    Inbound,
    InboundAnswer,
    InboundEvent,
    InboundRequest,
    Precheck,
    SignatureInvalidError,
    Trust,
)
from clearway.gateways.custom import paths, reading, recipes
from clearway.gateways.custom.context import Message, NotSendableError, Writer
from clearway.gateways.custom.language.callbacks import Callback, Check, Reply, Window

_READABLE_ID_MAX: Final = 120


def read(writer: Writer, request: InboundRequest) -> Inbound:
    """Verify and read a message. writer: without an operation. Raises SignatureInvalidError or EventUnreadableError."""
    callback, content = matching(writer, request)
    if callback is None:
        raise EventUnreadableError("no callback of the document fits it")
    return _read(writer, callback, request, content)


def matching(writer: Writer, request: InboundRequest) -> tuple[Callback | None, Any]:
    """Return which kind of message it is, and its content. Nothing is verified yet."""
    for callback in writer.document.callbacks:
        content = _content(callback, request)
        if content is not None and _fits(callback, request, content):
            return callback, content
    return None, None


class _Fields(Mapping[str, str]):
    """The fields of a message as they were received, by path."""

    def __init__(self, content: Any) -> None:
        self._content = content

    def __getitem__(self, path: str) -> str:
        text = paths.text_at(self._content, path)
        if text is None:
            raise KeyError(path)
        return text

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _content(callback: Callback, request: InboundRequest) -> Any:
    query = paths.Flat(request.query)
    match callback.source:
        case "query":
            return query
        case "query_or_form":
            return paths.Flat(query | (reading.parsed("form", request.body) or {}))
        case "multipart":
            return reading.form_data(request.headers.get("content-type", ""), request.body)
        case source:
            return reading.parsed(source, request.body)


def _fits(callback: Callback, request: InboundRequest, content: Any) -> bool:
    if request.method.upper() not in callback.methods:
        return False
    return all(paths.text_at(content, path) in wanted for path, wanted in callback.when.items())


def _read(writer: Writer, callback: Callback, request: InboundRequest, content: Any) -> Inbound:
    values = reading.values_of(callback.values, content)
    if callback.signature is not None:
        _check(writer, callback.signature, request, content, values)
    payment = values.get(callback.payment)
    if not payment:
        raise EventUnreadableError("it does not say which payment it is about")
    try:
        if callback.precheck is not None:
            return _precheck(writer, callback, callback.precheck.refuse, payment, values)
        return Inbound((_event(writer, callback, payment, values, request),), _answer(callback.answer))
    except (AnswerUnreadableError, NotSendableError) as error:
        raise EventUnreadableError(str(error)) from None


def _check(writer: Writer, check: Check, request: InboundRequest, content: Any, values: Mapping[str, str]) -> None:
    """Raise SignatureInvalidError unless the signature is right and its time is near that of receipt."""
    place = check.given
    given = request.headers.get(place.header.lower()) if place.header else paths.text_at(content, place.field or "")
    if not given:
        raise SignatureInvalidError("the signature is missing")
    url = urlsplit(request.url)
    path = f"{url.path}?{url.query}" if url.query else url.path
    message = Message(_Fields(content), request.headers, request.body, path, request.url)
    try:
        expected = writer.digest(writer.document.signatures[check.recipe], message)
    except NotSendableError as error:
        raise SignatureInvalidError(f"the signature cannot be made again: {error}") from None
    if not recipes.agrees(check, expected, given):
        raise SignatureInvalidError("the signature is not that of this message")
    if check.time is not None:
        _check_time(check.time, values.get(check.time.value), request.received_at)


def _check_time(window: Window, text: str | None, received_at: datetime) -> None:
    try:
        signed_at = _moment(text or "")
    except (ValueError, OverflowError, OSError):
        raise SignatureInvalidError("the time of the signature cannot be read") from None
    if abs(received_at - signed_at) > timedelta(seconds=window.within_s):
        raise SignatureInvalidError(f"it is signed for {signed_at.isoformat()}, too far from the time of receipt")


def _moment(text: str) -> datetime:
    if text.isascii() and text.isdecimal():
        return datetime.fromtimestamp(int(text), UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _event(
    writer: Writer, callback: Callback, payment: str, values: Mapping[str, str], request: InboundRequest
) -> InboundEvent:
    outcome = UNKNOWN
    if callback.trust is Trust.PROVEN:
        outcome = reading.outcome_of(callback, callback.operation, values, None, writer)
    return InboundEvent(
        event_id=_event_id(callback, payment, outcome, values, request),
        outcome=outcome,
        trust=callback.trust,
        operation=callback.operation,
        references={"payment": payment},
    )


def _event_id(
    callback: Callback, payment: str, outcome: GatewayOutcome, values: Mapping[str, str], request: InboundRequest
) -> str:
    """Return an id that is the same when the message is sent again, and another for another meaning."""
    if callback.event_id:
        missing = [name for name in callback.event_id if name not in values]
        if missing:
            raise EventUnreadableError(f"it lacks {missing[0]!r}, which makes it distinct")
        parts = [values[name] for name in callback.event_id]
    else:
        parts = [hashlib.sha256(request.url.encode() + b"\0" + request.body).hexdigest()[:40]]
    text = ":".join([callback.name, payment, outcome.kind.value, *parts])
    if len(text) <= _READABLE_ID_MAX and text.isascii() and text.isprintable():
        return text
    return f"{callback.name}:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _precheck(writer: Writer, callback: Callback, refuse: Reply, payment: str, values: Mapping[str, str]) -> Inbound:
    refusal = _answer(refuse)
    try:
        amount, currency = reading.amount_of(callback, values, writer)
    except AnswerUnreadableError:
        amount, currency = None, None  # no payment is of this amount, so it is refused
    return Inbound(answer=_answer(callback.answer), precheck=Precheck(payment, amount, currency, refusal))


def _answer(reply: Reply) -> InboundAnswer:
    return InboundAnswer(reply.status, reply.text.encode(), reply.content_type)
