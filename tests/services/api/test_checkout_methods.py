"""`/checkout/methods`: what a page may offer, in the order of routing, and what it must load; nothing secret."""

from __future__ import annotations

from typing import Any

from clearway.gateways.square import kind as square_kind
from clearway.gateways.stripe import kind as stripe_kind
from tests.services.api.conftest import Caller, NewCaller

STRIPE = {
    "kind": "stripe",
    "name": "Stripe",
    "priority": 50,
    "test": False,
    "credentials": {"secret_key": "sk_test_checkout_secret", "webhook_secret": "whsec_checkout_secret"},
    "settings": {"publishable_key": "pk_test_checkout_public"},
}
SQUARE = {
    "kind": "square",
    "name": "Square",
    "priority": 40,
    "test": False,
    "credentials": {"access_token": "EAAA_checkout_secret"},
    "settings": {"location_id": "LMAIN", "currency": "USD", "environment": "sandbox"},
}
PAYPAL = {
    "kind": "paypal",
    "name": "PayPal",
    "priority": 60,
    "test": False,
    "credentials": {"client_id": "client_checkout", "client_secret": "secret_checkout"},
    "settings": {"environment": "sandbox"},
}


async def connected(caller: Caller, *gateways: dict[str, Any]) -> list[str]:
    """Connect gateways and return their ids."""
    found = []
    for gateway in gateways:
        made = await caller.http.post("/gateways", json=gateway)
        assert made.status_code == 201, made.text
        found.append(str(made.json()["id"]))
    return found


async def methods(caller: Caller, **query: Any) -> dict[str, dict[str, Any]]:
    """Ask for the methods of an amount, and return them by name."""
    asked = {"amount": 5_000, "currency": "USD"} | query
    answer = await caller.http.get("/checkout/methods", params=asked)
    assert answer.status_code == 200, answer.text
    assert "secret" not in answer.text
    assert "EAAA" not in answer.text
    return {each["method"]: each for each in answer.json()["methods"]}


async def test_gateways_come_in_the_order_of_routing(caller: Caller) -> None:
    """Each method has the gateways that can take it, the first priority first, with what a page must load."""
    stripe, square, paypal = await connected(caller, STRIPE, SQUARE, PAYPAL)
    found = await methods(caller)
    cards, wallets = found["card"]["gateways"], found["wallet"]["gateways"]
    assert [each["gateway_id"] for each in cards] == [square, stripe]
    assert [each["gateway"] for each in cards] == ["square", "stripe"]
    [third] = [
        each for each in (await methods(caller, explain="true"))["card"]["left_out"] if each["why"] == "too_many"
    ]
    assert third["reason"] == "at most 2 are tried for one payment"
    assert wallets[0]["gateway_id"] == paypal
    assert found["card"]["left_out"] is None
    assert cards[1]["browser"] == {
        "component": "card_field",
        "field": "token",
        "value": None,
        "script": stripe_kind.SCRIPT,
        "values": {"publishable_key": "pk_test_checkout_public"},
        "missing": [],
        "next_action": "sometimes",
    }
    assert (wallets[0]["browser"]["value"], wallets[0]["browser"]["next_action"]) == ({"code": "paypal"}, "always")


async def test_what_is_missing_for_the_page_is_said(caller: Caller) -> None:
    """A card field without its publishable value is listed with the setting to enter; once entered, it is complete."""
    [square] = await connected(caller, SQUARE)
    side = (await methods(caller))["card"]["gateways"][0]["browser"]
    assert (side["missing"], side["values"]) == (["application_id"], {"location_id": "LMAIN"})
    assert side["script"] == square_kind.SCRIPTS[square_kind.Environment.SANDBOX]
    settings = SQUARE["settings"] | {"application_id": "sandbox-sq0idb-checkout"}  # type: ignore[operator]
    changed = await caller.http.patch(f"/gateways/{square}", json={"settings": settings, "test": False})
    assert changed.status_code == 200, changed.text
    side = (await methods(caller))["card"]["gateways"][0]["browser"]
    assert (side["missing"], side["values"]["application_id"]) == ([], "sandbox-sq0idb-checkout")


async def test_what_cannot_take_the_payment_is_left_out_with_its_reason(caller: Caller) -> None:
    """Currency, method, manual capture and a disabled gateway decide as they do for the payment itself."""
    square, paypal = await connected(caller, SQUARE, PAYPAL)
    found = await methods(caller, currency="EUR", explain="true")
    reasons = {each["gateway_id"]: each for each in found["card"]["left_out"]}
    assert (reasons[square]["why"], reasons[square]["reason"]) == ("cannot", "it does not take EUR")
    assert reasons[paypal]["reason"] == "it does not take card payments"
    assert square not in {each["gateway_id"] for each in found["card"]["gateways"]}
    assert (await caller.http.post(f"/gateways/{paypal}/disable")).status_code == 200
    wallets = (await methods(caller))["wallet"]["gateways"]
    assert paypal not in {each["gateway_id"] for each in wallets}


async def test_rules_decide_here_as_for_payments(caller: Caller) -> None:
    """A routing rule for a country names the gateways for that country's customers alone."""
    stripe, square = await connected(caller, STRIPE, SQUARE)
    condition = {"field": "country", "is": "one_of", "value": ["CA"]}
    rule = {
        "name": "Canada",
        "statements": [{"conditions": [condition]}],
        "output": {"type": "single", "gateway": stripe},
    }
    made = await caller.http.post("/routing/versions", json={"program": {"rules": [rule]}})
    number = made.json()["number"]
    assert (await caller.http.post(f"/routing/versions/{number}/activate")).status_code == 200
    cards = {country: (await methods(caller, country=country))["card"]["gateways"] for country in ("CA", "US")}
    assert [each["gateway_id"] for each in cards["CA"]] == [stripe]
    assert cards["US"][0]["gateway_id"] == square


async def test_one_merchant_never_sees_anothers(new_caller: NewCaller) -> None:
    """The methods are those of the merchant who asks."""
    one, other = await new_caller(), await new_caller()
    [square] = await connected(one, SQUARE)
    assert square not in {each["gateway_id"] for each in (await methods(other))["card"]["gateways"]}


async def test_a_question_that_is_not_clear_is_refused(caller: Caller) -> None:
    """An amount of nothing, an unknown currency or country is a 422 that names the field."""
    for query in ({"amount": 0}, {"currency": "usd"}, {"currency": "XXX"}, {"country": "Canada"}, {"amount": None}):
        asked = {name: value for name, value in ({"amount": 1, "currency": "USD"} | query).items() if value is not None}
        answer = await caller.http.get("/checkout/methods", params=asked)
        assert answer.status_code == 422, (query, answer.text)
