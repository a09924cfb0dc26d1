"""The resources as merchants see them: the shapes of API answers and of event data, which are the same.

Amounts are integers in minor units. Every model refuses unknown fields when it is made, so a typo is found here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from clearway.domain import events
from clearway.domain.attempt import AttemptStatus, Executed
from clearway.domain.breaker import BreakerState
from clearway.domain.events import PERSONAL
from clearway.domain.gateway_health import HealthStatus
from clearway.domain.order import OrderStatus
from clearway.domain.payment import CaptureMethod, PaymentMethod, PaymentStatus
from clearway.domain.reconciliation import Comparison, ItemKind, ItemState, RunStatus, Severity, Step
from clearway.domain.refund import RefundStatus
from clearway.domain.review import ReviewKind

Moment = Annotated[
    datetime,
    PlainSerializer(events.timestamp, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "RFC 3339, UTC, microseconds, `Z`."}),
]
Minor = Annotated[int, Field(strict=True, description="Amount in minor units of the currency, such as paise or cents.")]
Notes = dict[str, str]


class Resource(BaseModel):
    """Base of all: immutable, no unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def data(self) -> dict[str, Any]:
        """Return the JSON form of an event."""
        return self.model_dump(mode="json")


class CardSummary(Resource):
    """The parts of a card that may be stored and shown."""

    brand: str
    last4: str
    expiry_month: int
    expiry_year: int


class BankSummary(Resource):
    """The bank of a netbanking payment."""

    code: str


class WalletSummary(Resource):
    """The wallet of a wallet payment."""

    code: str


class Customer(Resource):
    """Who pays, as the merchant described them."""

    id: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class NextAction(Resource):
    """What the customer must do next."""

    type: Annotated[
        Literal["redirect", "upi_intent"],
        Field(
            description="`redirect`: send the customer's browser to `url`. `upi_intent`: `url` is a `upi://pay` link. "
            "Show it as a QR code, or on an Android phone as a link that opens a UPI app; a desktop cannot open it."
        ),
    ] = "redirect"
    url: str
    expires_at: Annotated[
        Moment | None, Field(description="When `url` is no longer of use. null: it is as long as the payment waits.")
    ] = None


UPI_SCHEME: Final = "upi:"


def next_action_of(url: str | None, expires_at: datetime | None = None) -> NextAction | None:
    """Return the action behind a URL, or None."""
    if url is None:
        return None
    return NextAction(type="upi_intent" if url.startswith(UPI_SCHEME) else "redirect", url=url, expires_at=expires_at)


class OrderResource(Resource):
    """An order: the amount that a customer is to pay."""

    id: str
    object: Literal["order"] = "order"
    amount: Minor
    currency: str
    receipt: str | None
    notes: Notes
    status: OrderStatus
    expires_at: Annotated[
        Moment | None, Field(description="From then on it takes no new payment. null: it has no end.")
    ] = None
    created_at: Moment
    updated_at: Moment


class SettlementResource(Resource):
    """What a payment by quote settles: the amount of the order, in its own currency."""

    amount: Minor
    currency: str
    amount_refunded: Annotated[Minor, Field(description="Taken back by refunds, pending ones too, at the same rate.")]
    rate: Annotated[str, Field(description="Of the quote: the payment's currency for one unit of this one.")]
    quote_id: str


class PaymentResource(Resource):
    """A payment of an order."""

    id: str
    object: Literal["payment"] = "payment"
    order_id: str
    amount: Minor
    currency: str
    status: PaymentStatus
    method: PaymentMethod
    capture_method: CaptureMethod
    captured: Annotated[bool, Field(description="Whether any money has been taken.")]
    amount_captured: Minor
    amount_refunded: Annotated[
        Minor, Field(description="The sum of processed refunds. Pending refunds are not included.")
    ]
    vpa: str | None = None
    card: CardSummary | None = None
    bank: BankSummary | None = None
    wallet: WalletSummary | None = None
    customer: Customer | None = None
    notes: Notes
    next_action: NextAction | None = None
    settlement: Annotated[
        SettlementResource | None,
        Field(description="What a payment by quote settles. null: the customer pays in the order's currency."),
    ] = None
    next_attempt_at: Annotated[
        Moment | None,
        Field(description="Of a `retrying` payment: when the next attempt is made. null: when you retry it."),
    ] = None
    gateway: Annotated[str, Field(description="The kind of the gateway, such as `stripe`.")]
    gateway_id: Annotated[str, Field(description="Your gateway that processes the payment, `gw_…`.")]
    error_code: str | None = None
    error_description: str | None = None
    created_at: Moment
    updated_at: Moment
    forgotten_at: Annotated[
        Moment | None, Field(description="When its personal data were removed. null: they were not.")
    ] = None

    def personal(self) -> dict[str, Any]:
        """Return the fields that may contain personal data."""
        return self.model_dump(include=set(PERSONAL))

    def impersonal(self) -> dict[str, Any]:
        """Return the other fields in their JSON form, for messages to workflows and their answers."""
        return self.model_dump(mode="json", exclude=set(PERSONAL))


