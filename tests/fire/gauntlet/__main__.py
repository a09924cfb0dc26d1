"""The command: `python -m tests.fire.gauntlet`, or `make gauntlet`. Exit code 0: passed; 1: failed; 2: unknown."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import secrets
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.fire.gauntlet.plan import LONG_RUN, describe, make_plan
from tests.fire.gauntlet.report import EXIT_CODES, Report
from tests.fire.gauntlet.run import repertoire_of, run

LIMIT_S: Final = 300.0
LIMIT_S_A_PAYMENT: Final = 0.45
INTERRUPTED: Final = 130


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fire.gauntlet", description=__doc__)
    parser.add_argument("--payments", type=int, default=200, help="how many payments, at least (200)")
    parser.add_argument("--seed", type=int, help="repeat a plan; by default a fresh one, printed first")
    parser.add_argument(
        "--gateways", type=int, choices=(1, 3), default=1, help="of each shop (1): 3 are of three kinds"
    )
    parser.add_argument("--everything", action="store_true", help="with the strikes of long runs, too")
    parser.add_argument("--plan-only", action="store_true", help="print the plan and do nothing")
    parser.add_argument("--limit-s", type=float, help="end after this time with the verdict unknown")
    parser.add_argument("--json", type=Path, help="write the report there")
    parser.add_argument("--report", type=Path, help="replace the last result in this document")
    parser.add_argument("--keep", action="store_true", help="keep state and logs of the stack")
    return parser.parse_args(arguments)


def say(text: str) -> None:
    """Print at once, with the time since the start."""
    print(f"{time.monotonic() - STARTED:6.1f} s  {text}", flush=True)  # noqa: T201 - a command speaks


async def main(asked: argparse.Namespace) -> int:
    """Plan, run, report; returns the exit code."""
    seed = secrets.randbelow(10**6) if asked.seed is None else asked.seed
    everything = asked.everything or asked.payments >= LONG_RUN
    repertoire = repertoire_of(long=everything, gateways=asked.gateways)
    plan = make_plan(seed, asked.payments, repertoire, asked.gateways)
    for line in describe(plan):
        print(line, flush=True)  # noqa: T201
    if asked.plan_only:
        return 0
    report = Report(seed=seed, payments_asked=asked.payments)
    limit_s = asked.limit_s or LIMIT_S + asked.payments * LIMIT_S_A_PAYMENT
    try:
        async with asyncio.timeout(limit_s):
            await run(plan, report, say, keep=asked.keep)
    except TimeoutError:
        report.notes.append(f"not finished within {limit_s:.0f} s")
        report.judged = []
    for line in report.lines():
        print(line, flush=True)  # noqa: T201
    if asked.json:
        report.write_json(asked.json)
    if asked.report:
        report.write_section(asked.report)
    return EXIT_CODES[report.ruling]


async def until_interrupted(asked: argparse.Namespace) -> int:
    """Run; Ctrl-C or SIGTERM cancels it, and the stack is stopped all the same."""
    running = asyncio.create_task(main(asked))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        return await running
    return INTERRUPTED


if __name__ == "__main__":
    STARTED: Final = time.monotonic()
    try:
        code = asyncio.run(until_interrupted(parse(sys.argv[1:])))
    except Exception:  # noqa: BLE001 - a run that broke proves nothing
        traceback.print_exc()
        code = 2
    # Temporal's runtime may crash the interpreter while it exits (temporalio/sdk-python#300): all is closed, so leave.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
