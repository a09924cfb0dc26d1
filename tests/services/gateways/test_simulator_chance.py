"""Chance and what overrides it: test values, then the settings, then the success rate, all from one seed."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from pydantic import ValidationError
from time_machine import Traveller

from clearway.gateways.contract import OutcomeKind
from clearway.simulator.decisions import Oracle
from clearway.simulator.scenarios import CHANCE, CHANCE_FAILURES, RefundCourse
from clearway.simulator.settings import SUCCESS_RATES, SimulatorSettings
from tests.services.gateways.asking import follow_up, order, outcome_when, wake
from tests.services.gateways.running import running_simulator


def oracle(seed: int = 1, **settings: object) -> Oracle:
    """Return an oracle of settings that no environment touches."""
    chosen = {"test_payment_success": None, "test_processing_delay": None} | settings
    return Oracle(SimulatorSettings(_env_file=None, **chosen), random.Random(seed))  # noqa: S311 - chance, not secrets


@pytest.mark.parametrize(("method", "rate"), [("upi", 0.90), ("card", 0.95), ("netbanking", 0.95), ("wallet", 0.95)])
def test_success_rates(method: str, rate: float) -> None:
    """By default 90 % of UPI payments succeed and 95 % of the others; the rest fail with reasons of the method."""
    assert SUCCESS_RATES[method] == rate
    drawn = oracle()
    verdicts = [drawn.payment_verdict(method, CHANCE) for _ in range(5_000)]
    assert verdicts.count(None) / len(verdicts) == pytest.approx(rate, abs=0.015)
    assert {verdict for verdict in verdicts if verdict} == set(CHANCE_FAILURES[method])


def test_processing_times() -> None:
    """By default payments take 5 to 10 seconds and refunds 3 to 5."""
    drawn = oracle()
    payments = [drawn.payment_delay_s() for _ in range(500)]
    refunds = [drawn.refund_delay_s(RefundCourse.USUAL) for _ in range(500)]
    assert 5 <= min(payments) < 5.5
    assert 9.5 < max(payments) <= 10
    assert 3 <= min(refunds) < 3.2
    assert 4.8 < max(refunds) <= 5


def test_a_seed_repeats_chance() -> None:
    """The same seed draws the same, another seed something else."""
    first, same, other = (
        [(drawn.payment_verdict("upi", CHANCE), drawn.payment_delay_s()) for _ in range(50)]
        for drawn in (oracle(7), oracle(7), oracle(8))
    )
    assert first == same != other


def test_forcing_needs_test_mode() -> None:
    """TEST_MODE=false ignores both overrides; TEST_MODE alone forces nothing."""
    ignored = SimulatorSettings(_env_file=None, test_mode=False, test_payment_success=True, test_processing_delay=0)
    assert (ignored.forced_outcome, ignored.forced_delay_s) == (None, None)
    alone = SimulatorSettings(_env_file=None, test_mode=True, test_payment_success=None, test_processing_delay=None)
    assert (alone.forced_outcome, alone.forced_delay_s) == (None, None)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The documented variables are read, empty ones count as not set, and nonsense is refused."""
    monkeypatch.setenv("TEST_PAYMENT_SUCCESS", "false")
    monkeypatch.setenv("TEST_PROCESSING_DELAY", "250")
    settings = SimulatorSettings(_env_file=None)
    assert (settings.forced_outcome, settings.forced_delay_s) == (False, 0.25)
    monkeypatch.setenv("TEST_PAYMENT_SUCCESS", "")
    assert SimulatorSettings(_env_file=None).forced_outcome is None
    monkeypatch.setenv("TEST_PROCESSING_DELAY", "-1")
    with pytest.raises(ValidationError):
        SimulatorSettings(_env_file=None)


@pytest.mark.parametrize("success", [True, False])
async def test_forced_outcome_and_delay(tmp_path: Path, success: bool) -> None:  # noqa: FBT001 - a test's parameter
    """A forced outcome holds for every method, is decided in the answer without delay, and yields to a test value."""
    async with running_simulator(tmp_path / "s.sqlite3", test_payment_success=success) as simulator:
        for method, instrument in (("upi", "someone@bank"), ("netbanking", "HDFC"), ("wallet", "purse")):
            outcome = await simulator.gateway.authorise(order(instrument, method))
            assert outcome.kind is (OutcomeKind.APPROVED if success else OutcomeKind.DECLINED)
        assert (await simulator.gateway.authorise(order("success@razorpay"))).kind is OutcomeKind.APPROVED
        assert (await simulator.gateway.authorise(order("failure@razorpay"))).kind is OutcomeKind.DECLINED


async def test_concurrent_payments_do_not_hold_each_other_up(tmp_path: Path, clock: Traveller) -> None:
    """Fifty payments with a minute of processing are decided together after it, not one after the other."""
    async with running_simulator(tmp_path / "s.sqlite3", delay_ms=60_000, test_payment_success=True) as simulator:
        asked = [order("someone@bank") for _ in range(50)]
        outcomes = await asyncio.gather(*(simulator.gateway.authorise(request) for request in asked))
        assert {outcome.kind for outcome in outcomes} == {OutcomeKind.PENDING}
        assert {(await simulator.gateway.recover(request)).kind for request in asked} == {OutcomeKind.PENDING}
        clock.shift(60)
        await wake(simulator.gateway)
        await asyncio.gather(*(outcome_when(simulator.gateway, request, OutcomeKind.APPROVED) for request in asked))
        assert sum([await simulator.charges(request.payment_id) for request in asked]) == 50


async def test_a_cancelled_payment_is_never_decided(tmp_path: Path) -> None:
    """Voiding a payment in its processing time leaves no decision behind, and another void says the same."""
    async with running_simulator(tmp_path / "s.sqlite3", delay_ms=60_000) as simulator:
        asked = order("success@razorpay")
        pending = await simulator.gateway.authorise(asked)
        assert (await simulator.http.get("/health")).json()["pending_decisions"] == 1
        for n in (1, 2):
            voided = await simulator.gateway.void(follow_up(asked, pending, "void", 1_000, n))
            assert (voided.kind, voided.amount_minor) == (OutcomeKind.APPROVED, 1_000)
        assert (await simulator.http.get("/health")).json()["pending_decisions"] == 0
        assert await simulator.effects(asked.payment_id) == []
