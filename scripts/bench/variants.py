"""Compares the ways in which a payment could be a workflow: `python -m scripts.bench.variants`.

Bare workflows (see `floor`) of each shape, one after the other on one server, then the chosen shape with other settings
of worker and server. Each variant is measured `--rounds` times, and the lowest CPU counts: noise only ever adds. The
table is in docs/adr/0005-shape-of-a-payment.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvloop

from scripts.bench import floor as bare
from scripts.bench.agents import leave
from scripts.bench.figures import arrivals_s, summary_ms
from scripts.bench.floor_otherwise import AS_OURS, Otherwise
from scripts.bench.histories import anatomy
from scripts.bench.runs import Run
from scripts.bench.shapes import Shape, Step
from scripts.bench.stand import Stand, StandOptions, stand

SEED: Final = 5
WARM_UP: Final = 20
LOCAL, CALL, UPSERT = Step("local"), Step("activity"), Step("upsert")
LAST: Final = Step("local", starts=1)
PAYMENT: Final = Shape((LOCAL, CALL, LAST, UPSERT), answer_after=1)
AT_ONCE: Final = Shape((LOCAL,))
APART: Final = Shape((CALL,))


@dataclass(frozen=True)
class Variant:
    """One way. otherwise: than the floor by default."""

    name: str
    payment: Shape = PAYMENT
    delivery: Shape = AT_ONCE
    otherwise: Otherwise = AS_OURS
    workers: int = 1


SHAPES: Final = (
    Variant("chosen: gateway call an activity, first delivery attempt local and started eagerly"),
    Variant("delivery attempt an activity", delivery=APART),
    Variant("gateway call local too, in the first task", Shape((LOCAL, LOCAL, LAST, UPSERT), answer_after=1)),
    Variant("plain start in place of update-with-start", Shape(PAYMENT.steps)),
    Variant("deliveries not started eagerly", otherwise=Otherwise(eager=False)),
    Variant("status not written to the search attributes", Shape(PAYMENT.steps[:3], answer_after=1)),
    Variant(
        "told by the gateway's webhook (timer and signal)", Shape((LOCAL, CALL, Step("news", 60), LAST, UPSERT), 1)
    ),
)
SETTINGS: Final = (
    Variant("workflows in the strict sandbox", otherwise=Otherwise(strict=True)),
    Variant("2 pollers of each kind, not autoscaling", otherwise=Otherwise(pollers=2)),
    Variant("10 pollers of each kind", otherwise=Otherwise(pollers=10)),
    Variant("2 worker processes", workers=2),
)
SERVERS: Final[tuple[tuple[str, dict[str, Any], dict[str, str]], ...]] = (
    ("dev server, GOGC 400", {}, {"GOGC": "400"}),
    ("server on PostgreSQL, 1 shard", {"temporal_server": "postgres", "shards": 1}, {}),
    ("server on PostgreSQL, 16 shards", {"temporal_server": "postgres", "shards": 16}, {}),
    ("the same, GOGC 400", {"temporal_server": "postgres", "shards": 16}, {"GOGC": "400"}),
)


class Bench:
    """Measures variants and prints a row for each."""

    def __init__(self, rate_per_s: float, count: int, rounds: int) -> None:
        self._rate_per_s = rate_per_s
        self._count = count
        self._rounds = rounds
        print("| variant | CPU ms: server | worker | driver | database | total | answer p50 ms | p95 | events |")
        print("|---|---|---|---|---|---|---|---|---|")

    async def rows(self, options: Mapping[str, Any], variants: Sequence[Variant], prefix: str = "") -> None:
        """Measure variants on one server, in turns."""
        runs: dict[str, list[Run]] = {variant.name: [] for variant in variants}
        events: dict[str, int] = {}
        with tempfile.TemporaryDirectory(prefix="variants-", ignore_cleanup_errors=True) as folder:
            async with stand(StandOptions(folder=Path(folder), **options)) as running:
                for _ in range(self._rounds):
                    for variant in variants:
                        run, events[variant.name] = await self._run(running, variant)
                        runs[variant.name].append(run)
        for name, measured in runs.items():
            best = min(measured, key=lambda run: run.cpu_per_one_s()["total"])
            _print(prefix + name, best, events[name])

    async def _run(self, running: Stand, variant: Variant) -> tuple[Run, int]:
        arrivals = arrivals_s(self._rate_per_s, seed=SEED, count=self._count)
        async with AsyncExitStack() as exits:
            floor = await exits.enter_async_context(bare.floor(running, variant.otherwise, workers=variant.workers))
            for times in (arrivals[:WARM_UP], arrivals):
                run = await floor.run(self._rate_per_s, times, variant.payment, variant.delivery, news_after_s=0.2)
        found = await anatomy(running.stack.temporal, [bare.workflow_ids(run)[0]])
        return run, sum(found.events.values())


def _print(name: str, run: Run, events: int) -> None:
    each = {key: used * 1_000 for key, used in run.cpu_per_one_s().items()}
    worker_ms = sum(used for key, used in each.items() if key.startswith("worker"))
    cpu = [each["temporal"], worker_ms, each["driver"], each.get("postgres", 0.0), each["total"]]
    answer = summary_ms(run.answer_latencies_s)
    cells = [*(f"{used:.1f}" for used in cpu), f"{answer['p50']:.0f}", f"{answer['p95']:.0f}", str(events)]
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


async def main(asked: argparse.Namespace) -> None:
    """Print the table."""
    bench = Bench(asked.rate, asked.count, asked.rounds)
    await bench.rows({}, (*SHAPES, *SETTINGS))
    for name, options, env in SERVERS:
        os.environ.update(env)
        await bench.rows(options, SHAPES[:1], f"{name}: ")
        for key in env:
            del os.environ[key]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=8.0, help="workflows started a second")
    parser.add_argument("--count", type=int, default=120, help="workflows of each round")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of each variant; the lowest CPU counts")
    uvloop.run(main(parser.parse_args(sys.argv[1:])))
    leave()
