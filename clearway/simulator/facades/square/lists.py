"""Pages of lists, and the moments in their queries. Pure."""

from __future__ import annotations

import datetime as dt
from typing import Any

from clearway.simulator.facades.square.errors import SquareError
from clearway.simulator.facades.square.parameters import PAGE_MAX


def page_of(name: str, found: list[dict[str, Any]], cursor: str | None, limit: int) -> dict[str, Any]:
    """Return a page of a list; without anything on it, the list is left out. Raises SquareError (400)."""
    begin, size = _begin(cursor), min(limit, PAGE_MAX)
    page, more = found[begin : begin + size], len(found) > begin + size
    return ({name: page} if page else {}) | ({"cursor": f"c{begin + size}"} if more else {})


def seconds(text: str | None, otherwise: float = 0.0) -> float:
    """Return a moment in Unix seconds. Raises SquareError (400)."""
    if text is None:
        return otherwise
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise SquareError("INVALID_TIME", "A time is not in the form of RFC 3339.") from None
    return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp()


def _begin(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor[:1] == "c" and cursor[1:].isdecimal()):
        raise SquareError("INVALID_CURSOR", "The cursor is not one of this list.", field="cursor")
    return int(cursor[1:])
