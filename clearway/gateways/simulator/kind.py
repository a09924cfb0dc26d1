"""The simulator in the catalogue: for test merchants. The installation runs it; a merchant enters nothing."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from clearway.domain.gateway import GatewayKind
from clearway.domain.merchant import Mode
from clearway.domain.payment import PaymentMethod
from clearway.gateways.browser import BrowserSide, Component, without_script
from clearway.gateways.contract import Gateway
from clearway.gateways.forms import Credentials, NoSettings, Secret
from clearway.gateways.kinds import Ingredients, Kind
from clearway.gateways.simulator.client import ABILITIES, SimulatorGateway


class SimulatorCredentials(Credentials):
    """The secret of the webhooks of one configuration. Left out: SIMULATOR_WEBHOOK_SECRET of the installation."""

    webhook_secret: Secret | None = Field(default=None, description="Verifies its webhooks: `whsec_` and base64.")


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


def browser(_settings: NoSettings, method: PaymentMethod) -> BrowserSide:
    """Return what a page needs: fields of its own. It takes the numbers of test cards."""
    if method is PaymentMethod.CARD:
        return BrowserSide(Component.CARD_FORM, "card")
    return without_script(_settings, method)


SIMULATOR: Final = Kind(
    name=GatewayKind.SIMULATOR,
    title="Simulator",
    credentials=SimulatorCredentials,
    settings=NoSettings,
    build=build,
    capabilities=lambda _: ABILITIES.capabilities,
    modes=frozenset({Mode.TEST}),
    mode_of=lambda _: Mode.TEST,
    browser=browser,
    tokens=("tok_sim_",),
    raw_cards=True,
)
