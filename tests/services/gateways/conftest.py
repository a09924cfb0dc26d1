"""Fixtures of the gateway tests: a simulator that decides at once, one that takes its time, and a webhook receiver.

The servers run for the whole session, because a server takes longer to stop than most tests take to run. Payment ids
are fresh in every test, so that they do not meet; fault rules are cleared after each.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import pytest

from tests.services.gateways.paypal_account import Account as PayPalAccount
from tests.services.gateways.running import LONG_S, Simulator, running_simulator
from tests.services.gateways.square_account import Seller
from tests.services.gateways.stripe_account import Account
from tests.support.receiver import Receiver, running_receiver

pytest.register_assert_rewrite("tests.services.gateways.conformance")


@pytest.fixture(scope="package")
async def receiver() -> AsyncIterator[Receiver]:
    """Record webhooks."""
    async with running_receiver() as running:
        yield running


@pytest.fixture(scope="package")
async def prompt_server(tmp_path_factory, receiver: Receiver) -> AsyncIterator[Simulator]:
    """Run a simulator that decides in its answer."""
    state = tmp_path_factory.mktemp("prompt") / "sim.sqlite3"
    async with running_simulator(state, simulator_webhook_url=receiver.url) as running:
        yield running


@pytest.fixture(scope="package")
async def patient_server(tmp_path_factory, receiver: Receiver) -> AsyncIterator[Simulator]:
    """Run a simulator that takes 60 ms to decide."""
    state = tmp_path_factory.mktemp("patient") / "sim.sqlite3"
    async with running_simulator(state, delay_ms=60, simulator_webhook_url=receiver.url) as running:
        yield running


@pytest.fixture
async def simulator(prompt_server: Simulator) -> AsyncIterator[Simulator]:
    """Use the simulator that decides in its answer, without fault rules."""
    yield prompt_server
    await prompt_server.http.delete("/faults")


@pytest.fixture
async def patient_simulator(patient_server: Simulator) -> AsyncIterator[Simulator]:
    """Use the simulator that takes 60 ms to decide, without fault rules."""
    yield patient_server
    await patient_server.http.delete("/faults")


@pytest.fixture
async def waiting_simulator(tmp_path, receiver: Receiver) -> AsyncIterator[Simulator]:
    """Run a simulator of the test alone that decides after a minute, which a test lets pass by moving the clock."""
    state = tmp_path / "waiting.sqlite3"
    async with running_simulator(state, delay_ms=int(LONG_S * 1_000), simulator_webhook_url=receiver.url) as running:
        yield running


@pytest.fixture
async def account(simulator: Simulator) -> AsyncIterator[Account]:
    """Open an account at the stand-in of Stripe, one that no other test has."""
    opened = Account(simulator, f"tests_{secrets.token_hex(8)}")
    yield opened
    await opened.aclose()


@pytest.fixture
async def paypal(simulator: Simulator) -> PayPalAccount:
    """Open an account at the stand-in of PayPal, one that no other test has."""
    return PayPalAccount(simulator, f"tests_{secrets.token_hex(8)}")


@pytest.fixture
async def seller(simulator: Simulator) -> AsyncIterator[Seller]:
    """Open a seller's account at the stand-in of Square, one that no other test has."""
    opened = Seller(simulator, f"tests_{secrets.token_hex(8)}")
    yield opened
    await opened.aclose()
