"""What one payment costs at a moderate rate, beside the floor of the same shape in the same run.

Everything else of the bench is about limits; this is the figure to optimise by: CPU-seconds by process, events and SQL
statements of one payment and its delivery.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from clearway.durable.messages import delivery_workflow_id, payment_workflow_id
from scripts.bench import floor as bare
from scripts.bench import ours, statements
from scripts.bench.cpu import CpuMeter
from scripts.bench.figures import arrivals_s
from scripts.bench.histories import Anatomy, anatomy
from scripts.bench.runs import Run
from scripts.bench.shapes import differences
from scripts.bench.stand import BESIDE, Stand

SEED: Final = 2_026
WARM_UP: Final = 60
WARM_UP_PER_S: Final = 8.0
TRACED: Final = 30
"""Payments whose statements are counted."""
IDLE_S: Final = 4.0


@dataclass(frozen=True)
class Subscription:
    """Which events the receiver gets."""

    name: str
    event_types: Sequence[str]


SUCCESS: Final = Subscription("payment.success only", ("payment.success", "refund.processed"))
EVERYTHING: Final = Subscription("all events", ("*",))


async def warm_up(stand: Stand) -> None:
    """Let every process import, connect and compile what it will need: once, before the first part."""
    await stand.subscribe(SUCCESS.event_types)
    await ours.pay(stand, WARM_UP_PER_S, arrivals_s(WARM_UP_PER_S, seed=SEED - 1, count=WARM_UP))


async def idle(stand: Stand) -> dict[str, float]:
    """Return the CPU-seconds a second that the processes use when nothing happens."""
    meter = CpuMeter.start(stand.pids())
    await asyncio.sleep(IDLE_S)
    return {name: used / IDLE_S for name, used in meter.used_s().items()}


async def anatomies(stand: Stand, run: Run, endpoint_id: str) -> tuple[Anatomy, Anatomy, int]:
    """Return the anatomy of payments and of deliveries, and how many deliveries a payment has."""
    payments = [payment_workflow_id(made) for one in run.sent if (made := one.made)]
    deliveries = [delivery_workflow_id(event_id, endpoint_id) for event_id, _, _ in run.webhooks]
    each = round(len(run.webhooks) / max(1, len(run.done_at)))
    client = stand.stack.temporal
    return await anatomy(client, payments), await anatomy(client, deliveries), each


async def traced(stand: Stand, rate_per_s: float) -> dict[str, Any]:
    """Return the SQL statements of one payment by caller, and the commonest ones."""
    if "postgres" not in stand.stack.supervisor.services:
        return {}  # another's server: we do not touch its settings
    async with statements.logged(stand.dsn, stand.postgres_log) as found:
        run = await ours.pay(stand, rate_per_s, arrivals_s(rate_per_s, seed=SEED + 1, count=TRACED))
    orders = "INSERT INTO orders (id, merchant_id, amount_minor"  # ours: the set-up of the run
    kept = {key: count for key, count in found.counts.items() if key[0].startswith("clearway") and orders not in key[1]}
    by_caller: dict[str, float] = {}
    for (caller, _), count in kept.items():
        by_caller[caller] = round(by_caller.get(caller, 0.0) + count / run.count, 2)
    listed = sorted(kept.items(), key=lambda item: -item[1])
    return {
        "each": round(sum(by_caller.values()), 2),
        "by_caller": by_caller,
        "statements": [
            {"caller": caller, "each": round(count / run.count, 2), "statement": statement[:160]}
            for (caller, statement), count in listed
            if count >= run.count / 2
        ],
    }


async def cost(stand: Stand, rate_per_s: float, count: int) -> dict[str, Any]:
    """Measure payments with one delivery each, the floor at the same rate, and payments with all their deliveries."""
    endpoint_id = await stand.subscribe(SUCCESS.event_types)
    at_rest = await idle(stand)
    arrivals = arrivals_s(rate_per_s, seed=SEED, count=count)
    payments = await ours.pay(stand, rate_per_s, arrivals)
    payment, delivery, deliveries = await anatomies(stand, payments, endpoint_id)
    sql = await traced(stand, rate_per_s)
    return {
        "rate_per_s": rate_per_s,
        "deliveries_each": deliveries,
        "ours": payments.summary(*BESIDE),
        "idle_cpu_s_per_s": {name: round(used, 4) for name, used in at_rest.items()},
        "payment_history": payment.to_json(),
        "delivery_history": delivery.to_json(),
        "statements": sql,
        "floor": await floor_cost(stand, rate_per_s, arrivals, (payment, delivery), deliveries),
        "all_events": await _with_all_events(stand, rate_per_s, arrivals[: count // 2]),
    }


async def _with_all_events(stand: Stand, rate_per_s: float, arrivals: Sequence[float]) -> dict[str, Any]:
    await stand.subscribe(EVERYTHING.event_types)
    run = await ours.pay(stand, rate_per_s, arrivals)
    return {**run.summary(*BESIDE), "deliveries_each": round(len(run.webhooks) / run.count, 2)}


async def floor_cost(
    stand: Stand,
    rate_per_s: float,
    arrivals: Sequence[float],
    kinds: tuple[Anatomy, Anatomy],
    deliveries: int,
) -> dict[str, Any]:
    """Measure the floor of these shapes, and check that its histories are those of ours."""
    payment, delivery = kinds
    shape = payment.shape.starting(deliveries)
    signal_after_s = stand.options.gateway_delay_ms / 1_000
    async with bare.floor(stand) as floor:
        warming = arrivals_s(WARM_UP_PER_S, seed=SEED - 1, count=WARM_UP // 2)
        await floor.run(WARM_UP_PER_S, warming, shape, delivery.shape, signal_after_s=signal_after_s)
        run = await floor.run(rate_per_s, arrivals, shape, delivery.shape, signal_after_s=signal_after_s)
    payment_id, delivery_id = bare.workflow_ids(run)
    client = stand.stack.temporal
    differing = {
        "payment": differences(payment.events, (await anatomy(client, [payment_id])).events),
        "delivery": differences(delivery.events, (await anatomy(client, [delivery_id])).events) if deliveries else {},
    }
    return {**run.summary(), "shape": shape.words(), "events_that_differ": differing}
