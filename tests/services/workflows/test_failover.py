"""Failover: when another gateway is tried, when it never is, and what becomes of the attempt before."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, update

from activities import gateway as calling
from clearway.db.tables import gateway_configs
from clearway.domain import ids
from clearway.domain.attempt import GatewayChoice
from clearway.domain.gateway_error import Elsewhere
from clearway.domain.payment import NewPayment
from clearway.durable.messages import GatewayEvent, PaymentTimings
from clearway.gateways import connections
from clearway.gateways.contract import (
    Closes,
    Executed,
    Finding,
    FindsOut,
    GatewayOutcome,
    Operation,
    OutcomeKind,
)
from clearway.gateways.simulator.client import SimulatorGateway
from tests.services.workflows.test_attempts import attempts, finds_out
from tests.support.durable import PATIENCE_S, Durable
from workflows.payment import PaymentWorkflow

DOWN = {"operation": "authorise", "fault": "error_before", "times": 3}
"""A gateway that refuses a payment for as long as it is sent there while another can be tried."""


async def another_gateway(durable: Durable, merchant_id: str) -> GatewayChoice:
    """Connect a second simulator."""
    gateway_id = ids.new_id(ids.GATEWAY)
    async with durable.engine.begin() as connection:
        await connection.execute(
            insert(gateway_configs).values(id=gateway_id, merchant_id=merchant_id, kind="simulator", name="Second")
        )
    return GatewayChoice("simulator", gateway_id)


async def movable(durable: Durable, **fields: Any) -> tuple[NewPayment, GatewayChoice]:
    """Describe a payment that may be tried at a second gateway."""
    merchant_id = await durable.merchant(endpoint=True)
    second = await another_gateway(durable, merchant_id)
    routing = {"alternatives": [{"gateway": second.gateway, "gateway_id": second.gateway_id}]}
    return await durable.new_payment(merchant_id, routing=routing, **fields), second


async def test_a_payment_goes_to_the_next_gateway_when_the_first_did_nothing(durable: Durable) -> None:
    """When the first gateway surely did not execute, the second charges once, and every attempt is recorded."""
    payment, second = await movable(durable)
    await durable.faults(DOWN)
    _, handle = await durable.start(payment)
    assert (await durable.ended(handle)).status == "success"
    assert await durable.simulator.charges(payment.id) == 1
    first, last = await attempts(durable, payment.id)
    assert (first.status, first.error_code, first.executed) == ("failed", "gateway_unavailable", "no")
    assert (last.status, last.gateway_id, last.id) == ("succeeded", second.gateway_id, f"{payment.id}:authorise:2")
    assert (await durable.row(payment.id)).gateway_id == second.gateway_id
    assert await durable.event_types(payment.id) == ["payment.created", "payment.attempt_failed", "payment.success"]
    told = " ".join(entry.what for entry in await handle.query(PaymentWorkflow.timeline))
    assert f"trying {second.gateway_id}" in told


async def test_each_attempt_is_polled_at_the_intervals_of_its_gateway(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway that a payment moves to is polled at its own intervals, and so is a payment that is taken up."""
    payment, second = await movable(durable, instrument="pending@razorpay")
    monkeypatch.setattr(calling, "polling_of", lambda config: (47.0,) if config.id == second.gateway_id else (13.0,))
    await durable.faults(DOWN)
    _, handle = await durable.start(payment, PaymentTimings(poll_intervals_s=(10, 20), deadline_s=150))
    assert (await durable.ended(handle)).status == "expired"
    timers = {
        event.timer_started_event_attributes.start_to_fire_timeout.ToSeconds()
        async for event in handle.fetch_history_events()
        if event.HasField("timer_started_event_attributes")
    }
    assert 47 in timers
    assert not timers & {10, 13, 20}


@pytest.mark.parametrize("fault", ["executed_then_dropped", "executed_then_timeout", "error_after_charge", "malformed"])
async def test_doubt_never_goes_to_another_gateway(durable: Durable, fault: str) -> None:
    """When the first gateway may have charged, it is asked, and the second gets no request."""
    payment, _ = await movable(durable)
    await durable.faults({"operation": "authorise", "fault": fault, "times": 1, "delay_s": 1})
    _, handle = await durable.start(payment)
    assert (await durable.ended(handle)).status == "success"
    assert await durable.simulator.charges(payment.id) == 1
    assert len(await attempts(durable, payment.id)) == 1


