"""The parameters of each request of Stripe's API, and their errors. Pure.

Texts come from forms, so numbers and truth values are read from text. A parameter of Stripe that the stand-in does not
implement is refused like an unknown one: nothing is accepted and then ignored.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from clearway.simulator.facades.stripe.errors import StripeError

Text = Annotated[str, StringConstraints(max_length=5_000)]
Url = Annotated[str, StringConstraints(max_length=2_048, pattern=r"^https?://[^\s]+$")]
Whole = Annotated[int, Field(ge=-(10**12), le=10**12)]
METADATA_KEYS_MAX: Final = 50


def _metadata(value: dict[str, str]) -> dict[str, str]:
    if len(value) > METADATA_KEYS_MAX:
        raise ValueError("Metadata can have up to 50 keys.")
    if any(len(key) > 40 or len(text) > 500 for key, text in value.items()):  # noqa: PLR2004 - docs.stripe.com/metadata
        raise ValueError("Metadata keys can have up to 40 characters, and values up to 500.")
    return value


Metadata = Annotated[dict[str, str], AfterValidator(_metadata)]


class _Parameters(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    expand: list[Text] = []


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class CardOptions(_Part):
    """`payment_method_options[card]`."""

    request_multicapture: Literal["if_available", "never"] = "never"
    request_three_d_secure: Literal["any", "automatic", "challenge"] = "automatic"


class MethodOptions(_Part):
    """`payment_method_options`."""

    card: CardOptions = CardOptions()


class AutomaticMethods(_Part):
    """`automatic_payment_methods`."""

    enabled: bool
    allow_redirects: Literal["always", "never"] = "always"


class NewIntent(_Parameters):
    """`POST /v1/payment_intents`."""

    amount: Whole
    currency: Text
    payment_method: Text | None = None
    payment_method_types: list[Text] | None = None
    automatic_payment_methods: AutomaticMethods | None = None
    payment_method_options: MethodOptions = MethodOptions()
    confirm: bool = False
    capture_method: Literal["automatic", "automatic_async", "manual"] = "automatic_async"
    return_url: Url | None = None
    use_stripe_sdk: bool = False
    error_on_requires_action: bool = False
    metadata: Metadata = {}
    description: Annotated[str, StringConstraints(max_length=1_000)] | None = None
    statement_descriptor_suffix: Annotated[str, StringConstraints(max_length=22)] | None = None
    transfer_group: Text | None = None


class Confirmation(_Parameters):
    """`POST /v1/payment_intents/{intent}/confirm`."""

    payment_method: Text | None = None
    payment_method_types: list[Text] | None = None
    payment_method_options: MethodOptions | None = None
    capture_method: Literal["automatic", "automatic_async", "manual"] | None = None
    return_url: Url | None = None
    use_stripe_sdk: bool = False
    error_on_requires_action: bool = False
    client_secret: Text | None = None


class IntentChange(_Parameters):
    """`POST /v1/payment_intents/{intent}`."""

    metadata: Metadata | None = None
    description: Annotated[str, StringConstraints(max_length=1_000)] | None = None
    transfer_group: Text | None = None


class Capture(_Parameters):
    """`POST /v1/payment_intents/{intent}/capture`."""

    amount_to_capture: Whole | None = None
    final_capture: bool = True
    metadata: Metadata | None = None


class Cancellation(_Parameters):
    """`POST /v1/payment_intents/{intent}/cancel`. It takes no metadata."""

    cancellation_reason: Literal["abandoned", "duplicate", "fraudulent", "requested_by_customer"] | None = None


class NewRefund(_Parameters):
    """`POST /v1/refunds`."""

    payment_intent: Text | None = None
    charge: Text | None = None
    amount: Whole | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None
    metadata: Metadata = {}


class Card(_Part):
    """A raw card, or a token of one."""

    number: str | None = Field(default=None, max_length=32, repr=False)
    exp_month: int = 0
    exp_year: int = 0
    cvc: str = Field(default="", max_length=8, repr=False)
    token: Text | None = None


class BillingDetails(_Part):
    """`billing_details`."""

    name: Text | None = None
    email: Text | None = None


class NewMethod(_Parameters):
    """`POST /v1/payment_methods`."""

    type: Literal["card"]
    card: Card
    billing_details: BillingDetails = BillingDetails()
    metadata: Metadata = {}


class NewToken(_Parameters):
    """`POST /v1/tokens`."""

    card: Card


class NewEndpoint(_Parameters):
    """`POST /v1/webhook_endpoints`."""

    url: Url
    enabled_events: Annotated[list[Text], Field(min_length=1)]
    api_version: Text | None = None
    description: Text | None = None
    metadata: Metadata = {}


class Nothing(_Parameters):
    """A request without fields."""


class Span(_Part):
    """Moments in Unix seconds."""

    gt: int | None = None
    gte: int | None = None
    lt: int | None = None
    lte: int | None = None


class Listing(_Parameters):
    """What every list takes, and the filters of some. `limit`: 1 to 100."""

    created: Span | int | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    starting_after: Text | None = None
    ending_before: Text | None = None
    payment_intent: Text | None = None
    charge: Text | None = None
    transfer_group: Text | None = None
    type: Text | None = None
    types: list[Text] | None = None


class SettledListing(_Parameters):
    """`GET /v1/balance_transactions` and `GET /v1/payouts`."""

    created: Span | int | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    starting_after: Text | None = None
    payout: Text | None = None


class Search(_Parameters):
    """`GET /v1/payment_intents/search`."""

    query: Text
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    page: Text | None = None


Model = TypeVar("Model", bound=BaseModel)
_CODES: Final = {
    "missing": "parameter_missing",
    "extra_forbidden": "parameter_unknown",
    "int_parsing": "parameter_invalid_integer",
    "int_type": "parameter_invalid_integer",
    "string_type": "parameter_invalid_string_empty",
}


def read(model: type[Model], fields: dict[str, Any]) -> Model:
    """Read the parameters of a request. Raises StripeError (400), which repeats no value."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise _refusal(problem["type"], [str(part) for part in problem["loc"]], problem["msg"]) from None


def _refusal(kind: str, place: list[str], message: str) -> StripeError:
    param = place[0] + "".join(f"[{part}]" for part in place[1:])
    code = _CODES.get(kind)
    match code:
        case "parameter_missing":
            message = f"Missing required param: {param}."
        case "parameter_unknown":
            message = f"Received unknown parameter: {param}"
        case "parameter_invalid_integer":
            message = f"Invalid integer: {param}"
        case _:
            message = f"Invalid {param}: {message}"
    return StripeError(400, message, code=code, param=param)
