"""Payments with a token: what is shown of its card is what the gateway says of it."""

from __future__ import annotations

import pytest

from clearway.payments import instruments
from tests.services.api.conftest import Payer
from tests.services.gateways.running import Simulator

CARD = {"number": "5555555555554444", "exp_month": 11, "exp_year": 2032, "cvc": "123"}


async def new_token(simulator: Simulator) -> str:
    """Exchange the card as a browser does."""
    return str((await simulator.http.post("/v1/tokens", json=CARD)).raise_for_status().json()["id"])


async def test_a_token_has_the_brand_and_digits_that_its_gateway_says(payer: Payer, api_simulator: Simulator) -> None:
    """A payment with a token shows the card as one with its number does, from its creation to its end."""
    made = await payer.post_payment(method="card", token=await new_token(api_simulator))
    assert made.status_code == 201, made.text
    assert made.json()["card"] == {"brand": "mastercard", "last4": "4444", "expiry_month": 11, "expiry_year": 2032}
    paid = await payer.payment_in(made.json()["id"], "success")
    assert paid["card"] == made.json()["card"]


async def test_of_a_token_that_the_gateway_does_not_know_nothing_is_shown(payer: Payer) -> None:
    """A payment with an unknown token is recorded without a card, as its gateway then refuses it."""
    made = await payer.post_payment(method="card", token="tok_sim_of_nobody")
    assert (made.status_code, made.json()["card"]) == (201, None)
    assert (await payer.payment_in(made.json()["id"], "failed"))["card"] is None


@pytest.mark.parametrize("fault", ["error_before", "dropped_before", "malformed", "slow"])
async def test_a_payment_does_not_wait_to_learn_its_card(
    payer: Payer, api_simulator: Simulator, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway that cannot say which card a token is leaves it empty; the payment is made and succeeds."""
    monkeypatch.setattr(instruments, "DESCRIBED_WITHIN_S", 0.5 if fault == "slow" else 60)
    token = await new_token(api_simulator)
    await api_simulator.switch(operation="token", fault=fault, delay_s=60, times=1)
    made = await payer.post_payment(method="card", token=token)
    await api_simulator.release()
    assert (made.status_code, made.json()["card"]) == (201, None)
    await payer.payment_in(made.json()["id"], "success")