class AttemptResource(Resource):
    """One attempt of a payment at one gateway."""

    object: Literal["payment_attempt"] = "payment_attempt"
    payment_id: str
    number: Annotated[int, Field(description="1 for the first attempt.")]
    gateway: Annotated[str, Field(description="The kind of gateway.")]
    gateway_id: Annotated[str, Field(description="The gateway's configuration.")]
    status: AttemptStatus
    executed: Annotated[
        Executed | None,
        Field(description="Whether the gateway may have acted on an attempt that failed. null: it has not failed."),
    ] = None
    error_code: str | None = None
    error_description: str | None = None
    raw_code: Annotated[str | None, Field(description="The gateway's own code of the error.")] = None
    network_code: Annotated[str | None, Field(description="The card network's own code of the error.")] = None
    started_at: Moment
    ended_at: Annotated[Moment | None, Field(description="null: not decided yet.")] = None


class CaptureResource(Resource):
    """Money that was taken from an authorised payment, in part or in full."""

    id: str
    object: Literal["capture"] = "capture"
    payment_id: str
    amount: Minor
    currency: str
    created_at: Moment


class LedgerEntryResource(Resource):
    """One line of a ledger transaction."""

    account: Annotated[str, Field(description="Such as `merchant_payable` of a merchant, or a gateway's receivable.")]
    currency: str
    amount: Annotated[int, Field(description="In minor units: a debit is positive, a credit negative.")]


class LedgerTransactionResource(Resource):
    """One movement of money in the ledger. Nothing in the ledger is changed or deleted."""

    id: str
    object: Literal["ledger_transaction"] = "ledger_transaction"
    kind: Annotated[str, Field(description="Why it was booked, such as `capture` or `refund_processed`.")]
    refund_id: Annotated[str | None, Field(description="Set where a refund moved the money.")] = None
    created_at: Moment
    entries: list[LedgerEntryResource]


class RefundResource(Resource):
    """A refund of a payment, in part or in full."""

    id: str
    object: Literal["refund"] = "refund"
    payment_id: str
    amount: Minor
    currency: str
    status: RefundStatus
    reason: str | None
    error_code: str | None = None
    error_description: str | None = None
    created_at: Moment
    updated_at: Moment


class ApiKeyResource(Resource):
    """An API key, without its secret."""

    id: Annotated[str, Field(description="The public half, sent as `X-Api-Key`.")]
    object: Literal["api_key"] = "api_key"
    name: str
    permissions: Annotated[list[str], Field(description='`["*"]`: all current and future permissions.')]
    allowed_networks: Annotated[
        list[str], Field(description="Networks from which the key may be used. Empty: any address.")
    ]
    expires_at: Annotated[Moment | None, Field(description="null: never.")]
    last_used_at: Annotated[Moment | None, Field(description="Accurate to the minute. null: never used.")]
    previous_secret_expires_at: Annotated[
        Moment | None, Field(description="When the previous secret stops being valid.")
    ]
    created_by: str
    created_at: Moment
    revoked_at: Moment | None


class ApiKeyWithSecret(ApiKeyResource):
    """An API key with its secret."""

    secret: Annotated[
        str, Field(description="Sent as `X-Api-Secret`. It is shown only in this answer: Clearway stores a hash of it.")
    ]


class EndpointTestResource(Resource):
    """The data of a test event."""

    object: Literal["endpoint_test"] = "endpoint_test"
    endpoint_id: str
    message: str


