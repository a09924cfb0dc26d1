"""The parameters of each request of PayPal's APIs, and their errors. Pure.

A field of PayPal that the stand-in does not implement is refused: nothing is accepted and then ignored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from clearway.simulator.facades.paypal.errors import PayPalError, ReportingError

Id127 = Annotated[str, StringConstraints(min_length=1, max_length=127)]
Text127 = Annotated[str, StringConstraints(min_length=1, max_length=127)]
Url = Annotated[str, StringConstraints(max_length=2_048, pattern=r"^https?://[^\s]+$")]
Descriptor = Annotated[str, StringConstraints(max_length=22)]
Note = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Money(_Part):
    """An amount: a text, never a number."""

    currency_code: Annotated[str, StringConstraints(min_length=3, max_length=3)]
    value: Annotated[str, StringConstraints(min_length=1, max_length=32)]


class PurchaseUnit(_Part):
    """`purchase_units[0]`; the stand-in takes one."""

    amount: Money
    reference_id: Annotated[str, StringConstraints(min_length=1, max_length=256)] = "default"
    custom_id: Id127 | None = None
    invoice_id: Id127 | None = None
    description: Text127 | None = None
    soft_descriptor: Descriptor | None = None


class ExperienceContext(_Part):
    """How the payer approves, and the return URLs."""

    return_url: Url
    cancel_url: Url
    user_action: Literal["CONTINUE", "PAY_NOW"] = "CONTINUE"
    shipping_preference: Literal["GET_FROM_FILE", "NO_SHIPPING", "SET_PROVIDED_ADDRESS"] = "GET_FROM_FILE"
    landing_page: Literal["LOGIN", "GUEST_CHECKOUT", "NO_PREFERENCE"] = "NO_PREFERENCE"
    payment_method_preference: Literal["UNRESTRICTED", "IMMEDIATE_PAYMENT_REQUIRED"] = "UNRESTRICTED"
    brand_name: Text127 | None = None
    locale: Annotated[str, StringConstraints(min_length=2, max_length=10)] | None = None


class Wallet(_Part):
    """`payment_source.paypal`."""

    experience_context: ExperienceContext


class PaymentSource(_Part):
    """`payment_source`."""

    paypal: Wallet


class NewOrder(_Part):
    """`POST /v2/checkout/orders`."""

    intent: Literal["CAPTURE", "AUTHORIZE"]
    purchase_units: Annotated[list[PurchaseUnit], Field(min_length=1, max_length=1)]
    payment_source: PaymentSource | None = None


class Nothing(_Part):
    """A request without fields."""


class NewCapture(_Part):
    """`POST /v2/payments/authorizations/{id}/capture`. It takes no `custom_id`."""

    amount: Money | None = None
    invoice_id: Id127 | None = None
    final_capture: bool = False
    note_to_payer: Note | None = None
    soft_descriptor: Descriptor | None = None


class Reauthorization(_Part):
    """`POST /v2/payments/authorizations/{id}/reauthorize`."""

    amount: Money | None = None


class NewRefund(_Part):
    """`POST /v2/payments/captures/{id}/refund`; empty: all that is left."""

    amount: Money | None = None
    custom_id: Id127 | None = None
    invoice_id: Id127 | None = None
    note_to_payer: Note | None = None


class EventType(_Part):
    """One type of event, or `*`."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=50)]


class NewWebhook(_Part):
    """`POST /v1/notifications/webhooks`."""

    url: Url
    event_types: Annotated[list[EventType], Field(min_length=1, max_length=500)]


class Verification(_Part):
    """`POST /v1/notifications/verify-webhook-signature`."""

    auth_algo: str
    cert_url: str
    transmission_id: str
    transmission_sig: str
    transmission_time: str
    webhook_id: str
    webhook_event: dict[str, Any]


Model = TypeVar("Model", bound=BaseModel)
_ISSUES: Final = {
    "missing": "MISSING_REQUIRED_PARAMETER",
    "string_too_long": "INVALID_STRING_LENGTH",
    "string_too_short": "INVALID_STRING_LENGTH",
    "string_type": "INVALID_PARAMETER_SYNTAX",
    "string_pattern_mismatch": "INVALID_PARAMETER_SYNTAX",
}


class Reported(BaseModel):
    """`GET /v1/reporting/transactions`; filters that the stand-in does not have are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    start_date: AwareDatetime
    end_date: AwareDatetime
    fields: Literal["transaction_info", "all"] = "transaction_info"
    balance_affecting_records_only: Literal["Y", "N"] = "Y"
    page_size: Annotated[int, Field(ge=1, le=500)] = 100
    page: Annotated[int, Field(ge=1)] = 1

    @property
    def is_complete(self) -> bool:
        """Whether transactions that move no balance are listed too, such as authorizations."""
        return self.balance_affecting_records_only == "N"


def read_query(query: Mapping[str, str]) -> Reported:
    """Read the query of a report. Raises ReportingError (400), repeating no value."""
    try:
        return Reported.model_validate(dict(query))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise ReportingError.invalid(str(problem["loc"][0])[:100], problem["msg"]) from None


def read(model: type[Model], body: bytes) -> Model:
    """Read the body of a request; an empty one is an empty object. Raises PayPalError (400), repeating no value."""
    try:
        fields = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise PayPalError("MALFORMED_REQUEST_JSON") from None
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = "/" + "/".join(str(part) for part in problem["loc"])
        raise PayPalError(_ISSUES.get(problem["type"], "INVALID_PARAMETER_VALUE"), field=place[:200]) from None
