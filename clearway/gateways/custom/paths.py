"""Paths to values in a gateway's message: JMESPath without functions, so that none takes long. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import jmespath
from jmespath.exceptions import JMESPathError

ALLOWED: Final = frozenset(
    {
        *("field", "subexpression", "index", "index_expression", "identity", "current", "literal"),
        *("or_expression", "and_expression", "comparator", "projection", "filter_projection", "pipe"),
    }
)
"""Nodes of a path. Functions, multi-selects and expression references are not among them."""
PROJECTIONS_MAX: Final = 2


class Flat(dict[str, str]):
    """The fields of a form or a query. A path in it is a field's name."""


@lru_cache(maxsize=2_048)
def compiled(path: str) -> Any:
    """Return a path that can be searched by. Raises ValueError."""
    try:
        found = jmespath.compile(path)
    except (JMESPathError, RecursionError) as error:
        raise ValueError(f"{path!r} is not a JMESPath: {type(error).__name__}") from None
    nodes = list(_nodes(found.parsed))
    unknown = sorted({node["type"] for node in nodes} - ALLOWED)
    if unknown:
        raise ValueError(f"{path!r} uses {unknown[0]}, which paths here do not have")
    if sum(node["type"].endswith("projection") for node in nodes) > PROJECTIONS_MAX:
        raise ValueError(f"{path!r} goes through more than {PROJECTIONS_MAX} lists")
    return found


def text_at(message: Any, path: str) -> str | None:
    """Return the text, number or truth value at a path, as text; None for nothing, an object or a list."""
    if isinstance(message, Flat):
        return message.get(path)
    try:
        found = compiled(path).search(message)
    except (JMESPathError, RecursionError, TypeError, ValueError):
        return None
    return text_of(found)


def text_of(value: Any) -> str | None:
    """Return a scalar of JSON as text. Numbers keep the digits that were sent."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | Decimal) else None


def _nodes(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found, waiting = [], [node]
    while waiting:
        current = waiting.pop()
        found.append(current)
        waiting.extend(child for child in current.get("children", ()) if isinstance(child, Mapping))
    return found
