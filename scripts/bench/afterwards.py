"""What comes after payments: refunds of them, and the backlog of deliveries to a receiver that was away."""

from __future__ import annotations

import time
from typing import Any, Final

from scripts.bench import ours
from scripts.bench.cost import EVERYTHING, SEED, SUCCESS
from scripts.bench.cpu import CpuMeter
from scripts.bench.figures import arrivals_s, summary_ms
from scripts.bench.load import closed_loop
from scripts.bench.stand import BESIDE, BenchError, Stand, quiet

AT_ONCE: Final = 16
BACKLOG_INTERVALS_S: Final = [5] * 19
"""Attempts go on for 95 s: the receiver is back well before."""
BACKLOG_PATIENCE_S: Final = 90.0


async def refunds(stand: Stand, rate_per_s: float, count: int) -> dict[str, Any]:
    """Refund payments in full: half of them at a rate, the other half as quickly as they are taken."""
    await stand.subscribe(SUCCESS.event_types)
    paid = await ours.pay(stand, rate_per_s, arrivals_s(rate_per_s, seed=SEED, count=count))
    payments = list(paid.done_at)
    half = len(payments) // 2
    steady = await ours.refund(stand, rate_per_s, arrivals_s(rate_per_s, seed=SEED, count=half), payments)
    burst = await _refund_burst(stand, payments[half:])
    return {"rate_per_s": rate_per_s, "steady": steady.summary(*BESIDE), "burst": burst}


async def _refund_burst(stand: Stand, payments: list[str]) -> dict[str, Any]:
    await stand.receiver.ask("take")
    meter, began = CpuMeter.start(stand.pids()), time.time()
    sent = await closed_loop(len(payments), AT_ONCE, lambda number: stand.refund(payments[number]))
    await quiet(stand.heard, len(sent), patience_s=ours.DRAIN_S)
    used = meter.used_s()
    came = [at for _, kind, _, at in await stand.receiver.ask("take") if kind == ours.REFUNDED]
    took_s = max(came, default=began) - began
    return {
        "count": len(payments),
        "failed": len(payments) - len(came),
        "per_s": round(len(came) / took_s, 2) if took_s else 0.0,
        "answer_ms": summary_ms([one.latency_s for one in sent if one.made]),
        "cpu_s_each": _each(used, len(payments)),
    }


async def backlog(stand: Stand, rate_per_s: float, count: int) -> dict[str, Any]:
    """Create payments while the receiver is down, bring it back, and measure how long all webhooks take to arrive.

    The schedule repeats every 5 s here, so at best all is delivered 5.5 s after the return.
    """
    await stand.subscribe(EVERYTHING.event_types, BACKLOG_INTERVALS_S)
    await stand.receiver.ask("take")
    orders = await stand.make_orders(count)
    await stand.receiver.ask("down")
    meter = CpuMeter.start(stand.pids())
    made = await closed_loop(count, max(1, round(rate_per_s)), lambda number: stand.pay(orders[number]))
    away = meter.used_s()
    wanted = 2 * sum(1 for one in made if one.made)
    meter, back_at = CpuMeter.start(stand.pids()), time.time()
    await stand.receiver.ask("up")
    await quiet(stand.heard, wanted, patience_s=BACKLOG_PATIENCE_S)
    used = meter.used_s()
    came = await stand.receiver.ask("take")
    if not came:
        raise BenchError("the receiver that came back heard of nothing")
    took_s = max(at for *_, at in came) - back_at
    return {
        "payments": count,
        "deliveries": len(came),
        "missing": wanted - len({event_id for event_id, *_ in came}),
        "drained_in_s": round(took_s, 2),
        "deliveries_per_s": round(len(came) / took_s, 1),
        "cpu_s_each_delivery": _each(used, len(came)),
        "cpu_s_each_payment_while_away": _each(away, count),
    }


def _each(used: dict[str, float], count: int) -> dict[str, float]:
    each = {name: round(seconds / max(1, count), 5) for name, seconds in used.items()}
    return {**each, "total": round(sum(used for name, used in each.items() if name not in BESIDE), 5)}
