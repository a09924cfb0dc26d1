"""Writes `docs/errors.md` from the error table, so that the page matches the program.

`python -m scripts.error_reference` writes it; `--check` compares what is committed with the table and changes nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from clearway.gateways.errors import TABLE, ErrorRow

DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "errors.md"
TITLES: Final = {"simulator": "Simulator", "stripe": "Stripe", "paypal": "PayPal", "square": "Square"}
INTRODUCTION: Final = """\
# Error codes

This page is generated from the error table (`clearway/gateways/errors/*.csv`): change the table, then run
`python -m scripts.error_reference`. The API serves the same table: `GET /errors` and `GET /errors/{gateway}`.

A payment or refund that failed has an `error_code`. Connectors translate each error of their gateway into these codes.

- **Cause**: who can solve it. `customer`: wrong data or a cancelled page. `issuer`: the bank declined. `gateway`: the
  gateway failed. `setup`: your account at the gateway needs a change. `request`: the request cannot be carried out.
- **Elsewhere**: whether another gateway may be tried. `step_up`: only after the customer authenticates.
- **Wait**: how long to wait before the next try.
- **Sent again**: whether Clearway may repeat the request at this gateway, with the same key.
- **Executed**: whether the gateway acted on the request. `maybe` is never treated as a decline: instead of an
  `error_code` the table says `asked`, because Clearway asks the gateway for the result.
- **An error that is in no table** may have been executed, so Clearway asks the gateway.

## Unified codes

The text for the customer never names theft or suspicion.

| `error_code` | cause | elsewhere | wait | for you | for the customer |
|---|---|---|---|---|---|
"""
NETWORKS: Final = """
## Codes of card networks

A network's code can make a row above stricter. It never allows what a row forbids. After a code that says never, the
card is not tried again: see [Routing](routing.md#a-card-that-is-declined-too-often).

| code | elsewhere | wait | try again | meaning |
|---|---|---|---|---|
"""
HEAD: Final = """
| operation | code | `error_code` | executed | sent again | cause | elsewhere | wait | for you |
|---|---|---|---|---|---|---|---|---|
"""


def render() -> str:
    """Return the page."""
    parts = [INTRODUCTION, *map(_unified, TABLE.unified)]
    for kind, rows in TABLE.rows.items():
        parts += [f"\n## {TITLES[kind]}\n", HEAD, *map(_row, rows)]
    parts += [NETWORKS, *map(_network, TABLE.networks)]
    return "".join(parts)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |\n"


def _unified(code: str) -> str:
    row = TABLE.unified[code]
    return _line([f"`{code}`", row.cause, row.elsewhere, _wait(row.wait_s), row.merchant_text, row.customer_text])


def _row(row: ErrorRow) -> str:
    code = f"`{row.decline_code}`" if row.decline_code else "asked"
    again = "yes" if row.again else "no"
    name = f"`{row.code}`" + (f" `{row.network_code}`" if row.network_code else "")
    waits = _wait(row.wait_s)
    return _line([row.operation, name, code, row.executed, again, row.cause, row.elsewhere, waits, row.merchant_text])


def _network(code: str) -> str:
    row = TABLE.networks[code]
    again = "never" if row.never_again else ""
    return _line([f"`{code}`", row.elsewhere, _wait(row.wait_s), again, row.meaning])


def _wait(seconds: int | None) -> str:
    if seconds is None:
        return ""
    for size, unit in ((86_400, "d"), (3_600, "h")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code is 1 when `--check` finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m scripts.error_reference", description="The error reference.")
    parser.add_argument("--check", action="store_true", help="compare, and change nothing")
    if not parser.parse_args(arguments).check:
        DOCUMENT.write_text(render(), encoding="utf-8")
        return 0
    if DOCUMENT.exists() and DOCUMENT.read_text(encoding="utf-8") == render():
        return 0
    print("docs/errors.md is not what the error table says: python -m scripts.error_reference")
    return 1


if __name__ == "__main__":
    sys.exit(main())
