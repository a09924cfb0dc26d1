"""Carry out a document without sending: what it would send, and what given answers and callbacks would become.

The same interpreter runs as for real payments, over a transport that records. It serves the examples, which are run
when a document is saved, and the dry run. There, requests are written with placeholders in the place of credentials, so
that nobody reads a secret out of them; callbacks are checked with the real ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from clearway.gateways.contract import (
    Authorisation,
    EventUnreadableError,
    GatewayOutcome,
    Inbound,
    InboundRequest,
    Operation,
    OperationKind,
    OutcomeKind,
    SignatureInvalidError,
    read_inbound,
)
from clearway.gateways.custom.client import CustomGateway
from clearway.gateways.custom.context import Entered
from clearway.gateways.custom.language.document import Document
from clearway.gateways.custom.language.examples import ExamplePayment, Message, Step
from clearway.gateways.custom.writing import json_bytes
from clearway.gateways.tokens import Token, Tokens

RETURN_URL: Final = "https://shop.example/return"
TIMEOUT_S: Final = 5.0
MULTIPART: Final = "multipart/form-data; boundary=clearway-example"


@dataclass(frozen=True)
class Rehearsed:
    """What one step came to. sent: the requests. refused: why a callback is not believed, or cannot be read."""

    sent: tuple[httpx.Request, ...] = ()
    outcome: GatewayOutcome | None = None
    inbound: Inbound | None = None
    refused: str | None = None
    unreadable: str | None = None


@dataclass
class Stage(httpx.AsyncBaseTransport):
    """Records requests, and gives the answer of the step."""

    answer: Message | str | None
    sent: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as the step says. Raises httpx's errors for no answer."""
        self.sent.append(request)
        if self.answer == "unreachable":
            raise httpx.ConnectError("the step says that there is no connection", request=request)
        if not isinstance(self.answer, Message):
            raise httpx.ReadTimeout("the step says that there is no answer", request=request)
        content_type, body = body_of(self.answer)
        headers = {"content-type": content_type} | self.answer.headers
        return httpx.Response(self.answer.status or 200, headers=headers, content=body)


class Rehearsal:
    """Runs steps of one document. entered: what callbacks are checked with. shown: what requests are written with."""

    def __init__(self, document: Document, entered: Entered, shown: Entered) -> None:
        self._document = document
        self._entered = entered
        self._shown = shown

    async def run(self, step: Step, payment: ExamplePayment) -> Rehearsed:
        """Run one step about a payment."""
        if step.call == "callback":
            return await self._receive(step)
        stage = Stage(step.answer)
        async with httpx.AsyncClient(transport=stage, timeout=TIMEOUT_S) as client:
            gateway = CustomGateway(
                self._document, self._shown, client, timeout_s=TIMEOUT_S, tokens=Tokens(_example_token)
            )
            outcome = await _called(gateway, step, operation_of(step, payment))
        return Rehearsed(tuple(stage.sent), outcome)

    async def _receive(self, step: Step) -> Rehearsed:
        async with httpx.AsyncClient(transport=Stage(None)) as client:
            gateway = CustomGateway(self._document, self._entered, client, timeout_s=TIMEOUT_S)
            try:
                return Rehearsed(inbound=await read_inbound(gateway, inbound_of(step, self._entered.callback_url)))
            except SignatureInvalidError as error:
                return Rehearsed(refused=str(error))
            except EventUnreadableError as error:
                return Rehearsed(unreadable=str(error))


def with_placeholders(document: Document, entered: Entered) -> Entered:
    """Return what was entered, with `[name]` in the place of each credential."""
    return replace(entered, credentials={name: f"[{name}]" for name in document.credentials})


def operation_of(step: Step, payment: ExamplePayment) -> Operation:
    """Return the operation of a step."""
    named = OperationKind.REFUND if step.call == "baseline" else step.operation
    kind = OperationKind(step.call) if step.call in set(OperationKind) else named
    baseline = payment.baseline_minor
    of_authorisation = Authorisation(
        payment.method.value, payment.capture_method, payment.instrument, return_url=RETURN_URL
    )
    return Operation(
        kind=kind,
        key=f"{payment.payment_id}:{kind.value}:{payment.number}",
        payment_id=payment.payment_id,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        references=dict(payment.references),
        state=payment.state,
        baseline=None if baseline is None else str(baseline),
        number=payment.number,
        authorisation=of_authorisation if kind is OperationKind.AUTHORISE else None,
    )


def inbound_of(step: Step, callback_url: str) -> InboundRequest:
    """Return the request of a callback."""
    given = step.receives or Message()
    url = urlsplit(given.url or callback_url)
    query = dict(parse_qsl(url.query, keep_blank_values=True)) | (given.query or {})
    content_type, body = body_of(given)
    whole = f"{url.scheme}://{url.netloc}{url.path}"
    return InboundRequest(
        method=given.method or "POST",
        url=f"{whole}?{urlencode(query)}" if query else whole,
        headers={"content-type": content_type} | {name.lower(): value for name, value in given.headers.items()},
        body=body,
        received_at=_moment(step.received_at),
        query=query,
    )


def body_of(message: Message) -> tuple[str, bytes]:
    """Return the content type and the body of a message."""
    if message.form is not None:
        return "application/x-www-form-urlencoded", urlencode(message.form).encode()
    if message.multipart is not None:
        parts = {name: (None, value) for name, value in message.multipart.items()}
        request = httpx.Request("POST", RETURN_URL, headers={"content-type": MULTIPART}, files=parts)
        return MULTIPART, request.read()
    if message.json_body is not None:
        return "application/json", json_bytes(message.json_body)
    return "text/plain", (message.text or "").encode()


def recorded(payment: ExamplePayment, step: Step, outcome: GatewayOutcome | None) -> ExamplePayment:
    """Return the payment with what the outcome of a step adds to the record."""
    if outcome is None:
        return payment
    if step.call == "baseline":
        return payment.model_copy(update={"baseline_minor": baseline_in(outcome)})
    references: Mapping[str, Any] = {**payment.references, **outcome.references}
    return payment.model_copy(update={"references": references, "state": outcome.state or payment.state})


def baseline_in(outcome: GatewayOutcome) -> int | None:
    """Return what a step `baseline` read, in minor units."""
    return int(outcome.state) if outcome.kind is OutcomeKind.PREPARED and outcome.state else None


async def _called(gateway: CustomGateway, step: Step, operation: Operation) -> GatewayOutcome:
    begin = gateway.prepare if hasattr(gateway, "prepare") and step.call == "start" else gateway.authorise
    calls = {
        "look_up": gateway.recover,
        "capture": gateway.capture,
        "void": gateway.release,
        "baseline": gateway.read_baseline,
        "refund": gateway.refund,
    }
    return await calls.get(step.call, begin)(operation)


async def _example_token() -> Token:
    return Token("[token]", 3_600.0)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime(2026, 1, 1, tzinfo=UTC)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
