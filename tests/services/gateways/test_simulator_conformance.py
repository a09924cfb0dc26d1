"""The simulator's connector passes the suite of every gateway, with and without processing time."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from standardwebhooks import Webhook

from clearway.settings import DEVELOPMENT_SIMULATOR_SECRET
from tests.services.gateways.conformance import Bench, GatewayConformance
from tests.services.gateways.running import Receiver, Simulator


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


class TestSimulator(GatewayConformance):
    """Run the suite against the real service."""

    @pytest.fixture(params=["simulator", "patient_simulator"])
    def bench(self, request, receiver: Receiver) -> Bench:
        """Put a simulator on the bench."""
        simulator: Simulator = request.getfixturevalue(request.param)

        async def effects(payment_id: str) -> list[str]:
            return [effect["type"] for effect in await simulator.effects(payment_id)]

        return Bench(
            gateway=simulator.gateway,
            receiver=receiver,
            effects=effects,
            sign=sign,
            good=("upi", "success@razorpay"),
            refused=("netbanking", "FAIL"),
            undecided=("upi", "pending@razorpay"),
            challenged=("upi", "approve@clearway"),
        )
