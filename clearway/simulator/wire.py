"""The simulator's HTTP shapes: requests, answers and webhooks."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StringConstraints, model_validator

from clearway.domain.money import exponent
from clearway.simulator.failures import MESSAGES
from clearway.simulator.records import Kind, Operation, Payment, Status, iso
from clearway.simulator.scenarios import Challenge

PAYEE: Final = "simulator@clearway"
PAYEE_NAME: Final = "Clearway simulator"
PAYEE_CATEGORY: Final = "5411"
"""The merchant category code of a grocery shop."""
AMOUNT_MAX: Final = 10**12
Amount = Annotated[StrictInt, Field(gt=0, le=AMOUNT_MAX)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class NewToken(_Body):
    """A raw card, to be exchanged for a token."""

    number: str = Field(max_length=32, repr=False)
    exp_month: int
    exp_year: int
    cvc: str = Field(max_length=8, repr=False)
    name: str | None = Field(default=None, max_length=255, repr=False)


class NewPayment(_Body):
    """Reserve (`capture: manual`) or take (`automatic`) money. `merchant_reference` is the caller's payment id.

    account: the payment's account; webhooks go to its address. instrument: for `upi` it may be left out: the answer
    then has a UPI intent, as acquirers in India give it.
    """

    merchant_reference: Reference
    amount: Amount
    currency: Currency
    method: Literal["upi", "card", "netbanking", "wallet"]
    instrument: Annotated[str, StringConstraints(max_length=512)] = ""
    capture: Literal["automatic", "manual"] = "automatic"
    return_url: str | None = Field(default=None, max_length=2_048, pattern=r"^https?://")
    description: str | None = Field(default=None, max_length=512)
    account: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None

    @model_validator(mode="after")
    def _has_an_instrument(self) -> Self:
        if not self.instrument and self.method != "upi":
            raise ValueError("only UPI is paid without an instrument")
        return self


class NewCapture(_Body):
    """Capture part or all of the authorised amount."""

    amount: Amount
    currency: Currency


class NewVoid(_Body):
    """Release what is authorised and not captured, or cancel a pending payment."""


class NewRefund(_Body):
    """Give captured money back. `merchant_reference` is the caller's payment id."""

    amount: Amount
    currency: Currency


_PAGES: Final = {Challenge.THREE_DS: "3ds", Challenge.UPI: "upi", Challenge.INTENT: "upi", Challenge.BANK: "bank"}


def operation_body(operation: Operation, payment: Payment | None, public_url: str) -> dict[str, Any]:
    """Return the API's body of an operation; also the `data` of webhooks."""
    return {
        "object": "operation",
        "idempotency_key": operation.key,
        "type": operation.kind.value,
        "id": operation.reference,
        "payment": operation.payment_reference,
        "merchant_reference": operation.payment_id,
        "status": operation.status.value,
        "amount": operation.amount,
        "currency": operation.currency,
        "failure": failure_body(operation.failure),
        "next_action": _next_action(operation, payment, public_url),
        "created": iso(operation.created_at),
        "updated": iso(operation.updated_at),
    }


def failure_body(code: str | None) -> dict[str, str] | None:
    """Return a failure with its message."""
    return {"code": code, "message": MESSAGES[code]} if code else None


def payment_body(payment: Payment, operation: Operation) -> dict[str, Any]:
    """Return the API's body of a payment: its state and running totals in minor units."""
    return {
        "object": "payment",
        "id": payment.reference,
        "merchant_reference": payment.payment_id,
        "status": operation.status.value,
        "method": payment.method,
        "amount": payment.amount,
        "currency": payment.currency,
        "capture": payment.capture,
        "amount_authorised": payment.authorised,
        "amount_captured": payment.captured,
        "amount_voided": payment.voided,
        "amount_refunded": payment.refunded,
        "description": payment.description,
        "failure": failure_body(operation.failure),
        "created": iso(payment.created_at),
    }


def error_body(code: str, message: str, **more: Any) -> dict[str, Any]:
    """Return an error that is about the request, not about money."""
    return {"error": {"code": code, "message": message, **more}}


def page_path(payment: Payment) -> str:
    """Return the path of the page the customer must visit; an unknown path when there is none."""
    return f"/{_PAGES.get(payment.scenario.challenge, 'none')}/{payment.reference}"


def intent_url(payment: Payment) -> str:
    """Return the UPI intent of a payment. `tr` is the payment's reference: the page `/upi/<tr>` stands for the app."""
    fields = {
        "pa": PAYEE,
        "pn": PAYEE_NAME,
        "mc": PAYEE_CATEGORY,
        "tr": payment.reference,
        "tn": payment.payment_id,
        "am": str(Decimal(payment.amount).scaleb(-exponent(payment.currency))),
        "cu": payment.currency,
    }
    return "upi://pay?" + urlencode(fields, quote_via=quote)


def _next_action(operation: Operation, payment: Payment | None, public_url: str) -> dict[str, str] | None:
    if operation.kind is not Kind.PAYMENT or operation.status is not Status.REQUIRES_ACTION or payment is None:
        return None
    if payment.scenario.challenge is Challenge.INTENT:
        assert operation.decide_at is not None, "an intent has an end"
        return {"type": "upi_intent", "url": intent_url(payment), "expires_at": iso(operation.decide_at)}
    return {"type": "redirect", "url": public_url + page_path(payment)}
