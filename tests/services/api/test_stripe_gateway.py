"""Connecting Stripe: what its forms accept, what they warn of, and which addresses a connector may call."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from clearway.egress import EgressPolicy
from clearway.egress.exchanges import GuardedExchanges
from tests.services.api.conftest import Caller
from tests.services.gateways.running import Simulator

KEY = "sk_test_a_key_of_a_test"
DEAD = "http://127.0.0.1:9/stripe"


def stripe(settings: dict[str, Any] | None = None, **credentials: str) -> dict[str, Any]:
    """Return the body that connects a Stripe account, without asking it."""
    return {"kind": "stripe", "credentials": credentials, "settings": settings or {}, "test": False}


@pytest.mark.parametrize(
    ("body", "about"),
    [
        (stripe(), "credentials.secret_key"),
        (stripe(secret_key="pk_test_wrong_kind_of_key"), "begins with sk_test_"),
        (stripe(secret_key=KEY, webhook_secret="not-a-secret"), "begins with whsec_"),
        (stripe({"publishable_key": KEY}, secret_key=KEY), "begins with pk_test_"),
        (stripe({"api_base": "ftp://127.0.0.1"}, secret_key=KEY), "settings.api_base"),
        (stripe({"colour": "red"}, secret_key=KEY), "settings.colour"),
    ],
)
async def test_wrong_forms_are_refused_in_words(caller: Caller, body: dict[str, Any], about: str) -> None:
    """What cannot be a Stripe account is refused with the field and the reason, and no value is repeated."""
    answer = await caller.http.post("/gateways", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "gateway_config_invalid")
    assert about in answer.json()["detail"]
    assert not any(value in answer.text for value in body["credentials"].values())


async def test_what_is_odd_is_said(caller: Caller) -> None:
    """A missing webhook secret, a live key in a test merchant, and keys of two modes are warnings."""
    quiet = stripe(secret_key=KEY, webhook_secret="whsec_of_the_endpoint")
    assert (await caller.http.post("/gateways", json=quiet)).json()["warnings"] == []
    odd = stripe({"publishable_key": "pk_test_a_key_of_a_page"}, secret_key="sk_live_a_key_of_a_test")
    warnings = (await caller.http.post("/gateways", json=odd)).json()["warnings"]
    assert [text.split(":")[0] for text in warnings] == [
        "These are live credentials, and this is a test merchant",
        "There is no webhook signing secret",
        "One key is live and the other is a test key",
    ]


async def test_a_change_is_tested_with_the_settings_to_be_saved(caller: Caller, api_simulator: Simulator) -> None:
    """A gateway at an address that is dead is moved to one that works: the test asks the new address."""
    made = (await caller.http.post("/gateways", json=stripe({"api_base": DEAD}, secret_key=KEY))).json()
    alive = {"settings": {"api_base": f"{api_simulator.url}/stripe"}}
    changed = await caller.http.patch(f"/gateways/{made['id']}", json=alive)
    assert changed.status_code == 200, changed.text
    back = await caller.http.patch(f"/gateways/{made['id']}", json={"settings": {"api_base": DEAD}})
    assert back.json()["code"] == "gateway_test_failed"


async def test_a_live_merchant_cannot_name_an_address_inside(live_caller: Caller) -> None:
    """A live merchant's gateway is never on loopback, even if the installation allows it for tests."""
    body = stripe({"api_base": "http://127.0.0.1:4010/stripe"}, secret_key="sk_live_a_key_of_a_test")
    answer = await live_caller.http.post("/gateways", json=body)
    assert answer.status_code == 422
    assert "settings.api_base" in answer.json()["detail"]


@pytest.mark.parametrize("url", ["https://127.0.0.1:1/v1/balance", "https://localhost:1/", "http://example.com/"])
async def test_a_connector_is_kept_from_addresses_inside(url: str) -> None:
    """A name that leads to an inner address, or plain http, is not called: nothing was sent."""
    transport = GuardedExchanges(EgressPolicy(), httpx.create_ssl_context(trust_env=False))
    async with httpx.AsyncClient(transport=transport, trust_env=False) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(url)
