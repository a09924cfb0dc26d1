"""The proof of a document: recorded messages and what they become. They are run when the document is saved."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from clearway.domain.attempt import Executed
from clearway.domain.payment import CaptureMethod, PaymentMethod
from clearway.gateways.contract import OperationKind, Trust
from clearway.gateways.custom.language.answers import Outcome
from clearway.gateways.custom.language.base import FIELDS_MAX, FieldName, Name, Part, Text

LongText = Annotated[str, Field(max_length=8_192)]
Texts = Annotated[dict[FieldName, LongText], Field(max_length=FIELDS_MAX)]


class ExamplePayment(Part):
    """The operation of an example. references: those that are recorded when it begins.

    baseline_minor: of a refund, what was refunded before it was sent.
    """

    payment_id: Annotated[str, Field(pattern=r"^pay_[0-9a-z]{26}$")] = "pay_00000000000000000000000001"
    amount_minor: Annotated[int, Field(ge=1)] = 1_000
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    method: PaymentMethod = PaymentMethod.WALLET
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC
    instrument: Text = ""
    number: Annotated[int, Field(ge=1, le=99)] = 1
    references: Annotated[dict[Name, Text], Field(max_length=8)] = Field(default_factory=dict)
    state: LongText | None = None
    baseline_minor: Annotated[int, Field(ge=0)] | None = None


class Message(Part):
    """An HTTP message. Exactly one body at most. url: with the query; `query` adds to it.

    multipart: fields as multipart/form-data, only of a message that Clearway receives.
    """

    method: Text | None = None
    url: Text | None = None
    status: Annotated[int, Field(ge=100, le=599)] | None = None
    query: Texts | None = None
    headers: Texts = Field(default_factory=dict)
    form: Texts | None = None
    multipart: Texts | None = None
    json_body: Annotated[JsonValue, Field(alias="json")] = None
    text: LongText | None = None


class ShownPage(Part):
    """The customer's page."""

    url: Text
    form: Texts | None = None


class Becomes(Part):
    """What the example must become. What is left out is not compared.

    refused: the callback's signature is not accepted. payment: the reference that the callback names. trust, answer:
    of a callback. precheck_refused: the answer to a precheck that is refused. baseline_minor: of `baseline`.
    """

    outcome: Outcome | None = None
    executed: Executed | None = None
    error_code: Name | None = None
    amount_minor: int | None = None
    currency: Text | None = None
    captured: bool | None = None
    references: dict[Name, Text] | None = None
    page: ShownPage | None = None
    refused: bool = False
    payment: Text | None = None
    trust: Trust | None = None
    answer: Text | None = None
    precheck_refused: Text | None = None
    baseline_minor: int | None = None


class Step(Part):
    """What Clearway does, and what the gateway answers, or sends.

    baseline: reads what is refunded, before a refund. operation: of a look-up. answer `timeout`: no answer in time;
    `unreachable`: no connection. receives: a callback, at `received_at`.
    """

    call: Literal["start", "page", "look_up", "capture", "void", "baseline", "refund", "callback"]
    operation: OperationKind = OperationKind.AUTHORISE
    answer: Message | Literal["timeout", "unreachable"] | None = None
    receives: Message | None = None
    received_at: Annotated[str, Field(max_length=40)] = "2026-01-01T00:00:00+00:00"


class Example(Step):
    """One recorded exchange. sends: what Clearway must send. becomes: what comes of it.

    shows: what the example proves. A document needs a `decline`, with calls a `timeout`, and with callbacks a
    `tampered` one.
    """

    name: Text
    shows: Literal["success", "decline", "timeout", "tampered", "duplicate"] | None = None
    payment: ExamplePayment | None = None
    sends: Message | None = None
    becomes: Becomes


class Examples(Part):
    """The examples, and what they all use: a payment, and credentials and settings that are not real."""

    payment: ExamplePayment
    credentials: Annotated[dict[Name, Text], Field(max_length=20)] = Field(default_factory=dict)
    settings: Annotated[dict[Name, Text], Field(max_length=20)] = Field(default_factory=dict)
    run: Annotated[list[Example], Field(min_length=1, max_length=60)]
