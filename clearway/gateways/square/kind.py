"""Square in the catalogue: its forms, its warnings, and how its connector is built."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from clearway.domain.gateway import GatewayKind
from clearway.domain.payment import PaymentMethod
from clearway.gateways.browser import ActionNeeded, BrowserSide, by_script, of_stand_in
from clearway.gateways.contract import Capabilities, Gateway
from clearway.gateways.forms import Credentials, GatewaySettings, Secret, is_plain, stand_in
from clearway.gateways.kinds import Ingredients, Kind
from clearway.gateways.square.abilities import abilities
from clearway.gateways.square.api import PRODUCTION, SANDBOX, SquareKeys
from clearway.gateways.square.client import Location, SquareGateway

_APPLICATION: Final = re.compile(r"(sandbox-)?sq0id[bp]-[A-Za-z0-9_-]{4,100}")


class Environment(StrEnum):
    """Square's environments: they have separate addresses and tokens."""

    PRODUCTION = "production"
    SANDBOX = "sandbox"


SCRIPTS: Final = {
    Environment.PRODUCTION: "https://web.squarecdn.com/v1/square.js",
    Environment.SANDBOX: "https://sandbox.web.squarecdn.com/v1/square.js",
}
BASES: Final = {Environment.PRODUCTION: PRODUCTION, Environment.SANDBOX: SANDBOX}


def _printable(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not (is_plain(text) and text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("it has characters that Square's do not have; copy it again")
    return value


def _application(value: str) -> str:
    if not _APPLICATION.fullmatch(value):
        raise ValueError("an application ID begins with sq0idp- or sandbox-sq0idb-")
    return value


Printable = Annotated[Secret, AfterValidator(_printable)]


class SquareForm(Credentials):
    """The secrets of one seller."""

    access_token: Printable = Field(
        description="From Square's developer dashboard, the application, Credentials: the access token."
    )
    signature_key: Printable | None = Field(
        default=None, description="The signature key of the webhook subscription: Square signs each event with it."
    )


class SquareSettings(GatewaySettings):
    """What may be shown. api_base: only for a stand-in of Square."""

    location_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,50}$")] = Field(
        description="Where the payments are taken: the ID of one location of the seller."
    )
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = Field(
        description="The currency of the location: it takes no other. For a second currency, connect a second location."
    )
    environment: Environment = Field(
        default=Environment.PRODUCTION, description="Where the token is from: `production` or `sandbox`."
    )
    application_id: Annotated[str, AfterValidator(_application)] | None = Field(
        default=None, description="The application's ID, `sq0idp-…`: pages need it to show Square's card field."
    )
    notification_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]{1,500}$")] | None = Field(
        default=None,
        description="The webhook's URL as it was entered at Square, if it is not `webhook_url`: Square signs it, too.",
    )
    api_base: str | None = stand_in("Square", "/square")


def build(given: Ingredients) -> Gateway:
    """Return the connector."""
    entered, settings = given.credentials, given.settings
    signature_key = entered.signature_key.get_secret_value() if entered.signature_key else None
    return SquareGateway(
        SquareKeys(entered.access_token.get_secret_value(), signature_key),
        Location(settings.location_id, settings.currency),
        api_base=settings.api_base or BASES[settings.environment],
        notification_url=settings.notification_url,
        timeout_s=given.installation.gateway_timeout_s,
        tls=given.tls,
        transport=given.guarded() if settings.api_base else None,
    )


def warnings(credentials: SquareForm, settings: SquareSettings) -> tuple[str, ...]:
    """Return warnings: what is unusual and still allowed."""
    found = []
    if credentials.signature_key is None:
        found.append(
            "There is no webhook signature key: Square's events are refused, and refunds that are pending are noticed "
            "later, by asking. Make a webhook subscription at Square and enter its signature key."
        )
    sandbox = settings.environment is Environment.SANDBOX
    if sandbox and settings.api_base is None:
        found.append("The environment is Square's sandbox: no real money moves.")
    if settings.application_id is not None and settings.application_id.startswith("sandbox-") is not sandbox:
        found.append(
            "The application ID is of the other environment (production or sandbox): cards entered on your pages could "
            "not be charged."
        )
    return tuple(found)


def browser(settings: SquareSettings, _method: PaymentMethod) -> BrowserSide:
    """Return what a page needs: Square's card field, which also verifies the customer before it makes the token."""
    values = {"application_id": settings.application_id, "location_id": settings.location_id}
    if settings.api_base is not None:
        script, sources = f"{settings.api_base.rstrip('/')}/v1/square.js", of_stand_in(settings.api_base)
        return by_script(script, values, ActionNeeded.NEVER, sources)
    script = SCRIPTS[settings.environment]
    return by_script(script, values, ActionNeeded.NEVER, _content_sources(script))


def _content_sources(script: str) -> dict[str, tuple[str, ...]]:
    """Return what a page must allow (developer.squareup.com/docs/web-payments/content-security-policy)."""
    own = script.removesuffix("/v1/square.js")
    connect = "https://pci-connect.squareup.com" if "sandbox" not in own else "https://pci-connect.squareupsandbox.com"
    return {
        "script-src": (own,),
        "style-src": (own,),
        "frame-src": (own,),
        "connect-src": (own, connect),
        "font-src": ("https://square-fonts-production-f.squarecdn.com", "https://d1g145x70srn7h.cloudfront.net"),
    }


def capabilities(settings: SquareSettings) -> Capabilities:
    """Return what a location can express."""
    return abilities(settings.currency).capabilities


SQUARE: Final = Kind(
    name=GatewayKind.SQUARE,
    title="Square",
    credentials=SquareForm,
    settings=SquareSettings,
    build=build,
    capabilities=capabilities,
    before_settings=abilities(None).capabilities,
    warnings=warnings,
    browser=browser,
    tokens=("cnon:", "ccof:"),
)
