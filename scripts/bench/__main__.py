"""`python -m scripts.bench`: measures what a payment costs and how many this machine can take. See `--help`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import uvloop

from scripts.bench import report
from scripts.bench.agents import leave
from scripts.bench.cost import EVERYTHING, SUCCESS, cost
from scripts.bench.machine import circumstances
from scripts.bench.stand import StandOptions, stand


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench", description=__doc__)
    parser.add_argument("--only", default="cost", help="parts to run, comma separated: cost")
    parser.add_argument("--payments", type=int, default=150, help="payments of the part `cost`")
    parser.add_argument("--rate", type=float, default=5.0, help="payments a second of the part `cost`")
    parser.add_argument("--events", choices=("success", "all"), default="success", help="what the receiver subscribes")
    parser.add_argument("--gateway-delay-ms", type=int, default=0, help="0: the gateway decides in its answer")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    return parser.parse_args(arguments)


async def run(asked: argparse.Namespace) -> dict[str, Any]:
    """Measure what is asked for."""
    found: dict[str, Any] = {"circumstances": circumstances(), "settings": {"gateway_delay_ms": asked.gateway_delay_ms}}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        options = StandOptions(folder=Path(folder), gateway_delay_ms=asked.gateway_delay_ms)
        async with stand(options) as running:
            subscription = SUCCESS if asked.events == "success" else EVERYTHING
            found["cost"] = await cost(running, asked.rate, asked.payments, subscription)
    return found


def main(arguments: Sequence[str]) -> None:
    """Run the command."""
    asked = parse_arguments(arguments)
    found = uvloop.run(run(asked))
    report.show(found)
    if asked.json:
        asked.json.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BaseException:  # noqa: BLE001 - said, then left: see `leave`
        traceback.print_exc()
        leave(1)
    leave()
