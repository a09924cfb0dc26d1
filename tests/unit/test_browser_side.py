"""What a page is told of each kind of gateway: every method that it can express, and nothing of its credentials."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from clearway.domain.gateway import GatewayKind
from clearway.domain.payment import PaymentMethod
from clearway.gateways import browser
from clearway.gateways.browser import FIELDS, ActionNeeded, Component
from clearway.gateways.catalogue import CATALOGUE

SETTINGS: dict[GatewayKind, dict[str, Any]] = {
    GatewayKind.SIMULATOR: {},
    GatewayKind.STRIPE: {"publishable_key": "pk_test_12345678"},
    GatewayKind.PAYPAL: {"client_id": "client_shop"},
    GatewayKind.SQUARE: {"location_id": "L1", "currency": "USD", "application_id": "sq0idp-12345"},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_every_method_that_a_kind_takes_has_a_browser_side(name: GatewayKind) -> None:
    """With all settings nothing is missing, scripts come by https, and the field is one of `POST /payments`."""
    kind = CATALOGUE[name]
    settings = kind.settings.model_validate(SETTINGS[name])
    for method in kind.capabilities(settings).methods:
        side = kind.browser(settings, method)
        assert side.missing == ()
        assert side.script is None or side.script.startswith("https://")
        assert side.field == FIELDS[method] or side.field == "card"
        assert (side.component is Component.CARD_FIELD) == (method is PaymentMethod.CARD and side.script is not None)


def test_a_kind_without_its_own_asks_for_the_instrument() -> None:
    """A kind that says nothing has no script, and may send the customer to a page."""
    side = browser.without_script(None, PaymentMethod.UPI)
    assert (side.component, side.field, side.next_action) == (Component.INPUT, "vpa", ActionNeeded.SOMETIMES)


def test_credentials_cannot_get_into_it() -> None:
    """The browser side is made of settings and the method; it is never given the credentials."""
    for kind in CATALOGUE.values():
        assert len(inspect.signature(kind.browser).parameters) == 2
