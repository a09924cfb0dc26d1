"""What every gateway connector must do, whichever gateway it speaks to: one class of rules a subject.

A gateway's own test module subclasses `GatewayConformance` and provides the `bench` fixture: the connector, instruments
that behave as named, and a count of effects taken from the gateway's own books. `test_conformance_mutants` breaks a
connector once for every rule.
"""

from __future__ import annotations

import pytest

from tests.services.gateways.conformance.bench import DECLARED, Bench, Instrument, ask, authorised, begun, paid
from tests.services.gateways.conformance.follow_ups import FollowUps
from tests.services.gateways.conformance.hostile_answers import HostileAnswers
from tests.services.gateways.conformance.inbound import ReadingInbound
from tests.services.gateways.conformance.looking_up import LookingUp
from tests.services.gateways.conformance.repeats import Repeats
from tests.services.gateways.conformance.sending import Sending
from tests.services.gateways.conformance.unknown import Unknown

__all__ = ["Bench", "GatewayConformance", "Instrument", "ask", "authorised", "begun", "paid"]


class GatewayConformance(Sending, Unknown, Repeats, LookingUp, FollowUps, ReadingInbound, HostileAnswers):
    """The suite. Each test says one rule of `clearway.gateways.contract`."""

    @pytest.fixture(autouse=True)
    def declared(self, request: pytest.FixtureRequest, bench: Bench) -> None:
        """Skip a rule that needs what the connector declares not to have."""
        marks = request.node.iter_markers("needs")
        missing = sorted({name for mark in marks for name in mark.args if not DECLARED[name](bench)})
        if missing:
            pytest.skip(f"{bench.gateway.name} declares no {', '.join(missing)}")
