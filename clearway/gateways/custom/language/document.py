"""The document as a whole."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from clearway.domain.payment import PaymentMethod, UpiFlow
from clearway.gateways.contract import FindsOut, OperationKind
from clearway.gateways.custom.language.answers import Answer, ErrorRow
from clearway.gateways.custom.language.base import NAMED_MAX, Name, Part, Text
from clearway.gateways.custom.language.callbacks import Callback
from clearway.gateways.custom.language.examples import Examples
from clearway.gateways.custom.language.requests import Authentication, NoAuthentication, Page, Request
from clearway.gateways.custom.language.values import AmountFormat, Recipe

Iso = Annotated[str, Field(pattern="^[A-Z]{3}$")]
Url = Annotated[str, Field(max_length=500, pattern="^https://")]


class Address(Part):
    """Where the gateway is. test: its sandbox. The merchant may enter another in the setting `addresses`."""

    live: Url
    test: Url | None = None


class Entered(Part):
    """What the merchant enters. optional: it may be left out, and then `default` is used."""

    description: Text
    default: Text | None = None


class Secret(Part):
    """A credential that the merchant enters. It is sealed, and shown nowhere."""

    description: Text


class ClientCertificate(Part):
    """The certificate that Clearway shows when it connects (mTLS), and its private key: two names of `credentials`.

    Both are entered in PEM, the key without a passphrase. They are used for the connection only.
    """

    certificate: Name
    key: Name


class Identifier(Part):
    """An identifier of the operation, derived from our key: the same for every repeat, another for every operation.

    key: as it is, such as `pay_…:authorise:1`. uuid5: a UUID. base32: letters and digits, cut to `length`.
    integer: a number of `digits` digits. Two keys may meet in it, so the gateway must refuse a number that it knows,
    and an example that `shows` a `duplicate` must become a decline with `executed: no`.
    """

    form: Literal["key", "uuid5", "base32", "integer"]
    length: Annotated[int, Field(ge=16, le=52)] = 26
    digits: Annotated[int, Field(ge=9, le=18)] = 9


class Currency(Part):
    """How the gateway spells a currency, and how many decimals it uses if not as many as ISO 4217 says."""

    code: Text | None = None
    exponent: Annotated[int, Field(ge=0, le=4)] | None = None


class Call(Part):
    """A request and what its answer means."""

    request: Request
    answer: Answer


class RefundCall(Call):
    """A refund. baseline: a value of its look-up, the amount refunded so far, for gateways without idempotency.

    Clearway reads and records it before the refund is sent; the look-up compares with it by `grown_by`.
    """

    baseline: Name | None = None


class Start(Part):
    """How a payment begins.

    server_call: `request` and `answer`. With `moves_money: false` the request only registers the payment: it answers
    `prepared`, its references are recorded, and the customer gets `page`. redirect, form_post: only `page`; the
    reference `payment` is `identifier`, ours.
    """

    moves_money: bool = True
    request: Request | None = None
    answer: Answer | None = None
    page: Page | None = None
    identifier: Name | None = None


class Finds(Part):
    """How the outcome of an operation is found out."""

    by: FindsOut
    lag_s: Annotated[float, Field(ge=0, le=86_400)] = 0
    key_life_s: Annotated[float, Field(gt=0)] | None = None


class ClosesAfter(Part):
    """An unpaid page can be paid for so long."""

    after_s: Annotated[float, Field(gt=0)]


class Abilities(Part):
    """What the gateway can do. capture: `none` means that it takes the money at once.

    cancel: how an unpaid payment is called off. `request`: by `void`. `precheck`: Clearway refuses at the precheck.
    `forget`: it is not; after the deadline Clearway stops waiting, and a payment that succeeds later opens a review.
    `none`: it is not, and a payment without an outcome at its deadline goes to review.

    upi: how it takes UPI, if that is one of its methods. `intent`: `start.page` is the `upi://pay` link that the
    gateway has answered with. `collect`: `instrument` is the customer's UPI ID.
    """

    methods: Annotated[list[PaymentMethod], Field(min_length=1)]
    capture: Literal["none", "full", "partial", "repeated"] = "none"
    refund: Literal["none", "full", "partial"] = "none"
    cancel: Literal["request", "precheck", "forget", "none"] = "none"
    minimum: dict[Iso, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    maximum: dict[Iso, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    upi: Annotated[list[UpiFlow], Field(min_length=1)] = Field(default_factory=lambda: [UpiFlow.COLLECT])
    finds: dict[OperationKind, Finds] = Field(default_factory=dict)
    closes: Literal["at_once", "never"] | ClosesAfter = "never"


class Document(Part):
    """A payment gateway, described. Amounts in examples and abilities are in minor units of ISO 4217.

    polling: the seconds before each status poll of a waiting payment; the last repeats.
    """

    clearway_gateway: Literal[1]
    title: Annotated[str, Field(min_length=1, max_length=64)]
    description: Annotated[str, Field(max_length=2_000)] = ""
    flow: Literal["server_call", "redirect", "form_post"]
    addresses: Annotated[dict[Name, Address], Field(min_length=1, max_length=5)]
    credentials: Annotated[dict[Name, Secret], Field(max_length=20)] = Field(default_factory=dict)
    settings: Annotated[dict[Name, Entered], Field(max_length=20)] = Field(default_factory=dict)
    identifiers: Annotated[dict[Name, Identifier], Field(max_length=8)] = Field(default_factory=dict)
    currencies: Annotated[dict[Iso, Currency], Field(min_length=1, max_length=200)]
    amount: AmountFormat
    maps: Annotated[dict[Name, Annotated[dict[Text, Text], Field(max_length=200)]], Field(max_length=8)] = Field(
        default_factory=dict
    )
    signatures: Annotated[dict[Name, Recipe], Field(max_length=8)] = Field(default_factory=dict)
    authentication: Authentication = Field(default_factory=NoAuthentication)
    client_certificate: ClientCertificate | None = None
    start: Start
    capture: Call | None = None
    void: Call | None = None
    refund: RefundCall | None = None
    look_ups: dict[OperationKind, Call] = Field(default_factory=dict)
    callbacks: Annotated[list[Callback], Field(max_length=8)] = Field(default_factory=list)
    errors: Annotated[dict[Text, ErrorRow], Field(max_length=300)] = Field(default_factory=dict)
    polling: Annotated[list[Annotated[int, Field(ge=1, le=86_400)]], Field(max_length=NAMED_MAX)] | None = None
    abilities: Abilities
    examples: Examples
