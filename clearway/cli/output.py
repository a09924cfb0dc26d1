"""How commands speak: results on stdout, remarks and problems on stderr, JSON alone on stdout when it is asked for.

Nothing here knows what is shown. Colours follow the terminal and NO_COLOR, which rich honours.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any, Final

import orjson
import typer
from rich.console import Console
from rich.table import Table

PIPE_WIDTH: Final = 240
"""Columns of a pipe: identifiers must never be cut off where a program or `grep` reads."""

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for programs, and nothing else.")]


def out() -> Console:
    """Return the console of results."""
    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def remarks() -> Console:
    """Return the console of everything that is not a result."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(data: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(orjson.dumps(data, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")


def print_json_line(data: Any) -> None:
    """Print one JSON document on one line, at once: for streams."""
    sys.stdout.write(orjson.dumps(data, default=str).decode() + "\n")
    sys.stdout.flush()


def table(*columns: str, title: str | None = None) -> Table:
    """Return an empty table whose cells are never cut off."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made
