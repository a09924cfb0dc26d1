"""What the witnesses say of one story, for the invariants of `tests.support.invariants` to judge."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, select
from temporalio.worker import Replayer

from clearway.db.tables import (
    captures,
    events,
    ledger_transactions,
    orders,
    payment_attempts,
    payments,
    refunds,
    webhook_attempts,
    webhook_deliveries,
    webhook_endpoints,
)
from clearway.durable.client import DATA_CONVERTER
from tests.fire.simulation.endpoint import Endpoint
from tests.fire.simulation.story import Story
from tests.support.durable import Durable
from tests.support.evidence import LEDGER, Evidence, Record
from tests.support.invariants import quiet, violations
from workflows.registry import WORKFLOWS, strict_workflow_runner

PATIENCE_S: Final = 30.0


@dataclass(frozen=True)
class Judgement:
    """What a story breaks, in words, and what was seen in it: ends, by what has ended."""

    wrong: list[str]
    seen: set[str]


async def judge(durable: Durable, endpoint: Endpoint, story: Story) -> Judgement:
    """Judge a story by every invariant; what is not quiet gets a moment for its last step."""
    deadline = time.monotonic() + PATIENCE_S
    while any(quiet(evidence := await _evidence(durable, endpoint, story))) and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    return Judgement(violations(evidence) + await _other_steps(story), _seen(evidence))


def _seen(evidence: Evidence) -> set[str]:
    ended = {"payment": evidence.payments, "refund": evidence.refunds, "delivery": evidence.deliveries}
    seen = {f"{noun} {record['status']}" for noun, records in ended.items() for record in records}
    decided = any(str(event["actor"]).startswith("operator:") for event in evidence.events)
    return seen | ({"decision of an operator"} if decided else set())


async def _other_steps(story: Story) -> list[str]:
    """Say which workflows would not take the same steps again: another worker could not go on with them."""
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=strict_workflow_runner(), data_converter=DATA_CONVERTER)
    results = await replayer.replay_workflows(story.histories(), raise_on_replay_failure=False)
    return [f"replay: {failure!r}" for failure in results.replay_failures.values()]


async def _evidence(durable: Durable, endpoint: Endpoint, story: Story) -> Evidence:
    async def rows(table: Table, condition: ColumnElement[bool]) -> list[Record]:
        return await _rows(durable, select(table).where(condition))

    of_order = await rows(payments, payments.c.order_id == story.payment.order_id)
    ours = [payment["id"] for payment in of_order]
    deliveries = await rows(webhook_deliveries, webhook_deliveries.c.merchant_id == story.payment.merchant_id)
    delivery_ids = [delivery["id"] for delivery in deliveries]
    return Evidence(
        orders=await rows(orders, orders.c.id == story.payment.order_id),
        payments=of_order,
        payment_attempts=await rows(payment_attempts, payment_attempts.c.payment_id.in_(ours)),
        captures=await rows(captures, captures.c.payment_id.in_(ours)),
        refunds=await rows(refunds, refunds.c.payment_id.in_(ours)),
        events=await rows(events, events.c.payment_id.in_(ours)),
        ledger=await _rows(durable, LEDGER.where(ledger_transactions.c.payment_id.in_(ours))),
        journal=[effect for payment_id in ours for effect in await durable.simulator.effects(payment_id)],
        endpoints=await rows(webhook_endpoints, webhook_endpoints.c.merchant_id == story.payment.merchant_id),
        deliveries=deliveries,
        attempts=await rows(webhook_attempts, webhook_attempts.c.delivery_id.in_(delivery_ids)),
        received=endpoint.witnessed(),
        received_since=story.began_at,
        receiver_url=endpoint.url,
    )


async def _rows(durable: Durable, query: Any) -> list[Record]:
    async with durable.engine.connect() as connection:
        return [dict(row) for row in (await connection.execute(query)).mappings()]
