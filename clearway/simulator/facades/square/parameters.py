"""The parameters of each request of Square's API, and their errors. Pure.

A field of Square that the stand-in does not implement is refused: nothing is accepted and then ignored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from clearway.simulator.facades.square.errors import SquareError
from clearway.simulator.wire import AMOUNT_MAX

PAGE_MAX: Final = 100
Key = Annotated[str, StringConstraints(min_length=1, max_length=45)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=192)]
Duration = Annotated[str, StringConstraints(pattern=r"^P(\d+D)?(T(\d+H)?(\d+M)?(\d+S)?)?$")]
Moment = Annotated[str, StringConstraints(min_length=1, max_length=32)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Money(_Part):
    """An amount in the smallest unit of its currency."""

    amount: Annotated[int, Field(ge=0, le=AMOUNT_MAX)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class NewPayment(_Part):
    """`POST /v2/payments`."""

    source_id: Annotated[str, StringConstraints(min_length=1, max_length=192)]
    idempotency_key: Key
    amount_money: Money
    autocomplete: bool = True
    delay_duration: Duration | None = None
    delay_action: Literal["CANCEL", "COMPLETE"] = "CANCEL"
    location_id: Id | None = None
    reference_id: Annotated[str, StringConstraints(max_length=40)] | None = None
    note: Annotated[str, StringConstraints(max_length=500)] | None = None
    verification_token: str | None = None
    statement_description_identifier: Annotated[str, StringConstraints(max_length=20)] | None = None


class ChangedPayment(_Part):
    """The fields of a payment that can be changed."""

    amount_money: Money
    version_token: str | None = None


class PaymentChange(_Part):
    """`PUT /v2/payments/{id}`."""

    idempotency_key: Key
    payment: ChangedPayment


class Completion(_Part):
    """`POST /v2/payments/{id}/complete`: always the whole amount."""

    version_token: str | None = None


class Nothing(_Part):
    """A request without fields."""


class CancellationByKey(_Part):
    """`POST /v2/payments/cancel`."""

    idempotency_key: Key


class NewRefund(_Part):
    """`POST /v2/refunds`."""

    idempotency_key: Key
    payment_id: Id
    amount_money: Money
    reason: Annotated[str, StringConstraints(max_length=192)] | None = None
    payment_version_token: str | None = None


class Listing(BaseModel):
    """`GET /v2/payments` and `GET /v2/refunds`. More than a hundred on a page are a hundred."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    begin_time: Moment | None = None
    end_time: Moment | None = None
    updated_at_begin_time: Moment | None = None
    updated_at_end_time: Moment | None = None
    sort_order: Literal["ASC", "DESC"] = "DESC"
    sort_field: Literal["CREATED_AT", "UPDATED_AT"] = "CREATED_AT"
    cursor: Annotated[str, StringConstraints(max_length=64)] | None = None
    location_id: Id | None = None
    total: int | None = None
    last_4: str | None = None
    status: str | None = None
    limit: Annotated[int, Field(ge=1)] = PAGE_MAX


class EntryListing(BaseModel):
    """`GET /v2/payouts/{id}/payout-entries`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    sort_order: Literal["ASC", "DESC"] = "DESC"
    cursor: Annotated[str, StringConstraints(max_length=64)] | None = None
    limit: Annotated[int, Field(ge=1)] = PAGE_MAX


class PayoutListing(EntryListing):
    """`GET /v2/payouts`."""

    location_id: Id | None = None
    status: Literal["SENT", "FAILED", "PAID"] | None = None
    begin_time: Moment | None = None
    end_time: Moment | None = None


class Subscription(_Part):
    """A subscription of webhooks."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    event_types: Annotated[list[str], Field(min_length=1)]
    notification_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$")]
    enabled: bool = True
    api_version: str | None = None


class NewSubscription(_Part):
    """`POST /v2/webhooks/subscriptions`."""

    subscription: Subscription
    idempotency_key: Key | None = None


Model = TypeVar("Model", bound=BaseModel)
_CODES: Final = {
    "missing": "MISSING_REQUIRED_PARAMETER",
    "string_too_long": "VALUE_TOO_LONG",
    "string_too_short": "VALUE_TOO_SHORT",
    "string_type": "EXPECTED_STRING",
    "string_pattern_mismatch": "VALUE_REGEX_MISMATCH",
    "int_type": "EXPECTED_INTEGER",
    "int_parsing": "EXPECTED_INTEGER",
    "bool_type": "EXPECTED_BOOLEAN",
    "literal_error": "INVALID_ENUM_VALUE",
    "greater_than_equal": "VALUE_TOO_LOW",
    "less_than_equal": "VALUE_TOO_HIGH",
    "model_type": "EXPECTED_OBJECT",
    "extra_forbidden": "UNKNOWN_BODY_PARAMETER",
}


def read(model: type[Model], body: bytes) -> Model:
    """Read the body of a request; an empty one is an empty object. Raises SquareError (400), repeating no value."""
    try:
        fields = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise SquareError("EXPECTED_JSON_BODY", "The request body is not valid JSON.") from None
    return _valid(model, fields)


def read_query(model: type[Model], query: Mapping[str, Any]) -> Model:
    """Read the query of a list. Raises SquareError (400)."""
    return _valid(model, dict(query))


def _valid(model: type[Model], fields: Any) -> Model:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in problem["loc"])[:200]
        raise SquareError(_CODES.get(problem["type"], "INVALID_VALUE"), "A field is not valid.", field=field) from None
