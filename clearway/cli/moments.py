"""Times on the command line: a time in ISO 8601, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import typer

FORM: Final = "2026-11-20T08:00:00Z, or how long ago: 90m, 6h, 2d."
_AGO: Final = re.compile(r"(\d{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment_of(text: str) -> datetime:
    """Return the time that an option names. Raises BadParameter."""
    ago = _AGO.fullmatch(text)
    if ago:
        return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"Write a time as {FORM}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