class ContradictionResource(Resource):
    """A gateway's report that contradicts the final status of a payment or refund. The record did not change."""

    id: Annotated[str, Field(description="Of the review: quote it when you ask the operator of this installation.")]
    object: Literal["review"] = "review"
    kind: ReviewKind
    description: Annotated[str, Field(description="What it means for the money, and what to do next.")]
    payment_id: str
    refund_id: str | None = None
    recorded_status: Annotated[str, Field(description="The status of the payment or refund, which stays as it is.")]
    recorded_amount: Annotated[Minor, Field(description="Captured of the payment, or the amount of the refund.")]
    reported_outcome: Annotated[Literal["approved", "declined"], Field(description="What the gateway reported.")]
    reported_amount: Minor | None = None
    reported_currency: str | None = None
    opened_at: Moment


class BreakerResource(Resource):
    """The circuit breaker of one operation at one of your gateways."""

    object: Literal["gateway_breaker"] = "gateway_breaker"
    gateway_id: str
    operation: Annotated[str, Field(description="`authorise` decides about new payments; the others are shown.")]
    state: Annotated[
        BreakerState, Field(description="`open`: new payments avoid the gateway. `half_open`: one at a time tries it.")
    ]
    successes: Annotated[int, Field(description="Successful calls among those that are counted.")]
    failures: Annotated[int, Field(description="Technical failures among them. Declines do not count.")]
    last_failure: Annotated[
        str | None, Field(description="`unknown`: no answer. `retryable`: not sent. `slow`. `refused`: a wrong key.")
    ]
    opened_at: Moment | None
    open_until: Annotated[Moment | None, Field(description="When it is tried again.")]


class HealthResource(Resource):
    """The health of one of your gateways."""

    object: Literal["gateway_health"] = "gateway_health"
    gateway_id: str
    status: Annotated[
        HealthStatus, Field(description="`unknown`: not checked yet. A change needs several checks in a row.")
    ]
    since: Annotated[Moment | None, Field(description="Since when it has this status.")]
    message: Annotated[str | None, Field(description="What the last check says, with what to do.")]
    latency_ms: Annotated[int | None, Field(description="Of the last check. null: the gateway did not answer.")]
    checked_at: Moment | None
    degraded_by: Annotated[list[str], Field(description="The thresholds that its figures pass, in words. Empty: none.")]
    degraded_since: Moment | None


class ReconciliationFound(Resource):
    """How many items of a kind are open, and the money at risk in them."""

    kind: ItemKind
    currency: str | None
    open: Annotated[int, Field(description="Open items of this kind that the run found first.")]
    at_risk: Annotated[Minor, Field(description="The sum of the money at risk in the open ones.")]


class ReconciliationResource(Resource):
    """One comparison of what Clearway recorded with what a gateway reports, over a period."""

    id: str
    object: Literal["reconciliation"] = "reconciliation"
    gateway_id: str
    since: Moment
    until: Annotated[Moment, Field(description="The end of the period, which is not part of it.")]
    status: RunStatus
    step: Annotated[Step, Field(description="What a running one does now.")]
    counts: Annotated[
        dict[str, int],
        Field(description="What was listed, compared, matched and booked, such as `compared` and `matched`."),
    ]
    found: list[ReconciliationFound]
    failure: Annotated[str | None, Field(description="Why it ended without a result. Start it again.")] = None
    created_by: str
    started_at: Moment
    ended_at: Moment | None = None


class CorrectionResource(Resource):
    """How an item was closed. It is never changed."""

    id: str
    outcome: ItemState
    reason: str
    actor: Annotated[str, Field(description="Who closed it; `clearway`: a later run found the difference gone.")]
    ledger_reference: Annotated[str | None, Field(description="The ledger transaction that books it, if any.")]
    created_at: Moment


class ReconciliationItemResource(Resource):
    """One difference between the record and what a gateway reports."""

    id: str
    object: Literal["reconciliation_item"] = "reconciliation_item"
    gateway_id: str
    reconciliation_id: Annotated[str, Field(description="The run that found it first.")]
    comparison: Comparison
    kind: ItemKind
    description: Annotated[str, Field(description="What it means for the money, and what to do next.")]
    severity: Severity
    state: ItemState
    at_risk: Annotated[Minor, Field(description="The money at risk, in minor units of `currency`.")]
    currency: str | None
    expected: Annotated[int | None, Field(description="What we recorded, signed.")]
    found: Annotated[int | None, Field(description="What the gateway reports, signed.")]
    payment_id: str | None
    refund_id: str | None
    reference: Annotated[str | None, Field(description="The gateway's id of what it is about.")]
    detail: dict[str, Any]
    correction: CorrectionResource | None
    opened_at: Moment
    closed_at: Moment | None
