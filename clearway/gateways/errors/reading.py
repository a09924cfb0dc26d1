"""Read the CSV files of this package into rows. An empty cell takes the value of the unified code."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

from clearway.domain.errors import DECLINE_CODES
from clearway.domain.gateway_error import Cause, Elsewhere
from clearway.gateways.contract import Executed
from clearway.gateways.errors.rows import ErrorRow, NetworkCode, UnifiedCode

KINDS: Final = ("simulator", "stripe", "paypal", "square")
"""The kinds of gateways that have a file here."""

_Cells = dict[str, str]


def read_unified() -> dict[str, UnifiedCode]:
    """Return what each decline code means. Raises AssertionError when a code has no row, or a row has no code."""
    found = {cells["decline_code"]: _unified(cells) for cells in _lines("unified")}
    assert found.keys() == DECLINE_CODES.keys(), sorted(found.keys() ^ DECLINE_CODES.keys())
    return found


def read_networks() -> dict[str, NetworkCode]:
    """Return what the codes of card networks mean."""
    rows = [
        NetworkCode(
            cells["network_code"],
            Elsewhere(cells["elsewhere"]),
            _seconds(cells),
            cells["meaning"],
            never_again=cells["never"] == "yes",
        )
        for cells in _lines("networks")
    ]
    found = {row.network_code: row for row in rows}
    assert len(found) == len(rows), "a network's code stands twice"
    return found


def read_kind(kind: str, unified: dict[str, UnifiedCode]) -> list[ErrorRow]:
    """Return the rows of a kind of gateway, in the order of its file."""
    rows = [_row(kind, cells, unified) for cells in _lines(kind)]
    keys = {(row.operation, row.code, row.network_code) for row in rows}
    assert len(keys) == len(rows), f"an error of {kind} stands twice"
    return rows


def _lines(name: str) -> Iterator[_Cells]:
    text = files("clearway.gateways.errors").joinpath(f"{name}.csv").read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines(), strict=True)


def _seconds(cells: _Cells) -> int | None:
    return int(cells["wait_s"]) if cells["wait_s"] else None


def _unified(cells: _Cells) -> UnifiedCode:
    code = cells["decline_code"]
    return UnifiedCode(
        decline_code=code,
        cause=Cause(cells["cause"]),
        elsewhere=Elsewhere(cells["elsewhere"]),
        wait_s=_seconds(cells),
        merchant_text=DECLINE_CODES[code],
        customer_text=cells["customer_text"],
    )


def _row(kind: str, cells: _Cells, unified: dict[str, UnifiedCode]) -> ErrorRow:
    meant = unified.get(cells["decline_code"])
    elsewhere, cause, wait_s = cells["elsewhere"], cells["cause"], _seconds(cells)
    return ErrorRow(
        gateway=kind,
        operation=cells["operation"],
        code=cells["code"],
        network_code=cells["network_code"],
        decline_code=cells["decline_code"] or None,
        executed=Executed(cells["executed"]),
        again={"yes": True, "no": False}[cells["again"]],
        cause=meant.cause if meant and not cause else Cause(cause),
        elsewhere=meant.elsewhere if meant and not elsewhere else Elsewhere(elsewhere),
        wait_s=meant.wait_s if meant and wait_s is None else wait_s,
        merchant_text=cells["merchant_text"] or (meant.merchant_text if meant else ""),
        customer_text=cells["customer_text"] or (meant.customer_text if meant else None),
    )
