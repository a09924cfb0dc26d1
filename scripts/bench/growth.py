"""Whether a payment costs the same when many others are open, waiting on their timers."""

from __future__ import annotations

from typing import Any, Final

from scripts.bench import ours
from scripts.bench.cost import SEED, SUCCESS
from scripts.bench.figures import arrivals_s
from scripts.bench.load import closed_loop
from scripts.bench.stand import BESIDE, BenchError, Stand

AT_ONCE: Final = 24
NEVER_DECIDED: Final = "pending@razorpay"
FLAT: Final = 0.15
"""How much more or less a payment may cost with many open ones."""


async def open_payments(stand: Stand, sizes: tuple[int, int], rate_per_s: float, count: int) -> dict[str, Any]:
    """Measure the same payments with few and with many open ones."""
    await stand.subscribe(SUCCESS.event_types)
    costs: list[float] = []
    found: dict[str, Any] = {}
    there = 0
    for size in sizes:
        await _open(stand, size - there)
        there = size
        run = await ours.pay(stand, rate_per_s, arrivals_s(rate_per_s, seed=SEED, count=count))
        found[f"with_{size}_open"] = run.summary(*BESIDE)
        costs.append(run.cpu_per_one_s(*BESIDE)["total"])
    ratio = costs[1] / costs[0]
    return {**found, "cpu_ratio": round(ratio, 3), "flat": abs(ratio - 1) <= FLAT}


async def _open(stand: Stand, count: int) -> None:
    orders = await stand.make_orders(count)
    made = await closed_loop(count, AT_ONCE, lambda number: stand.pay(orders[number], vpa=NEVER_DECIDED))
    failed = sum(1 for one in made if one.made is None)
    if failed:
        raise BenchError(f"{failed} of {count} payments that should stay open could not be made")
