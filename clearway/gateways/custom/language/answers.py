"""What a gateway's answer means: named values, then the first case that holds. Without a case it is unknown."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from clearway.domain.attempt import Executed
from clearway.gateways.custom.language.base import CASES_MAX, NAMED_MAX, Name, Part, Path, Text
from clearway.gateways.custom.language.values import AmountFormat, IdentifierValue

Status = Annotated[int, Field(ge=100, le=599)] | Literal["2xx", "3xx", "4xx", "5xx"]
Outcome = Literal[
    "approved",
    "declined",
    "needs_action",
    "pending",
    "prepared",
    "retryable",
    "unknown",
    "not_found",
    "by_error",
]


class Before(Part):
    """Keep what stands before a text, such as `:`; all of it without the text."""

    before: Annotated[str, Field(min_length=1, max_length=8)]


Step = Literal["strip", "lower", "upper", "base64_decode", "base64_decode_if_valid"] | Before


class Read(Part):
    """Where a value is found: the first path that leads to one. A number becomes text; then the steps are applied."""

    paths: Annotated[list[Path], Field(min_length=1, max_length=8)]
    normalise: Annotated[list[Step], Field(max_length=8)] = Field(default_factory=list)


class IsAmount(Part):
    """The value is the operation's amount, compared as numbers."""

    is_amount: bool


class IsPresent(Part):
    """The value is there and not empty."""

    present: bool


class IsGrown(Part):
    """Only in the look-up of a refund: how the value has grown since it was read before the refund was sent.

    nothing: not at all. amount: by exactly the refund's amount. Before it was read, it is compared with 0, and has not
    grown by the amount.
    """

    grown_by: Literal["nothing", "amount"]


Condition = Annotated[list[Text | None], Field(min_length=1, max_length=NAMED_MAX)] | IsAmount | IsPresent | IsGrown


class When(Part):
    """What must hold, all of it. http: the status. values: by name, one of the texts (null: absent)."""

    http: Annotated[list[Status], Field(min_length=1, max_length=20)] | None = None
    values: Annotated[dict[Name, Condition], Field(max_length=8)] = Field(default_factory=dict)


class Case(Part):
    """What the answer means when `when` holds.

    by_error: as the row of `errors` for the value that `error` names says; without a row it is unknown.
    executed: for a decline `yes`: it was refused by the issuer or a risk check; `no`: because of our request or the
    account, so another gateway may be tried. captured: an approved authorisation whose money is taken.
    """

    when: When = Field(default_factory=When)
    outcome: Outcome
    executed: Executed | None = None
    error_code: Name | None = None
    description: Text | None = None
    captured: bool | None = None
    retry_after_s: Annotated[int, Field(ge=0, le=3_600)] | None = None


class AmountRead(Part):
    """The value that is the amount, and how it is written if not as in the document's `amount`."""

    value: Name
    written: AmountFormat | None = None


class Meaning(Part):
    """How a message is read. references: by name, a value of the answer or an identifier of ours.

    error: the value that is the gateway's error code, looked up in `errors`. currency: left out where the gateway names
    none.
    """

    values: Annotated[dict[Name, Read], Field(max_length=NAMED_MAX)] = Field(default_factory=dict)
    cases: Annotated[list[Case], Field(max_length=CASES_MAX)] = Field(default_factory=list)
    references: Annotated[dict[Name, Name | IdentifierValue], Field(max_length=8)] = Field(default_factory=dict)
    amount: AmountRead | None = None
    currency: Name | None = None
    error: Name | None = None


class Answer(Meaning):
    """The meaning of an answer to a request. format: of its body."""

    format: Literal["json", "form", "text"] = "json"


class ErrorRow(Part):
    """What one error code of the gateway means. error_code: one of `GET /errors`."""

    outcome: Literal["declined", "retryable", "unknown", "not_found"] = "declined"
    executed: Executed | None = None
    error_code: Name | None = None
    description: Text | None = None
