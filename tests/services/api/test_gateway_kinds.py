"""`/gateways/kinds`: what each kind asks for, as a form needs it."""

from __future__ import annotations

from typing import Any

from tests.services.api.conftest import Caller


async def kinds(caller: Caller) -> dict[str, dict[str, Any]]:
    """Read the kinds by name."""
    answer = await caller.http.get("/gateways/kinds")
    assert answer.status_code == 200, answer.text
    return {each["kind"]: each for each in answer.json()["data"]}


async def test_fields_say_how_they_are_entered(caller: Caller) -> None:
    """A secret is text, a flag a flag, an enum its values; what may be left out is not required."""
    found = await kinds(caller)
    stripe = {each["name"]: each for part in ("credentials", "settings") for each in found["stripe"][part]}
    square = {each["name"]: each for each in found["square"]["settings"]}

    assert [each["name"] for each in found["stripe"]["credentials"]] == ["secret_key", "webhook_secret"]
    assert (stripe["secret_key"]["required"], stripe["webhook_secret"]["required"]) == (True, False)
    assert (stripe["secret_key"]["type"], stripe["multicapture"]["type"]) == ("text", "flag")
    assert square["environment"]["type"] == "choice"
    assert set(square["environment"]["choices"]) == {"production", "sandbox"}
    assert "API keys" in stripe["secret_key"]["description"]


async def test_the_fields_of_a_kind_come_before_those_of_all_kinds(caller: Caller) -> None:
    """A form begins with what the gateway needs, and ends with what reconciliation may use."""
    for kind in (await kinds(caller)).values():
        names = [each["name"] for each in kind["settings"]]
        assert names[-2:] == ["time_zone", "expected_fee"], kind["kind"]


async def test_a_kind_says_what_its_gateways_can_do(caller: Caller) -> None:
    """It is what the connector declares; what settings decide is left open: a currency, or a whole document."""
    can = {name: kind["capabilities"] for name, kind in (await kinds(caller)).items()}
    assert can["simulator"]["methods"] == ["upi", "card", "netbanking", "wallet"]
    assert (can["simulator"]["upi_intent"], can["simulator"]["currencies"]) == (True, None)
    assert can["square"] == {
        "methods": ["card"],
        "currencies": [],
        "upi_intent": False,
        "upi_collect": False,
        "manual_capture": True,
        "partial_capture": True,
        "repeated_capture": False,
        "refund": True,
        "partial_refund": True,
    }
    assert "EUR" in can["paypal"]["currencies"]
    assert can["custom"] is None


async def test_a_live_merchant_is_not_offered_the_simulator(caller: Caller, live_caller: Caller) -> None:
    """Only kinds that the merchant's mode may connect are listed."""
    assert "simulator" in await kinds(caller)
    assert "simulator" not in await kinds(live_caller)
