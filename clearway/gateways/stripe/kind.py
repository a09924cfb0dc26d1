"""Stripe in the catalogue: its forms, its warnings, and how its connector is built."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr

from clearway.domain.gateway import GatewayKind
from clearway.domain.merchant import Mode
from clearway.domain.payment import PaymentMethod
from clearway.gateways.browser import BrowserSide, by_script, of_stand_in
from clearway.gateways.contract import Capabilities, Gateway
from clearway.gateways.forms import Credentials, GatewaySettings, Secret, stand_in
from clearway.gateways.kinds import Ingredients, Kind
from clearway.gateways.stripe.abilities import abilities
from clearway.gateways.stripe.client import API_BASE, StripeGateway, StripeKeys

SCRIPT: Final = "https://js.stripe.com/v3/"
CONTENT_SOURCES: Final = {
    "script-src": ("https://js.stripe.com", "https://*.js.stripe.com"),
    "frame-src": ("https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com"),
    "connect-src": ("https://api.stripe.com",),
}
"""docs.stripe.com/security/guide, "Content security policy"."""
_SECRET_KEY: Final = re.compile(r"(?:sk|rk)_(?:test|live)_[A-Za-z0-9_]{8,}")
_PUBLISHABLE_KEY: Final = re.compile(r"pk_(?:test|live)_[A-Za-z0-9_]{8,}")
_WEBHOOK_SECRET: Final = re.compile(r"whsec_[A-Za-z0-9+/=_-]{8,}")


def _secret_key(value: SecretStr) -> SecretStr:
    if not _SECRET_KEY.fullmatch(value.get_secret_value()):
        raise ValueError("a secret key begins with sk_test_, sk_live_, rk_test_ or rk_live_")
    return value


def _webhook_secret(value: SecretStr) -> SecretStr:
    if not _WEBHOOK_SECRET.fullmatch(value.get_secret_value()):
        raise ValueError("a webhook signing secret begins with whsec_; it is shown on the page of the webhook endpoint")
    return value


def _publishable_key(value: str) -> str:
    if not _PUBLISHABLE_KEY.fullmatch(value):
        raise ValueError("a publishable key begins with pk_test_ or pk_live_")
    return value


class StripeCredentials(Credentials):
    """The secrets of one Stripe account."""

    secret_key: Annotated[Secret, AfterValidator(_secret_key)] = Field(
        description="From the Stripe dashboard, Developers, API keys: `sk_…`, or a restricted key `rk_…`."
    )
    webhook_secret: Annotated[Secret, AfterValidator(_webhook_secret)] | None = Field(
        default=None, description="The signing secret of the webhook endpoint: `whsec_…`."
    )


class StripeSettings(GatewaySettings):
    """What may be shown. api_base: only for a stand-in of Stripe."""

    publishable_key: Annotated[str, Field(max_length=255), AfterValidator(_publishable_key)] | None = Field(
        default=None, description="The key for browsers, `pk_…`: pages need it to show Stripe's card field."
    )
    multicapture: bool = Field(
        default=False,
        description="Whether the account may capture a payment in several parts (a matter of its pricing at Stripe).",
    )
    api_base: str | None = stand_in("Stripe", "/stripe")


def build(given: Ingredients) -> Gateway:
    """Return the connector."""
    credentials, settings = given.credentials, given.settings
    secret = credentials.webhook_secret.get_secret_value() if credentials.webhook_secret else None
    return StripeGateway(
        StripeKeys(credentials.secret_key.get_secret_value(), secret),
        api_base=settings.api_base or API_BASE,
        timeout_s=given.installation.gateway_timeout_s,
        multicapture=settings.multicapture,
        tls=given.tls,
        transport=given.guarded() if settings.api_base else None,
    )


def mode_of(credentials: StripeCredentials) -> Mode:
    """Return whether the secret key is a live or a test one."""
    return _mode(credentials.secret_key.get_secret_value())


def warnings(credentials: StripeCredentials, settings: StripeSettings) -> tuple[str, ...]:
    """Return warnings: what is unusual and still allowed."""
    found = []
    if credentials.webhook_secret is None:
        found.append(
            "There is no webhook signing secret: Stripe's events are refused, and payments that wait for their "
            "customer are noticed later, by asking. Create a webhook endpoint at Stripe and enter its secret."
        )
    if settings.publishable_key is not None and _mode(settings.publishable_key) is not mode_of(credentials):
        found.append("One key is live and the other is a test key: cards entered on your pages could not be charged.")
    return tuple(found)


def browser(settings: StripeSettings, _method: PaymentMethod) -> BrowserSide:
    """Return what a page needs: Stripe's card field makes a payment method."""
    values = {"publishable_key": settings.publishable_key}
    if settings.api_base is not None:
        return by_script(f"{settings.api_base.rstrip('/')}/v3/", values, content_sources=of_stand_in(settings.api_base))
    return by_script(SCRIPT, values, content_sources=CONTENT_SOURCES)


def capabilities(settings: StripeSettings) -> Capabilities:
    """Return what an account with these settings can express."""
    return abilities(multicapture=settings.multicapture).capabilities


def _mode(key: str) -> Mode:
    return Mode.LIVE if key.split("_")[1] == "live" else Mode.TEST


STRIPE: Final = Kind(
    name=GatewayKind.STRIPE,
    title="Stripe",
    credentials=StripeCredentials,
    settings=StripeSettings,
    build=build,
    capabilities=capabilities,
    mode_of=mode_of,
    warnings=warnings,
    browser=browser,
    tokens=("pm_",),
    raw_cards=True,
)
