"""Settings in requests and answers. A field that a PATCH leaves out keeps its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from api.http.fields import Body, CurrencyCode, Email, Flag, HttpUrl, PlainText, absent, trimmed_name
from clearway.domain.branding import (
    COLOUR_FORM,
    LOGO_FORM,
    LOGO_LENGTH_MAX,
    ORIGIN_FORM,
    HelpTopic,
    Logo,
    read_logo,
    read_origin,
)
from clearway.domain.limits import (
    ALLOWED_ORIGINS_MAX,
    AMOUNT_MINOR_MAX,
    API_KEYS_PER_MERCHANT_MAX,
    GATEWAYS_PER_MERCHANT_MAX,
    HELP_TEXT_LENGTH_MAX,
    MERCHANT_NAME_LENGTH_MAX,
    PAGE_SIZE_MAX,
    REQUEST_BODY_BYTES_MAX,
    WEBHOOK_ENDPOINTS_PER_MERCHANT_MAX,
)
from clearway.domain.merchant import Mode
from clearway.domain.resources import Moment, Resource
from clearway.domain.time_zones import time_zones
from clearway.settings import Settings

CURRENCIES_MAX: Final = 50
Read = TypeVar("Read")


def _checked(read: Callable[[str], Read], code: str) -> Callable[[str], Read]:
    """Return a check by a function that raises ValueError with the reason."""

    def check(text: str) -> Read:
        try:
            return read(text)
        except ValueError as wrong:
            raise PydanticCustomError(code, "{reason}", {"reason": str(wrong)}) from None

    return check


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _time_zone(name: str) -> str:
    if name not in time_zones():
        raise PydanticCustomError("time_zone_unknown", "This is not a time zone, such as Asia/Kolkata or UTC")
    return name


def _https(url: str) -> str:
    if not url.lower().startswith("https://"):
        raise PydanticCustomError("url_form", "The address must begin with https://")
    return url


Name = Annotated[
    PlainText, StringConstraints(min_length=1, max_length=MERCHANT_NAME_LENGTH_MAX), AfterValidator(trimmed_name)
]
Colour = Annotated[
    PlainText,
    BeforeValidator(_lower),
    StringConstraints(pattern=COLOUR_FORM),
    Field(json_schema_extra={"pattern": COLOUR_FORM}, examples=["#0b5fff"]),
]
LogoUrl = Annotated[
    str,
    StringConstraints(strict=True, max_length=LOGO_LENGTH_MAX),
    AfterValidator(_checked(lambda url: read_logo(url).url, "logo_invalid")),
    Field(
        json_schema_extra={"pattern": LOGO_FORM},
        description="A PNG, JPEG or WebP image of at most 24 KiB, as a `data:` URL.",
    ),
]
Origin = Annotated[
    PlainText,
    AfterValidator(_checked(read_origin, "origin_invalid")),
    Field(json_schema_extra={"pattern": ORIGIN_FORM}, examples=["https://shop.example"]),
]
HttpsUrl = Annotated[HttpUrl, AfterValidator(_https), Field(examples=["https://shop.example/help"])]
HelpText = Annotated[PlainText, StringConstraints(min_length=1, max_length=HELP_TEXT_LENGTH_MAX)]
StepUpAmount = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=AMOUNT_MINOR_MAX,
        description="In minor units. Refunds above it need a step-up.",
        examples=[50_000],
    ),
]
TimeZone = Annotated[PlainText, AfterValidator(_time_zone), Field(examples=["Asia/Kolkata"])]
RefundStepUp = Annotated[
    dict[CurrencyCode, StepUpAmount],
    Field(
        max_length=CURRENCIES_MAX,
        description=(
            "By currency: the amount above which a member's refunds of a payment need a step-up. For a currency that "
            "is not listed, every refund needs one. API keys need no step-up."
        ),
        examples=[{"INR": 500_000, "EUR": 10_000}],
    ),
]
Origins = Annotated[
    list[Origin],
    Field(
        max_length=ALLOWED_ORIGINS_MAX,
        description="Pages that may show the checkout in a frame. http only for localhost, and in test mode.",
    ),
]
HelpTexts = Annotated[
    dict[HelpTopic, HelpText], Field(description="Your own plain text for the help pages of the checkout, by page.")
]


class BrandingPatch(Body):
    """How the checkout looks."""

    logo: LogoUrl | None = None
    accent: Colour | None = Field(None, description="The colour of buttons. null: the default.")
    accent_text: Colour | None = Field(
        None, description="The colour of text on buttons. null: black or white, whichever reads better."
    )


class CheckoutPatch(Body):
    """What the checkout does and says."""

    allowed_origins: Origins = Field(default_factory=absent)
    customer_chooses_gateway: Flag = Field(
        default_factory=absent, description="Whether customers see your gateways and choose one."
    )
    support_email: Email | None = None
    support_url: HttpsUrl | None = None
    terms_url: HttpsUrl | None = None
    help_texts: HelpTexts = Field(default_factory=absent)


class SecurityPatch(Body):
    """What members must confirm."""

    totp_required: Flag = Field(
        default_factory=absent,
        description="Whether every member of the account needs a second factor: in both modes.",
    )
    refund_step_up: RefundStepUp = Field(default_factory=absent)


class SettingsPatch(Body):
    """The settings to change. Fields that you leave out keep their values; lists and maps are replaced."""

    name: Name = Field(default_factory=absent, description="What customers see.")
    account_name: Name = Field(default_factory=absent, description="Of the account, for its members: in both modes.")
    time_zone: TimeZone = Field(default_factory=absent, description="Days of figures and reports begin here.")
    branding: BrandingPatch = Field(default_factory=absent)
    checkout: CheckoutPatch = Field(default_factory=absent)
    security: SecurityPatch = Field(default_factory=absent)

    def asked(self) -> dict[str, Any]:
        """Return the settings to change, by their names in the application service."""
        values: dict[str, Any] = {}
        for name in self.model_fields_set:
            part = getattr(self, name)
            own = (
                {name: part}
                if not isinstance(part, Body)
                else {one: getattr(part, one) for one in part.model_fields_set}
            )
            values |= own
        if values.get("logo") is not None:
            values["logo"] = read_logo(values["logo"])
        if "allowed_origins" in values:
            values["allowed_origins"] = list(dict.fromkeys(values["allowed_origins"]))
        if "help_texts" in values:
            values["help_texts"] = {topic.value: text for topic, text in values["help_texts"].items()}
        return values


class Branding(Resource):
    """How the checkout looks."""

    logo: str | None = Field(description="A `data:` URL.")
    accent: str | None
    accent_text: str | None


class Checkout(Resource):
    """What the checkout does and says."""

    allowed_origins: list[str]
    customer_chooses_gateway: bool
    support_email: str | None
    support_url: str | None
    terms_url: str | None
    help_texts: dict[HelpTopic, str]


class Security(Resource):
    """What members must confirm."""

    totp_required: bool
    refund_step_up: dict[str, int]


class Limits(Resource):
    """What this installation accepts; an operator sets the rates."""

    requests: str = Field(description="Of your merchant, such as `6000/minute`.")
    payments_per_customer: str | None
    webhook_retries: str
    api_keys: int
    webhook_endpoints: int
    gateways: int
    page_size: int
    request_body_bytes: int


class SettingsResource(Resource):
    """The settings of a merchant, and the limits that apply to it."""

    object: Literal["settings"] = "settings"
    merchant_id: str
    mode: Mode
    account_id: str
    name: str
    account_name: str
    time_zone: str
    branding: Branding
    checkout: Checkout
    security: Security
    limits: Limits
    updated_at: Moment | None = Field(description="null: nothing was changed yet.")


def settings_resource(found: Mapping[str, Any], settings: Settings) -> SettingsResource:
    """Render settings as `clearway.accounts.merchant_settings.read` returns them."""
    logo: Logo | None = found["logo"]
    own = ("merchant_id", "mode", "account_id", "name", "account_name", "time_zone", "updated_at")
    return SettingsResource(
        **{name: found[name] for name in own},
        branding=Branding(logo=logo and logo.url, accent=found["accent"], accent_text=found["accent_text"]),
        checkout=Checkout(**{name: found[name] for name in Checkout.model_fields}),
        security=Security(totp_required=found["totp_required"], refund_step_up=found["refund_step_up"]),
        limits=Limits(
            requests=settings.rate_limit_merchant,
            payments_per_customer=settings.rate_limit_customer,
            webhook_retries=settings.rate_limit_webhook_retries,
            api_keys=API_KEYS_PER_MERCHANT_MAX,
            webhook_endpoints=WEBHOOK_ENDPOINTS_PER_MERCHANT_MAX,
            gateways=GATEWAYS_PER_MERCHANT_MAX,
            page_size=PAGE_SIZE_MAX,
            request_body_bytes=REQUEST_BODY_BYTES_MAX,
        ),
    )
