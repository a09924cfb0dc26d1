"""The list of operations: the simulator's own books, from which a database that was restored is completed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clearway.gateways.contract import GatewayUnavailableError, OperationKind, OperationLister, OutcomeKind
from clearway.gateways.simulator import client
from tests.services.gateways.asking import MANUAL, follow_up, order
from tests.services.gateways.running import Simulator

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def test_every_operation_of_a_payment_is_listed_with_its_outcome(simulator: Simulator) -> None:
    """A payment's authorisation and captures are listed by our id, oldest first, each as it stands now."""
    gateway, began = simulator.gateway, datetime.now(UTC)
    asked = order("success@razorpay", capture_method=MANUAL)
    approved = await gateway.authorise(asked)
    capture = follow_up(asked, approved, "capture", 40)
    await gateway.capture(capture)
    page = await gateway.list_operations(since=began)
    found = [one for one in page.operations if one.payment_id == asked.payment_id]
    assert [(one.key, one.kind, one.outcome.kind) for one in found] == [
        (asked.key, OperationKind.AUTHORISE, OutcomeKind.APPROVED),
        (capture.key, OperationKind.CAPTURE, OutcomeKind.APPROVED),
    ]
    assert found[1].outcome.amount_minor == 40
    assert page.cursor is None


async def test_pages_follow_each_other(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long list comes in pages, and no operation is left out or comes twice."""
    gateway = simulator.gateway
    began = datetime.now(UTC)
    keys = []
    for _ in range(5):
        keys.append((asked := order("success@razorpay")).key)
        await gateway.authorise(asked)
    monkeypatch.setattr(client, "LISTED_AT_ONCE", 2)
    listed: list[str] = []
    cursor = None
    while True:
        page = await gateway.list_operations(since=began, cursor=cursor)
        listed += [one.key for one in page.operations]
        cursor = page.cursor
        if cursor is None:
            break
    assert listed == keys


async def test_what_was_not_touched_since_is_left_out(simulator: Simulator) -> None:
    """Only what was made or changed since the moment is listed."""
    await simulator.gateway.authorise(order("success@razorpay"))
    page = await simulator.gateway.list_operations(since=datetime.now(UTC) + timedelta(minutes=1))
    assert page.operations == ()


async def test_the_simulator_is_a_gateway_whose_books_can_be_read(simulator: Simulator) -> None:
    """The optional part of the contract is recognised, and a list that cannot be had is an error, never empty."""
    assert isinstance(simulator.gateway, OperationLister)
    with pytest.raises(GatewayUnavailableError):
        await client.SimulatorGateway("http://127.0.0.1:1", "whsec_dGVzdA==", timeout_s=1).list_operations(
            since=LONG_AGO
        )
