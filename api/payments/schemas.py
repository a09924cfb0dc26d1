"""What merchants send about payments, and the history of one; a payment itself is `PaymentResource`."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi.openapi.models import Example
from pydantic import BaseModel, Field, StringConstraints

from api.http.fields import (
    Amount,
    Body,
    CardNumber,
    Code,
    Country,
    Email,
    HttpUrl,
    Id,
    NotesField,
    Phone,
    PlainText,
    SecurityCode,
    Token,
    Vpa,
)
from clearway.domain.events import EventType
from clearway.domain.limits import REASON_LENGTH_MAX
from clearway.domain.payment import CaptureMethod, PaymentMethod
from clearway.domain.resources import AttemptResource, Moment
from clearway.domain.retry import RETRIES_MAX, RETRY_WITHIN_S_MAX

CustomerText = Annotated[PlainText, StringConstraints(min_length=1, max_length=128)]
Reason = Annotated[PlainText, StringConstraints(min_length=1, max_length=REASON_LENGTH_MAX)]
CardReference = Annotated[
    PlainText, StringConstraints(min_length=1, max_length=64), Field(examples=["V0010013022298169667504231315"])
]
OrderId = Annotated[Id, Field(examples=["order_01k9w2e3r4t5y6q7w8e9r0t1y2"])]
GatewayId = Annotated[Id, Field(examples=["gw_01k9w2e3r4t5y6q7w8e9r0t1y2"])]


class CardDetails(Body):
    """A raw test card. It is exchanged for a gateway token in memory and dropped; a live merchant may not send one."""

    number: CardNumber
    expiry_month: Annotated[int, Field(strict=True, ge=1, le=12, examples=[12])]
    expiry_year: Annotated[int, Field(strict=True, ge=2000, le=2100, examples=[2031])]
    cvv: SecurityCode
    holder_name: CustomerText | None = None


class Bank(Body):
    """The bank of a netbanking payment."""

    code: Annotated[Code, Field(examples=["HDFC"])]


class Wallet(Body):
    """The wallet of a wallet payment."""

    code: Annotated[Code, Field(examples=["paytm"])]


class CustomerDetails(Body):
    """The customer who pays. Every field is optional."""

    id: CustomerText | None = None
    name: CustomerText | None = None
    email: Email | None = None
    phone: Phone | None = None

    @property
    def known_by(self) -> str:
        """What names the customer in limits: the merchant's own id, else the e-mail, else the phone; else nothing."""
        return self.id or (self.email or "").casefold() or self.phone or ""


class Instrument(Body):
    """How the customer pays: exactly one of the fields, the one that belongs to the method. UPI may go without."""

    method: PaymentMethod
    vpa: Annotated[
        Vpa | None,
        Field(
            description="For `upi`: the customer's UPI ID, where the gateway still collects by it. Left out: the "
            "payment gets a `next_action` of type `upi_intent`, which you show as a QR code or as a link on Android."
        ),
    ] = None
    card: Annotated[
        CardDetails | None, Field(description="For `card`, from test merchants only; otherwise send `token`.")
    ] = None
    token: Annotated[Token | None, Field(description="For `card`: a token from the gateway's own form.")] = None
    bank: Annotated[Bank | None, Field(description="For `netbanking`.")] = None
    wallet: Annotated[Wallet | None, Field(description="For `wallet`.")] = None
    return_url: Annotated[
        HttpUrl | None, Field(description="Where the customer returns to after an action such as 3-D Secure.")
    ] = None


class MerchantInstrument(Instrument):
    """An instrument, with the fields that only a merchant sends."""

    card_reference: Annotated[
        CardReference | None,
        Field(
            description="For `card`: your own name of the card, the same at every gateway, such as the fingerprint or "
            "PAR that your vault gives you. Its declines are counted by it for the limits of the card networks. Only a "
            "keyed hash of it is kept. Left out: the card is recognised by its number or its token."
        ),
    ] = None


class RetriesCreate(Body):
    """Keep the payment open when its attempt fails, for further attempts. Left out: it fails with its attempt."""

    scheduled: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=RETRIES_MAX,
            description="Automatic attempts after a soft decline, such as insufficient funds. The customer is not "
            "present: get their consent first. 0: only you retry it.",
        ),
    ] = 3
    within_s: Annotated[
        int | None,
        Field(strict=True, ge=60, le=RETRY_WITHIN_S_MAX, description="Seconds after which it fails. Default: 7 days."),
    ] = None


