"""The simulator in the catalogue: for test merchants. The installation runs it; a merchant enters nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pydantic import Field

from clearway.domain.gateway import GatewayKind
from clearway.domain.merchant import Mode
from clearway.domain.payment import PaymentMethod
from clearway.gateways.browser import BrowserSide, Component, without_script
from clearway.gateways.contract import Capabilities, Gateway
from clearway.gateways.forms import Credentials, GatewaySettings, Secret
from clearway.gateways.kinds import Ingredients, Kind
from clearway.gateways.simulator.client import ABILITIES, SimulatorGateway


class SimulatorCredentials(Credentials):
    """The secret of the webhooks of one configuration. Left out: SIMULATOR_WEBHOOK_SECRET of the installation."""

    webhook_secret: Secret | None = Field(default=None, description="Verifies its webhooks: `whsec_` and base64.")


class SimulatorSettings(GatewaySettings):
    """How the simulated acquirer takes UPI."""

    upi_collect: bool = Field(
        default=True,
        description="Whether it collects by the customer's UPI ID too. Acquirers of shops in India no longer do: "
        "switch it off to see what your customers will see.",
    )


def build(given: Ingredients) -> Gateway:
    """Return the connector."""
    secret = given.credentials.webhook_secret or given.installation.simulator_webhook_secret
    return SimulatorGateway(
        given.installation.simulator_url,
        secret.get_secret_value(),
        timeout_s=given.installation.gateway_timeout_s,
        account=given.config.id,
        tls=given.tls,
    )


def capabilities(settings: SimulatorSettings) -> Capabilities:
    """Return what the gateway takes."""
    return replace(ABILITIES.capabilities, upi_collect=settings.upi_collect)


def browser(_settings: SimulatorSettings, method: PaymentMethod) -> BrowserSide:
    """Return what a page needs: fields of its own. It takes the numbers of test cards."""
    if method is PaymentMethod.CARD:
        return BrowserSide(Component.CARD_FORM, "card")
    return without_script(_settings, method)


SIMULATOR: Final = Kind(
    name=GatewayKind.SIMULATOR,
    title="Simulator",
    credentials=SimulatorCredentials,
    settings=SimulatorSettings,
    build=build,
    capabilities=capabilities,
    modes=frozenset({Mode.TEST}),
    mode_of=lambda _: Mode.TEST,
    browser=browser,
    tokens=("tok_sim_",),
    raw_cards=True,
)
