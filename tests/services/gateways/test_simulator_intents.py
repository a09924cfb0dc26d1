"""UPI intents of the simulator: the customer pays, declines, leaves or is late, and nobody pays afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from clearway.gateways.contract import ActionKind, GatewayOutcome, OutcomeKind
from clearway.simulator.scenarios import BRIEF_INTENT_AMOUNT
from tests.services.gateways.asking import follow_up, order, outcome_when
from tests.services.gateways.running import Simulator, running_simulator
from tests.services.gateways.test_testing_values import TABLES

LIFE_S = 60.0


@pytest.fixture
async def simulator(tmp_path):
    """Run a simulator that would decline everything without a meaning."""
    async with running_simulator(
        tmp_path / "sim.sqlite3",
        test_payment_success=False,
        test_processing_delay=0,
        simulator_upi_intent_life_s=LIFE_S,
    ) as running:
        yield running


def fields_of(outcome: GatewayOutcome) -> dict[str, str]:
    """Return the fields of the intent of an outcome."""
    assert outcome.action is not None
    parts = urlsplit(outcome.action.url)
    assert (parts.scheme, parts.netloc) == ("upi", "pay")
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


async def press(simulator: Simulator, outcome: GatewayOutcome, button: str) -> None:
    """Do in the app what a customer does."""
    answer = await simulator.http.post(f"/upi/{fields_of(outcome)['tr']}/{button}")
    assert answer.status_code == 200


async def test_an_intent_names_payee_amount_reference_and_end(simulator: Simulator):
    """A UPI payment without a UPI ID is answered with the whole link, in rupees, and when it ends."""
    asked = order("", amount_minor=123_450)
    outcome = await simulator.gateway.authorise(asked)
    assert outcome.kind is OutcomeKind.NEEDS_ACTION
    assert outcome.action is not None
    assert outcome.action.kind is ActionKind.UPI_INTENT
    found = fields_of(outcome)
    assert found["am"] == "1234.50"
    assert found["cu"] == "INR"
    assert found["tn"] == asked.payment_id
    assert found["tr"] == outcome.reference
    assert found["pa"]
    assert "+" not in outcome.action.url, "UPI apps read a plus as a plus"
    assert outcome.action.expires_at is not None
    assert timedelta(0) < outcome.action.expires_at - datetime.now(UTC) <= timedelta(seconds=LIFE_S)


@pytest.mark.parametrize("row", TABLES["Post to"], ids=lambda row: row[0])
async def test_what_the_customer_does_in_the_app_decides(simulator: Simulator, row: list[str]):
    """Each button, and no button until the end, has the documented result; a later press changes nothing."""
    button, result, code, _ = row
    asked = order("", amount_minor=BRIEF_INTENT_AMOUNT if button == "nothing" else 1_000)
    outcome = await simulator.gateway.authorise(asked)
    if button != "nothing":
        await press(simulator, outcome, button)
    end = await outcome_when(simulator.gateway, asked, OutcomeKind(result))
    assert end.error_code == (code or None)
    await press(simulator, outcome, "complete")
    assert (await simulator.gateway.recover(asked)).kind is end.kind
    assert await simulator.charges(asked.payment_id) == (result == "approved")


async def test_an_intent_that_was_cancelled_cannot_be_paid(simulator: Simulator):
    """A void closes the intent at once: the app is refused."""
    asked = order("")
    outcome = await simulator.gateway.authorise(asked)
    void = await simulator.gateway.void(follow_up(asked, outcome, "void", asked.amount_minor))
    assert void.kind is OutcomeKind.APPROVED
    await press(simulator, outcome, "complete")
    assert (await simulator.gateway.recover(asked)).kind is OutcomeKind.DECLINED
    assert await simulator.charges(asked.payment_id) == 0


async def test_the_amount_decides_after_the_pin(simulator: Simulator):
    """The amounts with a meaning decline an intent too, once the customer has paid in the app."""
    asked = order("", amount_minor=20_100)
    outcome = await simulator.gateway.authorise(asked)
    assert outcome.kind is OutcomeKind.NEEDS_ACTION
    await press(simulator, outcome, "complete")
    assert (await simulator.gateway.recover(asked)).error_code == "insufficient_funds"


async def test_other_methods_need_an_instrument(simulator: Simulator):
    """Only UPI is paid without an instrument."""
    body = {"merchant_reference": "pay_1", "amount": 100, "currency": "INR", "method": "card", "instrument": ""}
    answer = await simulator.http.post("/v1/payments", json=body, headers={"idempotency-key": "pay_1:authorise:1"})
    assert answer.status_code == 400
