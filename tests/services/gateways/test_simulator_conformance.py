"""The simulator's connector passes the suite of every gateway, with and without processing time."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from standardwebhooks import Webhook

from clearway.gateways.simulator.client import SimulatorGateway
from clearway.settings import DEVELOPMENT_SIMULATOR_SECRET
from tests.services.gateways.conformance import Bench, GatewayConformance
from tests.services.gateways.running import PATIENCE_S, Simulator
from tests.support.receiver import Receiver

DECLINED: dict[str, Any] = {
    "object": "operation",
    "idempotency_key": "pay_1:authorise:1",
    "type": "payment",
    "id": "sim_pay_1",
    "status": "declined",
    "amount": 1_000,
    "currency": "INR",
    "failure": {"code": "insufficient_funds", "message": "There is not enough money."},
    "next_action": None,
}
WAITING = DECLINED | {
    "status": "requires_action",
    "failure": None,
    "next_action": {"type": "redirect", "url": "http://127.0.0.1/3ds/sim_pay_1"},
}
REFUSED: dict[str, Any] = {"error": {"code": "unknown_payment", "message": "There is no such payment."}}


def sign(body: bytes, skew_s: int) -> dict[str, str]:
    """Sign as the simulator does, under the id that the body has, at a time shifted by seconds."""
    found = re.match(rb'\{"id":"([^"]+)"', body)
    event_id = found.group(1).decode() if found else "sim_evt_1"
    at = dt.datetime.now(tz=dt.UTC).replace(microsecond=0) + dt.timedelta(seconds=skew_s)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(DEVELOPMENT_SIMULATOR_SECRET).sign(event_id, at, body.decode()),
    }


def bench_of(simulator: Simulator, receiver: Receiver) -> Bench:
    """Put a simulator on the bench."""

    async def effects(payment_id: str) -> list[str]:
        return [effect["type"] for effect in await simulator.effects(payment_id)]

    return Bench(
        gateway=simulator.gateway,
        receiver=receiver,
        effects=effects,
        sign=sign,
        connect=lambda url: SimulatorGateway(url, DEVELOPMENT_SIMULATOR_SECRET, timeout_s=PATIENCE_S),
        answers=[DECLINED, WAITING, REFUSED],
        events=[{"id": "sim_evt_1", "occurred_at": "2026-01-01T00:00:00Z", "data": DECLINED}],
        switch=simulator.switch,
        good=("upi", "success@razorpay"),
        refused=("netbanking", "FAIL"),
        undecided=("upi", "pending@razorpay"),
        challenged=("upi", "approve@clearway"),
    )


class TestSimulator(GatewayConformance):
    """Run the suite against the real service."""

    @pytest.fixture(params=["simulator", "patient_simulator"])
    def bench(self, request, receiver: Receiver) -> Bench:
        """Put both simulators on the bench."""
        return bench_of(request.getfixturevalue(request.param), receiver)