async def test_doubt_that_stays_is_reviewed_and_not_moved(durable: Durable) -> None:
    """A result that stays unknown goes to review, and is never tried at another gateway."""
    payment, _ = await movable(durable)
    await durable.faults(
        {"operation": "authorise", "fault": "executed_then_dropped", "times": 1},
        {"operation": "look_up", "fault": "error_before"},
    )
    await durable.start(payment)
    await durable.skip_until_status(payment.id, "needs_review")
    assert len(await attempts(durable, payment.id)) == 1
    assert await durable.simulator.charges(payment.id) == 1


async def test_a_decline_is_not_tried_elsewhere(durable: Durable) -> None:
    """The customer's bank said no: another gateway would ask the same bank again."""
    payment, _ = await movable(durable, instrument="failure@razorpay")
    _, handle = await durable.start(payment)
    assert (await durable.ended(handle)).status == "failed"
    assert len(await attempts(durable, payment.id)) == 1


async def test_the_last_gateway_fails_the_payment(durable: Durable) -> None:
    """There are as many attempts as gateways, and then the payment fails with one event."""
    payment, _ = await movable(durable)
    await durable.faults({"operation": "authorise", "fault": "error_before"})
    _, handle = await durable.start(payment)
    assert (await durable.ended(handle)).status == "failed"
    assert [attempt.status for attempt in await attempts(durable, payment.id)] == ["failed", "failed"]
    assert await durable.event_types(payment.id) == ["payment.created", "payment.attempt_failed", "payment.failed"]
    assert await durable.simulator.effects(payment.id) == []


async def test_what_can_be_aborted_goes_elsewhere(durable: Durable, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the first gateway guarantees that it takes nothing, the payment is tried at the second."""

    async def abort(_self: SimulatorGateway, _: Operation) -> GatewayOutcome:
        return GatewayOutcome(OutcomeKind.DECLINED, Executed.NO, error_code="gateway_unavailable")

    monkeypatch.setattr(SimulatorGateway, "abort", abort, raising=False)
    payment, second = await movable(durable)
    await durable.faults(
        {"operation": "authorise", "fault": "dropped_before", "times": 1},
        {"operation": "look_up", "fault": "error_before", "times": 3},
    )
    _, handle = await durable.start(payment)
    assert (await durable.ended(handle)).status == "success"
    assert [each.gateway_id for each in await attempts(durable, payment.id)][1:] == [second.gateway_id]
    assert await durable.simulator.charges(payment.id) == 1


async def test_an_open_door_keeps_the_payment(durable: Durable, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the payment cannot be aborted at the first gateway, it is sent there again and nowhere else."""

    async def prepare(_self: SimulatorGateway, _: Operation) -> GatewayOutcome:
        return GatewayOutcome(OutcomeKind.PREPARED, references={"payment": "nothing_that_can_be_voided"})

    monkeypatch.setattr(SimulatorGateway, "prepare", prepare, raising=False)
    payment, _ = await movable(durable)
    await durable.faults(DOWN)
    _, handle = await durable.start(payment)
    assert (await durable.ended(handle)).status == "success"
    assert len(await attempts(durable, payment.id)) == 1


async def test_a_late_success_of_a_former_attempt_is_reviewed(durable: Durable) -> None:
    """A success of a gateway that reported no execution goes to review, because the customer may have paid twice."""
    payment, _ = await movable(durable, capture_method="manual")
    await durable.faults(DOWN)
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "authorized")
    taken = GatewayOutcome(OutcomeKind.APPROVED, amount_minor=50_000, currency="INR", captured=True)
    await handle.signal(PaymentWorkflow.gateway_event, GatewayEvent("gw_1", f"{payment.id}:authorise:1", taken))
    await durable.until_status(payment.id, "needs_review")


BANK_DOWN = {"method": "netbanking", "instrument": "DOWN"}
"""A bank that does not answer: the simulator declines with a code that lets another gateway try."""


def closes(monkeypatch: pytest.MonkeyPatch, when: Closes, door_open_s: float | None = None) -> None:
    """Let the simulator's connector declare when an unpaid attempt is over."""
    declared = replace(SimulatorGateway.abilities, closes=when, door_open_s=door_open_s)
    monkeypatch.setattr(SimulatorGateway, "abilities", declared)


