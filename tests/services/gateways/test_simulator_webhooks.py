"""The simulator's webhooks: signed, retried under one id, and equal to the look-up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from time_machine import Traveller

from clearway.gateways.contract import OutcomeKind
from clearway.settings import DEVELOPMENT_SIMULATOR_SECRET
from clearway.simulator.clocks import Courier
from clearway.simulator.faults import FaultSwitches
from clearway.simulator.notices import OwnChannel
from clearway.simulator.outbox import RETRY_WAITS_S, Notice, Outbox
from clearway.simulator.records import SIMULATOR
from clearway.simulator.store import Store
from tests.services.gateways.asking import MANUAL, follow_up, order, outcome_when, wake
from tests.services.gateways.running import LONG_S, Simulator
from tests.support.receiver import Receiver, running_receiver


async def test_signature_is_standard(simulator: Simulator, receiver: Receiver) -> None:
    """The public `standardwebhooks` package accepts a webhook as sent, and no other body or secret."""
    asked = order("success@razorpay")
    await simulator.gateway.authorise(asked)
    [delivery] = await receiver.wait_for(1, asked.key)
    verified = Webhook(DEVELOPMENT_SIMULATOR_SECRET).verify(delivery.body, delivery.headers)
    assert verified == delivery.event
    assert delivery.headers["webhook-id"] == delivery.event["id"]
    with pytest.raises(WebhookVerificationError):
        Webhook(DEVELOPMENT_SIMULATOR_SECRET).verify(delivery.body + b" ", delivery.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldA==").verify(delivery.body, delivery.headers)


async def test_body_is_complete(simulator: Simulator, receiver: Receiver) -> None:
    """A webhook has event id and type, and the operation with key, reference, status, amount, currency and failure."""
    asked = order("lowfunds@clearway")
    outcome = await simulator.gateway.authorise(asked)
    [delivery] = await receiver.wait_for(1, asked.key)
    data = delivery.event["data"]
    assert delivery.event["type"] == "payment.declined"
    assert (data["idempotency_key"], data["id"]) == (asked.key, outcome.reference)
    assert (data["status"], data["amount"], data["currency"]) == ("declined", 1_000, "INR")
    assert data["failure"]["code"] == "insufficient_funds"


async def test_every_decision_has_a_webhook(waiting_simulator: Simulator, receiver: Receiver, clock: Traveller) -> None:
    """Authorisation, capture, void and refund each send one webhook, after the decision and not before."""
    gateway, asked = waiting_simulator.gateway, order("success@razorpay", capture_method=MANUAL)
    assert (await gateway.authorise(asked)).kind is OutcomeKind.PENDING
    decided = order("approve@clearway")
    await gateway.void(follow_up(decided, await gateway.authorise(decided), "void", 1_000))
    await receiver.wait_for(1, decided.key)
    assert receiver.about(asked.key) == []
    clock.shift(LONG_S)
    await wake(gateway)
    paid = await outcome_when(gateway, asked, OutcomeKind.APPROVED)
    await gateway.capture(follow_up(asked, paid, "capture", 400))
    await gateway.void(follow_up(asked, paid, "void", 600))
    await gateway.refund(follow_up(asked, paid, "refund", 400))
    clock.shift(LONG_S)
    await wake(gateway)
    deliveries = await receiver.wait_for(4, asked.payment_id)
    assert sorted(delivery.event["type"] for delivery in deliveries) == [
        "capture.succeeded",
        "payment.authorized",
        "refund.succeeded",
        "void.succeeded",
    ]


async def test_a_cancellation_has_a_webhook(simulator: Simulator, receiver: Receiver) -> None:
    """A cancelled payment sends a webhook of its own end, beside that of the void."""
    asked = order("pending@razorpay")
    await simulator.gateway.void(follow_up(asked, await simulator.gateway.authorise(asked), "void", 1_000))
    [delivery] = await receiver.wait_for(1, asked.key)
    assert delivery.event["type"] == "payment.canceled"


@asynccontextmanager
async def sending(state: Path, url: str, clock: list[float]) -> AsyncIterator[tuple[Outbox, Courier]]:
    """Run a courier whose time is clock[0]."""
    store = Store(state)
    own = OwnChannel("http://sim", url, DEVELOPMENT_SIMULATOR_SECRET)
    outbox = Outbox(store, FaultSwitches(None), {SIMULATOR: own})
    courier = Courier(outbox, now=lambda: clock[0])
    task = asyncio.create_task(courier.run())
    try:
        yield outbox, courier
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        store.close()


async def test_retries_keep_their_id_and_stop(tmp_path: Path) -> None:
    """An unanswered webhook is sent again under one id after growing waits, with a fresh timestamp, and given up."""
    clock = [1_800_000_000.0]
    attempts = len(RETRY_WAITS_S) + 1
    async with (
        running_receiver() as receiver,
        sending(tmp_path / "s.sqlite3", receiver.url, clock) as (outbox, courier),
    ):
        receiver.refuse(500, 302, 404, *[503] * attempts)
        outbox.add(SIMULATOR, [Notice("sim_evt_1", "payment.captured", '{"id":"sim_evt_1"}')], clock[0])
        courier.alarm.ring()
        waits = []
        for attempt in range(1, attempts + 1):
            await receiver.wait_for(attempt, "sim_evt_1")
            due_at = await _next_due_at(outbox, after=clock[0] if attempt < attempts else None)
            if due_at is not None:
                waits.append(round(due_at - clock[0]))
                clock[0] = due_at
                courier.alarm.ring()
        assert waits == list(RETRY_WAITS_S)
        sent = receiver.about("sim_evt_1")
        assert len(sent) == attempts
        assert {delivery.headers["webhook-id"] for delivery in sent} == {"sim_evt_1"}
        assert len({delivery.headers["webhook-timestamp"] for delivery in sent}) == attempts
        assert len({delivery.body for delivery in sent}) == 1


async def _next_due_at(outbox: Outbox, after: float | None) -> float | None:
    """Wait until the last attempt is noted; return when the next is due."""
    for _ in range(500):
        due_at = outbox.next_due_at(set())
        if due_at is None or (after is not None and due_at > after):
            return due_at
        await asyncio.sleep(0.01)
    raise AssertionError("the attempt was not noted")
