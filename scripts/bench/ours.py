"""Payments over the public API, with their webhooks: runs of load on our own side."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from scripts.bench.cpu import CpuMeter
from scripts.bench.load import Send, open_loop
from scripts.bench.runs import Run
from scripts.bench.stand import Stand, quiet

DRAIN_S: Final = 30.0
"""How long what was begun may take to end after the last request of a run."""
SETTLE_S: Final = 60.0
STILL_S: Final = 3.0
PAID: Final = "payment.success"
REFUNDED: Final = "refund.processed"


async def pay(stand: Stand, rate_per_s: float, arrivals_s: Sequence[float], **fields: Any) -> Run:
    """Make one payment at each moment, and wait for its webhook."""
    orders = await stand.make_orders(len(arrivals_s))
    return await measured(stand, rate_per_s, arrivals_s, lambda number: stand.pay(orders[number], **fields), PAID)


async def refund(stand: Stand, rate_per_s: float, arrivals_s: Sequence[float], payments: Sequence[str]) -> Run:
    """Refund one payment at each moment, and wait for its webhook."""
    assert len(payments) >= len(arrivals_s)
    return await measured(stand, rate_per_s, arrivals_s, lambda number: stand.refund(payments[number]), REFUNDED)


async def measured(stand: Stand, rate_per_s: float, arrivals_s: Sequence[float], send: Send, event_type: str) -> Run:
    """Send one request at each moment, and wait until the event of each has reached the receiver."""
    await stand.receiver.ask("take")
    meter, began, clients_s = CpuMeter.start(stand.pids()), time.perf_counter(), time.process_time()
    sent = await open_loop(arrivals_s, send)
    await quiet(stand.heard, sum(1 for one in sent if one.made), patience_s=DRAIN_S)
    wall_s = time.perf_counter() - began
    cpu_s = {**meter.used_s(), "clients": time.process_time() - clients_s}
    came = await stand.receiver.ask("take")
    done_at: dict[str, float] = {}
    for _, kind, resource_id, at in came:
        if kind == event_type:
            done_at.setdefault(resource_id, at)
    webhooks = [(event_id, kind, resource_id) for event_id, kind, resource_id, _ in came]
    run = Run(rate_per_s, sent, done_at, cpu_s, wall_s, webhooks)
    if run.failed:
        await settled(stand.heard)
    return run


async def settled(count: Callable[[], Awaitable[int]]) -> None:
    """Wait until what an overloaded run left behind is done, so that the next run does not pay for it."""
    await quiet(count, 0, patience_s=SETTLE_S, still_s=STILL_S)