async def test_a_decline_that_says_so_is_tried_elsewhere(durable: Durable) -> None:
    """The error table says `elsewhere: yes` of a bank that is down: the first attempt is closed, a second is made."""
    payment, second = await movable(durable, **BANK_DOWN)
    _, handle = await durable.start(payment)
    assert (await durable.ended(handle)).status == "failed"
    tried = await attempts(durable, payment.id)
    assert [(each.gateway_id, each.error_code) for each in tried] == [
        (payment.gateway_id, "bank_unavailable"),
        (second.gateway_id, "bank_unavailable"),
    ]


@pytest.mark.parametrize(
    ("when", "door_open_s", "tries"), [(Closes.NEVER, None, 1), (Closes.AFTER, 10.0, 2), (Closes.AFTER, 600.0, 1)]
)
async def test_a_door_that_stays_open_keeps_the_payment(
    durable: Durable, monkeypatch: pytest.MonkeyPatch, when: Closes, door_open_s: float | None, tries: int
) -> None:
    """Another gateway is tried when the first attempt can no longer be paid, and only if that is soon."""

    async def void(_self: SimulatorGateway, _: Operation) -> GatewayOutcome:
        return GatewayOutcome(OutcomeKind.DECLINED, Executed.NO, error_code="payment_declined")

    monkeypatch.setattr(SimulatorGateway, "void", void)
    closes(monkeypatch, when, door_open_s)
    payment, _ = await movable(durable, **BANK_DOWN)
    _, handle = await durable.start(payment)
    assert (await durable.ended(handle)).status == "failed"
    assert len(await attempts(durable, payment.id)) == tries


async def test_a_decline_on_the_gateways_page_goes_elsewhere(durable: Durable) -> None:
    """A payment that waits for its customer is pending again with the next attempt; the first page takes nothing."""
    payment, second = await movable(durable, instrument="approve@clearway")
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "requires_action")
    page = (await durable.row(payment.id)).action_url
    declined = GatewayOutcome(OutcomeKind.DECLINED, error_code="bank_unavailable", elsewhere=Elsewhere.YES)
    await handle.signal(PaymentWorkflow.gateway_event, GatewayEvent("gw_1", f"{payment.id}:authorise:1", declined))
    async with asyncio.timeout(PATIENCE_S):
        while (await durable.row(payment.id)).gateway_id != second.gateway_id:
            await asyncio.sleep(0.02)
    await durable.until_status(payment.id, "requires_action")
    await durable.simulator.http.post(f"{page}/complete")
    assert await durable.simulator.effects(payment.id, "captured") == []
    await durable.customer_approves(payment.id)
    assert (await durable.ended(handle)).status == "success"
    assert await durable.simulator.charges(payment.id) == 1
    assert [each.status for each in await attempts(durable, payment.id)] == ["failed", "succeeded"]


async def test_a_disabled_gateway_is_left_at_once(durable: Durable) -> None:
    """A gateway that is disabled between recording and sending gets nothing, and nobody waits for it."""
    payment, second = await movable(durable)
    await switch(durable, payment.gateway_id, on=False)
    _, handle = await durable.start(payment)
    assert (await durable.ended(handle)).status == "success"
    first, last = await attempts(durable, payment.id)
    assert (first.error_code, first.executed, last.gateway_id) == ("gateway_unavailable", "no", second.gateway_id)
    history = await handle.fetch_history()
    assert not [each for each in history.events if each.HasField("timer_started_event_attributes")]


async def test_a_repeat_that_is_refused_unseen_leaves_the_doubt(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first request may have charged. A repeat that a disabled gateway never saw does not deny that."""
    finds_out(monkeypatch, Finding(FindsOut.BY_REPLAY, key_life_s=3_600))
    payment, _ = await movable(durable)
    send = SimulatorGateway.authorise

    async def authorise(self: SimulatorGateway, operation: Operation) -> GatewayOutcome:
        await send(self, operation)
        await switch(durable, payment.gateway_id, on=False)
        return GatewayOutcome(OutcomeKind.UNKNOWN)

    monkeypatch.setattr(SimulatorGateway, "authorise", authorise)
    monkeypatch.setattr(connections, "FRESH_S", 0.0)
    await durable.start(payment)
    await durable.skip_until_status(payment.id, "needs_review")
    assert await durable.simulator.charges(payment.id) == 1
    assert len(await attempts(durable, payment.id)) == 1


async def switch(durable: Durable, gateway_id: str, *, on: bool) -> None:
    """Enable or disable a gateway."""
    change = update(gateway_configs).where(gateway_configs.c.id == gateway_id)
    async with durable.engine.begin() as connection:
        await connection.execute(change.values(enabled=on, version=gateway_configs.c.version + 1))
