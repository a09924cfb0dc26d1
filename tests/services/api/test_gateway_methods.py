"""Which payment methods a gateway is used for, of those that it takes: chosen, changed, refused, and kept to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.api.conftest import Caller, NewCaller, Payer
from tests.services.api.test_checkout_methods import SQUARE, connected, methods

SIMULATOR: dict[str, Any] = {"kind": "simulator", "name": "Chosen", "priority": 50, "test": False}
UPI = {"method": "upi", "currency": "INR", "amount": 50_000}


async def explained(caller: Caller, **facts: Any) -> dict[str, Any]:
    """Ask where a payment would go."""
    answer = await caller.http.post("/routing/explain", json=UPI | facts)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_payment_avoids_a_gateway_that_is_not_used_for_its_method(payer: Payer) -> None:
    """It goes to the next gateway, and the decision says why; naming the gateway is refused, and nothing is charged."""
    [gateway_id] = await connected(payer, SIMULATOR | {"methods": ["card", "wallet"]})
    decision = await explained(payer)
    assert gateway_id not in decision["gateways"]
    [left_out] = decision["left_out"]
    assert (left_out["gateway_id"], left_out["why"]) == (gateway_id, "cannot")
    assert left_out["reason"].startswith("you do not use it for upi payments")
    assert (await explained(payer, method="card"))["gateways"][0] == gateway_id

    assert (await payer.payment())["gateway_id"] != gateway_id
    named = await payer.post_payment(gateway_id=gateway_id)
    assert (named.status_code, named.json()["code"]) == (422, "gateway_cannot"), named.text
    assert "you do not use it for upi payments" in named.json()["detail"]


async def test_checkout_offers_only_the_chosen_methods(caller: Caller) -> None:
    """A page is not offered a gateway for a method that it is not used for, and learns why when it asks."""
    [gateway_id] = await connected(caller, SIMULATOR | {"methods": ["upi"]})
    found = await methods(caller, currency="INR", explain="true")
    offering = [name for name, each in found.items() if gateway_id in [one["gateway_id"] for one in each["gateways"]]]
    assert offering == ["upi"]
    assert gateway_id in [each["gateway_id"] for each in found["card"]["left_out"]]


async def test_methods_are_changed_and_given_back(caller: Caller) -> None:
    """They are shown in one order, stay when something else is changed, and null means all; enabling goes along."""
    [gateway_id] = await connected(caller, SIMULATOR | {"enabled": False})
    path = f"/gateways/{gateway_id}"
    made = (await caller.http.get(path)).json()
    assert (made["methods"], made["mode"]) == (None, "test")
    assert made["capabilities"]["methods"] == ["upi", "card", "netbanking", "wallet"]

    chosen = (await caller.http.patch(path, json={"methods": ["wallet", "upi", "upi"], "enabled": True})).json()
    assert (chosen["methods"], chosen["enabled"]) == (["upi", "wallet"], True)
    assert (await caller.http.patch(path, json={"name": "Renamed"})).json()["methods"] == ["upi", "wallet"]
    assert (await caller.http.get(path)).json()["methods"] == ["upi", "wallet"]
    assert (await caller.http.patch(path, json={"methods": None})).json()["methods"] is None
    assert gateway_id in (await explained(caller, method="card"))["gateways"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [(["card", "upi"], "gateway_config_invalid"), ([], "validation_error"), (["cash"], "validation_error")],
)
async def test_a_method_that_the_gateway_does_not_take_is_refused(caller: Caller, asked: list[str], code: str) -> None:
    """By name, with what it takes, when it is connected and when it is changed; nothing is saved."""
    refused = await caller.http.post("/gateways", json=SQUARE | {"methods": asked})
    assert (refused.status_code, refused.json()["code"]) == (422, code), refused.text
    [gateway_id] = await connected(caller, SQUARE)
    refused = await caller.http.patch(f"/gateways/{gateway_id}", json={"methods": asked})
    assert (refused.status_code, refused.json()["code"]) == (422, code), refused.text
    if code == "gateway_config_invalid":
        assert "does not take upi. Leave it out; it takes: card" in refused.json()["detail"]
    assert (await caller.http.get(f"/gateways/{gateway_id}")).json()["methods"] is None


async def test_chosen_methods_go_along_with_an_export(caller: Caller, new_caller: NewCaller) -> None:
    """A gateway is used for the same methods where it is imported."""
    await connected(caller, SIMULATOR | {"methods": ["netbanking"]})
    passphrase = "correct horse battery staple"
    file = (await caller.http.post("/gateways/export", json={"passphrase": passphrase})).json()
    other = await new_caller()
    for _ in range(2):
        imported = await other.http.post("/gateways/import", json={"passphrase": passphrase, "file": file})
        assert {one["name"]: one["methods"] for one in imported.json()["data"]} == {
            "Chosen": ["netbanking"],
            "Simulator": None,
        }
