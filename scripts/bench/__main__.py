"""Measures what a payment costs, how many this machine can take, and whether that holds as things grow.

All parts run on one stack, as `make dev` makes it, so that their ratios hold on a noisy machine. Without --only it is
`cost`, the figure to optimise by. Parts:

    cost      one payment and its delivery at a moderate rate: CPU by process, events, SQL statements; and the floor's
    overload  how much is done, refused and late at twice the knee; and the floor's
    ours      the knee of payments over the API, latencies and CPU at 50 % and 80 % of it
    floor     the same of bare workflows of that shape (needs `ours`, which tells the shape)
    refunds   refunds of paid payments
    backlog   deliveries to a receiver that was away
    growth    CPU per payment with few and with many open payments
    rows      list, search, history and create with empty and with full tables
    lists     p50 and p95 of lists, search, figures and exports when the tables hold millions of payments
    sockets   CPU of an API process that holds a thousand live sockets
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
import uvloop

from scripts.bench import report
from scripts.bench.afterwards import backlog, refunds
from scripts.bench.agents import leave
from scripts.bench.cost import cost, warm_up
from scripts.bench.growth import open_payments
from scripts.bench.knee import TRIES_MAX
from scripts.bench.limits import Effort, limits
from scripts.bench.listing import big_lists
from scripts.bench.machine import circumstances
from scripts.bench.overload import overload
from scripts.bench.reading import growth_of_rows
from scripts.bench.sockets import live_sockets
from scripts.bench.stand import Stand, StandOptions, stand

PARTS: Final = ("cost", "overload", "ours", "floor", "refunds", "backlog", "growth", "rows", "lists", "sockets")
DAILY: Final = ["cost"]
QUICK: Final = {
    "payments": 12,
    "window": 4.0,
    "bisections": 0,
    "calibration": 6,
    "windows": 1,
    "tries": 2,
    "refunds": 8,
    "backlog": 8,
    "open": [2, 12],
    "rows": 2_000,
    "asked": 5,
    "payments_listed": 4_000,
    "sockets": 20,
    "sockets_s": 3.0,
}
"""Sizes that prove in under two minutes that everything works; the figures mean nothing."""


def parts_of(text: str) -> list[str]:
    """Read a list of parts."""
    parts = text.split(",")
    unknown = [part for part in parts if part not in PARTS]
    if unknown or ("floor" in parts and "ours" not in parts):
        message = f"the parts are {', '.join(PARTS)}; floor needs ours, which tells its shape"
        raise argparse.ArgumentTypeError(message)
    return parts


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--only", type=parts_of, default=DAILY, metavar="PARTS", help="parts to run, comma separated (cost)")
    add("--quick", action="store_true", help="smallest sizes: proves that the bench works")
    add("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    add("--gateway-delay-ms", type=int, default=0, help="time to the gateway's decision; 0: in its answer (default)")
    add("--rate", type=float, default=4.0, help="payments/s of cost, refunds, backlog and growth (default 4)")
    add("--payments", type=int, default=120, help="payments of cost and growth")
    add("--window", type=float, default=20.0, metavar="S", help="seconds of each rate in the search of a knee")
    add("--bisections", type=int, default=2, help="how often the distance around a knee is halved")
    add("--tries", type=int, default=TRIES_MAX, help="how many rates may be stepped through to find a knee")
    add("--windows", type=int, default=3, help="windows at 50 %% and 80 %% of the knee; the middle one counts")
    add("--calibration", type=int, default=40, help="requests that tell where to begin to look for a knee")
    add("--refunds", type=int, default=160, help="payments to refund")
    add("--backlog", type=int, default=200, help="payments made while the receiver is away")
    add("--open", type=int, nargs=2, default=[100, 10_000], metavar="N", help="open payments to compare")
    add("--rows", type=int, default=1_000_000, help="payments to fill the tables with")
    add("--payments-listed", type=int, default=3_000_000, metavar="N", help="payments that lists are measured with")
    add("--sockets", type=int, default=1_000, metavar="N", help="live sockets")
    add("--sockets-s", type=float, default=30.0, metavar="S", help="how long they are measured, silent and with events")
    add("--events", type=float, default=20.0, metavar="PER_S", help="events a second that sockets hear of")
    add("--asked", type=int, default=25, help="how often each question is asked of the tables, a round")
    add("--apis", type=int, default=1, metavar="N", help="processes of the API")
    add("--workers", type=int, default=1, metavar="N", help="worker processes, of ours and of the floor")
    add("--temporal-server", choices=("dev", "postgres"), default="dev", help="postgres: the server of a cluster")
    add("--shards", type=int, default=16, help="history shards of --temporal-server postgres")
    add("--temporal-address", default=os.environ.get("TEMPORAL_ADDRESS"), help="a Temporal server that runs already")
    add("--temporal-pid", type=int, help="its process, to tell its CPU")
    add("--database-url", default=os.environ.get("DATABASE_URL"), help="a PostgreSQL server that runs already")
    add("--postgres-pid", type=int, help="its process, to tell its CPU")
    asked = parser.parse_args(arguments)
    if asked.quick:
        vars(asked).update(QUICK)
    return asked


async def measure(running: Stand, asked: argparse.Namespace, found: dict[str, Any]) -> None:
    """Run the parts asked for, one after the other, into `found`."""
    effort = Effort(
        window_s=asked.window,
        bisections=asked.bisections,
        calibration=asked.calibration,
        tries=asked.tries,
        windows=asked.windows,
    )
    await warm_up(running)
    begin: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
        "cost": lambda: cost(running, asked.rate, asked.payments),
        "overload": lambda: overload(running, effort),
        "ours": lambda: limits(running, effort, with_floor="floor" in asked.only),
        "refunds": lambda: refunds(running, asked.rate, asked.refunds),
        "backlog": lambda: backlog(running, asked.rate, asked.backlog),
        "growth": lambda: open_payments(running, tuple(asked.open), asked.rate, asked.payments),
        "rows": lambda: growth_of_rows(running, asked.rows, asked.asked),
        "lists": lambda: big_lists(running, asked.payments_listed, asked.asked),
        "sockets": lambda: live_sockets(running, asked.sockets, asked.sockets_s, asked.events),
    }
    for part in (part for part in PARTS if part in asked.only and part != "floor"):
        report.progress(f"{part} …")
        figures = await begin[part]()
        if part == "ours":
            found.update(figures)  # the floor's are beside them
        else:
            found[part] = figures


async def run(asked: argparse.Namespace, found: dict[str, Any]) -> None:
    """Measure what is asked for on a stack of its own; what was found stays in `found` when a later part fails."""
    measuring = asyncio.current_task()
    assert measuring is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, measuring.cancel)
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        options = StandOptions(
            folder=Path(folder),
            gateway_delay_ms=asked.gateway_delay_ms,
            apis=asked.apis,
            workers=asked.workers,
            temporal_server=asked.temporal_server,
            shards=asked.shards,
            database_url=asked.database_url,
            temporal_address=asked.temporal_address,
            temporal_pid=asked.temporal_pid,
            postgres_pid=asked.postgres_pid,
        )
        async with stand(options) as running:
            await measure(running, asked, found)


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    asked = parse_arguments(arguments)
    sizes = {name: value for name, value in vars(asked).items() if name not in {"json", "database_url"}}
    found: dict[str, Any] = {"circumstances": circumstances(), "settings": sizes}
    code = 0
    try:
        uvloop.run(run(asked, found))
    except (Exception, KeyboardInterrupt, asyncio.CancelledError) as error:  # noqa: BLE001 - what was found is shown all the same
        found["failed"] = f"{type(error).__name__}: {error}"
        traceback.print_exc()
        code = 1
    report.show(found)
    if asked.json:
        asked.json.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    return code


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
