"""How commands speak: results on stdout, remarks and problems on stderr, JSON alone on stdout when it is asked for.

Nothing here knows what is shown. Colours follow the terminal and NO_COLOR, which rich honours.
"""

from __future__ import annotations

import re
import sys
from typing import Annotated, Any, Final

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clearway.domain.money import Money

PIPE_WIDTH: Final = 240
"""Columns of a pipe: identifiers must never be cut off where a program or `grep` reads."""
UNPRINTABLE: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
"""Others' text must not move the cursor or colour the terminal."""
COLOURS: Final = {
    "success": "green",
    "processed": "green",
    "delivered": "green",
    "authorized": "cyan",
    "failed": "red",
    "needs_review": "bold red",
    "expired": "yellow",
    "cancelled": "yellow",
}

JsonFlag = Annotated[bool, typer.Option("--json", help="Print only JSON, for programs.")]


def out() -> Console:
    """Return the console of results."""
    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def remarks() -> Console:
    """Return the console of everything that is not a result."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(data: Any) -> None:
    """Print one JSON document."""
    # Names of columns are strings of a kind of their own.
    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
    sys.stdout.write(orjson.dumps(data, option=options, default=str).decode() + "\n")


def print_json_line(data: Any) -> None:
    """Print one JSON document on one line, at once: for streams."""
    sys.stdout.write(orjson.dumps(data, default=str).decode() + "\n")
    sys.stdout.flush()


def table(*columns: str, title: str | None = None) -> Table:
    """Return an empty table whose cells are never cut off."""
    made = Table(
        title=title and f"\n{title}",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        header_style="dim",
    )
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def plain(value: object) -> str:
    """Return text that rich shows as it is; lines stay lines."""
    return "-" if value is None else escape(UNPRINTABLE.sub(" ", str(value)))


def coloured(status: str | None) -> str:
    """Return a status in its colour."""
    colour = COLOURS.get(status or "")
    return f"[{colour}]{plain(status)}[/]" if colour else plain(status)


def amount_of(resource: dict[str, Any], field: str = "amount") -> str:
    """Return one of a resource's amounts as people write it."""
    return str(Money(resource[field], resource["currency"]))


def clock(moment: str | None) -> str:
    """Return the date and time of an API timestamp, to the millisecond."""
    return "-" if moment is None else f"{moment[:10]} {moment[11:23]}"
