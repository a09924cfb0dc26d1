"""The simulator and its stand-ins: one journal of all that was charged, and fault rules that name one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from clearway.domain.ids import PAYMENT, new_id
from clearway.gateways.contract import OutcomeKind
from tests.services.gateways.asking import order
from tests.services.gateways.paypal_account import Account as PayPalAccount
from tests.services.gateways.paypal_bench import PayPal
from tests.services.gateways.paypal_bench import connected as paypal_connected
from tests.services.gateways.running import Simulator
from tests.services.gateways.stripe_account import Account as StripeAccount
from tests.services.gateways.stripe_bench import Stripe
from tests.services.gateways.stripe_bench import connected as stripe_connected
from tests.support.evidence import Evidence, read_gateway
from tests.support.invariants import charged_at_most_once
from tests.support.receiver import Receiver

DOWN: dict[str, Any] = {"operation": "authorise", "fault": "error_before", "retry_after_s": 0}


@pytest.fixture
async def stripe(account: StripeAccount, receiver: Receiver) -> AsyncIterator[Stripe]:
    """Connect to an account of Stripe's stand-in."""
    async with stripe_connected(account, receiver) as connection:
        yield connection


@pytest.fixture
async def paypal_shop(paypal: PayPalAccount, receiver: Receiver) -> AsyncIterator[PayPal]:
    """Connect to an account of PayPal's stand-in."""
    async with paypal_connected(paypal, receiver) as connection:
        yield connection


async def test_a_charge_at_each_of_two_gateways_is_a_double_charge(
    simulator: Simulator, stripe: Stripe, paypal_shop: PayPal
) -> None:
    """The journal names the gateway of each charge, and the judge counts the charges of a payment over all of them."""
    payment_id = new_id(PAYMENT)
    await stripe.paid(payment_id=payment_id)
    seen = await _journal_of(simulator, payment_id)
    assert list(charged_at_most_once(seen)) == []
    await paypal_shop.paid(payment_id=payment_id, key=f"{payment_id}:authorise:2")
    seen = await _journal_of(simulator, payment_id)
    assert [effect["gateway"] for effect in seen.journal if effect["type"] == "captured"] == ["stripe", "paypal"]
    assert list(charged_at_most_once(seen)) == [f"{payment_id} was charged 2 times: stripe, paypal"]


async def _journal_of(simulator: Simulator, payment_id: str) -> Evidence:
    evidence = Evidence()
    await read_gateway(simulator.http, simulator.url, evidence)
    evidence.journal = [effect for effect in evidence.journal if effect["payment_id"] == payment_id]
    return evidence


@pytest.mark.parametrize("down", ["simulator", "stripe", "paypal"])
async def test_a_fault_of_one_gateway_leaves_the_others_alone(
    simulator: Simulator, stripe: Stripe, paypal_shop: PayPal, down: str
) -> None:
    """A rule that names a gateway applies to requests to that gateway only."""
    at_paypal = await paypal_shop.approved()
    at_stripe = await stripe.prepared()
    await simulator.switch(**DOWN, match={"gateway": down})
    outcomes = {
        "simulator": (await simulator.gateway.authorise(order("success@razorpay"))).kind,
        "stripe": (await stripe.gateway.authorise(at_stripe)).kind,
        "paypal": (await paypal_shop.gateway.authorise(at_paypal)).kind,
    }
    assert [name for name, kind in outcomes.items() if kind is not OutcomeKind.APPROVED] == [down]


async def test_a_fault_of_the_webhooks_of_one_gateway(simulator: Simulator, stripe: Stripe, receiver: Receiver) -> None:
    """A webhook is of the gateway at which its payment was made."""
    await simulator.switch(operation="webhook", fault="no_webhook", match={"gateway": "stripe"})
    silent, _ = await stripe.paid()
    told = order("success@razorpay")
    await simulator.gateway.authorise(told)
    await receiver.wait_for(1, told.key)
    heard = {delivery.event["type"] for delivery in await receiver.wait_for(0, silent.key)}
    assert heard <= {"payment_intent.created"}