class RetryCreate(Body):
    """Another attempt to make. Empty: at the same gateway, with the same instrument."""

    gateway_id: Annotated[
        GatewayId | None,
        Field(description="Another of your gateways. A card goes there only with its number or a token for it."),
    ] = None
    instrument: Annotated[
        MerchantInstrument | None,
        Field(description="Another instrument of the payment's own method, such as another card."),
    ] = None


class PaymentCreate(MerchantInstrument):
    """A payment to create. Amount and currency come from the order."""

    order_id: OrderId
    capture_method: Annotated[
        CaptureMethod, Field(description="`manual` authorises now; you capture later with a request.")
    ] = CaptureMethod.AUTOMATIC
    gateway_id: Annotated[
        GatewayId | None,
        Field(description="One of your gateways, `gw_…`. Left out: your routing rules decide, or else the priority."),
    ] = None
    quote_id: Annotated[
        PlainText | None,
        Field(max_length=64, description="A quote of this order, `fxq_…`: the customer pays in its currency."),
    ] = None
    country: Annotated[
        Country | None, Field(description="The customer's country, for your routing rules.", examples=["IN"])
    ] = None
    customer: CustomerDetails | None = None
    notes: NotesField = Field(default_factory=dict)
    retries: RetriesCreate | None = None


PAYMENT_EXAMPLES: Final[dict[str, Example]] = {
    "upi_intent": {"summary": "UPI, by QR code or app", "value": {"order_id": "order_01k9…", "method": "upi"}},
    "upi": {"summary": "UPI", "value": {"order_id": "order_01k9…", "method": "upi", "vpa": "success@razorpay"}},
    "card": {
        "summary": "A test card",
        "value": {
            "order_id": "order_01k9…",
            "method": "card",
            "card": {"number": "4242424242424242", "expiry_month": 12, "expiry_year": 2031, "cvv": "123"},
        },
    },
    "token": {
        "summary": "A card token, captured later",
        "value": {"order_id": "order_01k9…", "method": "card", "token": "tok_…", "capture_method": "manual"},
    },
    "netbanking": {
        "summary": "Netbanking",
        "value": {"order_id": "order_01k9…", "method": "netbanking", "bank": {"code": "HDFC"}},
    },
}


class CaptureCreate(Body):
    """A capture to make."""

    amount: Annotated[
        Amount | None,
        Field(description="Amount to capture, in minor units. Default: everything that is not captured yet."),
    ] = None
    final: Annotated[
        bool,
        Field(
            strict=True,
            description="`true`: what is left of the authorisation is released, and the payment ends as `success`. "
            "`false`: the payment stays `authorized` for further captures, at most 50 in all.",
        ),
    ] = True


class CancelCreate(Body):
    """A cancellation to make."""

    reason: Annotated[Reason, Field(description="The history keeps it permanently: write no personal data here.")] = (
        "cancelled by the merchant"
    )


class ForgetCreate(Body):
    """Why a payment is forgotten."""

    reason: Annotated[Reason, Field(description="The audit log keeps it permanently: write no personal data here.")] = (
        "asked for by the merchant"
    )


ACTORS: Final = (
    "Who acted: `system`, `gateway`, `customer`, `merchant` (a program, by its API key), `user:<id>` (a member, in the "
    "dashboard or the command line; `GET /members` has their names) or `operator:<name>`."
)


class HistoryEntry(BaseModel):
    """One step in the life of a payment or of one of its refunds."""

    type: EventType
    from_status: str | None
    to_status: str | None
    reason: str | None
    actor: Annotated[str | None, Field(description=ACTORS)]
    at: Moment
    event_id: str
    refund_id: Annotated[str | None, Field(description="Set on the steps of a refund.")] = None


class History(BaseModel):
    """What happened to a payment, oldest first."""

    payment_id: str
    data: list[HistoryEntry]


class Attempts(BaseModel):
    """The attempts of a payment, oldest first."""

    payment_id: str
    data: list[AttemptResource]
