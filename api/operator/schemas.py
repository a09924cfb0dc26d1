"""What operators see of all merchants."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

from pydantic import Field
from sqlalchemy import Row

from clearway.domain.gateway_health import HealthStatus
from clearway.domain.merchant import Mode
from clearway.domain.resources import Moment, Resource
from clearway.domain.review import DESCRIPTIONS, ReviewKind

Shape = TypeVar("Shape", bound=Resource)


class MerchantSummary(Resource):
    """A merchant of the installation."""

    id: str
    object: Literal["merchant"] = "merchant"
    account_id: str
    account_name: str
    mode: Mode
    name: str
    active: bool
    created_at: Moment


class AwaitingDecision(Resource):
    """What waits for a person to decide."""

    id: str = Field(description="Of the payment, refund or review.")
    kind: Literal["payment", "refund", "review"] = Field(
        description="payment, refund: in needs_review. review: the gateway contradicts the record."
    )
    merchant_id: str
    merchant_name: str
    mode: Mode
    payment_id: str | None = Field(description="null: the review is about a refund.")
    gateway: str | None = Field(description="The kind of the gateway; null: see the payment or refund.")
    gateway_reference: str | None = Field(description="The gateway's own id of the payment or refund, if known.")
    amount: int | None
    currency: str | None
    review_kind: ReviewKind | None = Field(description="How the gateway contradicts the record.")
    meaning: str | None = Field(description="What a contradiction means for the money, and what to do next.")
    subject_id: str = Field(description="The payment or refund in question.")
    since: Moment


class ClosedReview(Resource):
    """The review of a contradiction, after it was closed."""

    id: str
    object: Literal["review"] = "review"
    merchant_id: str
    subject_id: str
    kind: ReviewKind
    opened_at: Moment
    resolved_at: Moment
    resolved_by: str
    resolution: str


class GatewaySummary(Resource):
    """A gateway of a merchant and its health."""

    id: str
    object: Literal["gateway"] = "gateway"
    merchant_id: str
    merchant_name: str
    mode: Mode
    kind: str
    name: str
    enabled: bool
    status: HealthStatus | None = Field(description="null: not checked yet.")
    since: Moment | None
    degraded_since: Moment | None
    message: str | None
    checked_at: Moment | None


def awaiting(row: Row[Any]) -> AwaitingDecision:
    """Render what waits for a decision."""
    kind = ReviewKind(row.review_kind) if row.review_kind else None
    held = {name: getattr(row, name) for name in AwaitingDecision.model_fields if name != "meaning"}
    return AwaitingDecision(**held, meaning=DESCRIPTIONS[kind] if kind else None)


def of_row(shape: type[Shape], row: Row[Any], **given: Any) -> Shape:
    """Render a row whose columns are the fields of the shape. given: fields that are no columns."""
    held = {name: getattr(row, name) for name in shape.model_fields if hasattr(row, name) and name not in given}
    return shape(**held, **given)
