"""PayPal in the catalogue: its forms, its warnings, and how its connector is built."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from clearway.domain.gateway import GatewayKind
from clearway.domain.payment import PaymentMethod
from clearway.gateways.browser import ActionNeeded, BrowserSide, Component, of_stand_in
from clearway.gateways.contract import Capabilities, Gateway
from clearway.gateways.forms import Credentials, GatewaySettings, Secret, stand_in
from clearway.gateways.kinds import Ingredients, Kind
from clearway.gateways.paypal.abilities import ABILITIES
from clearway.gateways.paypal.client import LIVE, SANDBOX, WALLET, PayPalGateway
from clearway.gateways.paypal.exchange import PayPalCredentials

SCRIPT: Final = "https://www.paypal.com/sdk/js"
_OWN: Final = ("https://*.paypal.com", "https://*.paypalobjects.com")
CONTENT_SOURCES: Final[Mapping[str, tuple[str, ...]]] = dict.fromkeys(
    ("script-src", "style-src", "frame-src", "connect-src", "img-src"), _OWN
)
"""developer.paypal.com/sdk/js/configuration, "Content security policy"; the script is given the page's nonce."""


class Environment(StrEnum):
    """PayPal's environments: live and sandbox have separate addresses."""

    LIVE = "live"
    SANDBOX = "sandbox"


BASES: Final = {Environment.LIVE: LIVE, Environment.SANDBOX: SANDBOX}


def _printable(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not (text.isascii() and text.isprintable()) or ":" in text or " " in text:
        raise ValueError("it has characters that PayPal's do not have; copy it again")
    return value


Printable = Annotated[Secret, AfterValidator(_printable)]


class PayPalForm(Credentials):
    """The secrets of one app of a PayPal account."""

    client_id: Printable = Field(description="From PayPal's developer dashboard, Apps & Credentials: the client ID.")
    client_secret: Printable = Field(description="The secret key of the same app.")
    webhook_id: Printable | None = Field(
        default=None, description="The ID of the app's webhook, not of an event: PayPal signs it with each event."
    )


class PayPalSettings(GatewaySettings):
    """What may be shown. api_base: only for a stand-in of PayPal."""

    environment: Environment = Field(default=Environment.LIVE, description="Where the app is: `live` or `sandbox`.")
    client_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{4,255}$")] | None = Field(
        default=None, description="The client ID once more, where pages may see it: for PayPal's button and marks."
    )
    api_base: str | None = stand_in("PayPal", "/paypal")


def build(given: Ingredients) -> Gateway:
    """Return the connector."""
    entered, settings = given.credentials, given.settings
    webhook_id = entered.webhook_id.get_secret_value() if entered.webhook_id else None
    return PayPalGateway(
        PayPalCredentials(entered.client_id.get_secret_value(), entered.client_secret.get_secret_value(), webhook_id),
        api_base=settings.api_base or BASES[settings.environment],
        timeout_s=given.installation.gateway_timeout_s,
        tls=given.tls,
        transport=given.guarded() if settings.api_base else None,
    )


def warnings(credentials: PayPalForm, settings: PayPalSettings) -> tuple[str, ...]:
    """Return warnings: what is unusual and still allowed."""
    found = []
    if credentials.webhook_id is None:
        found.append(
            "There is no webhook id: PayPal's events are refused, and a payment goes on after its customer's approval "
            "only when Clearway asks. Make a webhook in the PayPal app and enter its ID."
        )
    if settings.environment is Environment.SANDBOX and settings.api_base is None:
        found.append("The environment is PayPal's sandbox: no real money moves.")
    return tuple(found)


def browser(settings: PayPalSettings, _method: PaymentMethod) -> BrowserSide:
    """Return what a page needs: a button, after which the customer goes on at PayPal. The script only draws it."""
    script, sources = SCRIPT, CONTENT_SOURCES
    if settings.api_base is not None:
        script, sources = f"{settings.api_base.rstrip('/')}/sdk/js", of_stand_in(settings.api_base)
    return BrowserSide(
        Component.BUTTON,
        "wallet",
        value={"code": WALLET},
        script=script if settings.client_id else None,
        values={"client_id": settings.client_id} if settings.client_id else {},
        next_action=ActionNeeded.ALWAYS,
        content_sources=sources if settings.client_id else {},
    )


def capabilities(_: PayPalSettings) -> Capabilities:
    """Return what an account can express."""
    return ABILITIES.capabilities


PAYPAL: Final = Kind(
    name=GatewayKind.PAYPAL,
    title="PayPal",
    credentials=PayPalForm,
    settings=PayPalSettings,
    build=build,
    capabilities=capabilities,
    warnings=warnings,
    browser=browser,
)
