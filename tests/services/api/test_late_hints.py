"""A hint about a payment that has ended: the gateway is asked before it is put aside as late."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from clearway.gateways.contract import UNKNOWN, GatewayOutcome, Inbound, InboundRequest, Operation, OutcomeKind, Trust
from clearway.gateways.simulator.client import SimulatorGateway
from tests.services.api.conftest import Payer
from tests.services.api.gateway_sending import event_about, send
from tests.services.gateways.running import Simulator

AMOUNT = 61_234


@pytest.fixture
async def hinting(monkeypatch: pytest.MonkeyPatch, api_simulator: Simulator) -> AsyncIterator[Simulator]:
    """Read the simulator's events as those of a gateway that does not sign what it says."""
    proven = SimulatorGateway.read_inbound

    async def hint(self: SimulatorGateway, request: InboundRequest) -> Inbound:
        inbound = await proven(self, request)
        return replace(
            inbound, events=tuple(replace(each, outcome=UNKNOWN, trust=Trust.HINT) for each in inbound.events)
        )

    monkeypatch.setattr(SimulatorGateway, "read_inbound", hint)
    yield api_simulator
    await api_simulator.http.delete("/faults")


async def ended(payer: Payer, vpa: str) -> dict[str, Any]:
    """Create a payment and wait for its end."""
    order = await payer.order(amount=AMOUNT)
    return await payer.payment(order, vpa=vpa, until="failed" if vpa.startswith("failure") else "success")


@pytest.mark.parametrize("vpa", ["success@razorpay", "failure@razorpay"])
async def test_the_gateway_is_asked_first(
    payer: Payer, anonymous: httpx.AsyncClient, hinting: Simulator, vpa: str
) -> None:
    """While the gateway does not answer, the sender is to come again; what it answers then is compared with the row."""
    made = await ended(payer, vpa)
    event = event_about(f"{made['id']}:authorise:1", amount=AMOUNT)
    await hinting.switch(operation="look_up", fault="error_before", match={"payment_id": made["id"]})
    assert (await send(anonymous, to=payer, event=event)).status_code == 503
    await hinting.http.delete("/faults")
    assert (await send(anonymous, to=payer, event=event)).json() == {"status": "late"}
    assert (await payer.http.get(f"/payments/{made['id']}")).json() == made


async def test_money_taken_after_the_end_is_reviewed(
    payer: Payer, anonymous: httpx.AsyncClient, hinting: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the gateway says that it took the money of a failed payment, a review is opened and the payment stays."""
    made = await ended(payer, "failure@razorpay")
    took = GatewayOutcome(OutcomeKind.APPROVED, amount_minor=AMOUNT, currency="INR", captured=True)

    async def recover(_self: SimulatorGateway, _operation: Operation) -> GatewayOutcome:
        return took

    monkeypatch.setattr(SimulatorGateway, "recover", recover)
    event = event_about(f"{made['id']}:authorise:1", amount=AMOUNT)
    assert (await send(anonymous, to=payer, event=event)).json() == {"status": "contradicts"}
    assert (await payer.http.get(f"/payments/{made['id']}")).json() == made
