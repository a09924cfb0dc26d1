"""What a gateway sends by itself: which message it is, whether it proves what it says, and what to answer."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from clearway.gateways.contract import OperationKind, Trust
from clearway.gateways.custom.language.answers import Meaning
from clearway.gateways.custom.language.base import FieldName, Name, Part, Path, Text

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Reply(Part):
    """The answer to send."""

    status: Annotated[int, Field(ge=200, le=599)] = 200
    text: Text = ""
    content_type: Annotated[str, Field(max_length=100, pattern=r"^[a-z]+/[a-z0-9.+-]+(; charset=utf-8)?$")] = (
        "text/plain; charset=utf-8"
    )


class Given(Part):
    """Where the signature of the message is."""

    field: Path | None = None
    header: FieldName | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.field is None) == (self.header is None):
            raise ValueError("the signature is in a `field` or in a `header`")
        return self


class Window(Part):
    """The value that is the time of signing (Unix seconds, or ISO 8601), and how far it may be from that of receipt."""

    value: Name
    within_s: Annotated[int, Field(ge=1, le=86_400)] = 300


class Check(Part):
    """How a signature is checked: by a recipe of `signatures`. case: whether upper and lower case are the same."""

    recipe: Name
    given: Given
    case: Literal["exact", "insensitive"] = "exact"
    time: Window | None = None


class Precheck(Part):
    """The gateway asks before it takes the money. Clearway answers by what it knows of the payment.

    `answer` is sent for a payment that is open here and has this amount and currency, `refuse` for every other.
    """

    refuse: Reply


class Callback(Meaning):
    """One kind of message. The first one whose method and `when` fit is used.

    when: fields (by path) that must have one of these texts; null: absent. payment: the value that is the reference
    `payment` of the start. trust: `proven` only with a signature that covers every value that is used; a `hint` makes
    Clearway ask by the look-up. event_id: the values that make an event distinct; by default the whole message.
    """

    name: Name
    methods: Annotated[tuple[Method, ...], Field(min_length=1)] = ("POST",)
    source: Literal["query", "form", "multipart", "json", "query_or_form"] = "form"
    when: Annotated[
        dict[Path, Annotated[list[Text | None], Field(min_length=1, max_length=20)]], Field(max_length=8)
    ] = Field(default_factory=dict)
    payment: Name
    operation: OperationKind = OperationKind.AUTHORISE
    trust: Trust
    signature: Check | None = None
    precheck: Precheck | None = None
    event_id: Annotated[list[Name], Field(max_length=8)] = Field(default_factory=list)
    answer: Reply = Field(default_factory=Reply)
