"""Stripe's search query language, as far as PaymentIntents need it: clauses joined by AND, or by OR. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from clearway.simulator.facades.stripe.errors import StripeError

_CLAUSE: Final = re.compile(
    r"(?:metadata\[(?P<quote>['\"])(?P<mark>.+?)(?P=quote)\]|(?P<field>[a-z_]+))\s*(?P<sign>:|>=|<=|>|<)\s*"
    r"(?:(?P<mark2>['\"])(?P<text>.*?)(?P=mark2)|(?P<number>\d+))"
)
_JOIN: Final = re.compile(r"\s+(AND|OR)\s+", re.IGNORECASE)
FIELDS: Final = frozenset({"amount", "created", "currency", "status"})
_SIGNS: Final[dict[str, Callable[[int, int], bool]]] = {
    ">": lambda left, right: left > right,
    "<": lambda left, right: left < right,
    ">=": lambda left, right: left >= right,
    "<=": lambda left, right: left <= right,
    ":": lambda left, right: left == right,
}

Matcher = Callable[[Mapping[str, Any]], bool]


def matcher(query: str) -> Matcher:
    """Return a predicate for objects. Raises StripeError (400) for a query that cannot be read."""
    clauses: list[Matcher] = []
    joins: set[str] = set()
    place = 0
    while True:
        found = _CLAUSE.match(query, place)
        if found is None:
            raise _unreadable()
        clauses.append(_clause(found))
        place = found.end()
        if place == len(query.rstrip()):
            break
        join = _JOIN.match(query, place)
        if join is None:
            raise _unreadable()
        joins.add(join[1].upper())
        place = join.end()
    if len(joins) > 1:
        raise StripeError(400, "You can't combine AND and OR in one query.", param="query")
    combine = any if joins == {"OR"} else all
    return lambda body: combine(clause(body) for clause in clauses)


def _clause(found: re.Match[str]) -> Matcher:
    sign, text, number = found["sign"], found["text"], found["number"]
    if found["mark"] is not None:
        if sign != ":" or text is None:
            raise _unreadable()
        mark = found["mark"]
        return lambda body: bool(body["metadata"].get(mark) == text)
    field = found["field"]
    if field not in FIELDS:
        raise StripeError(400, f"Field `{field}` is an unsupported search field.", param="query")
    if number is not None:
        wanted, compare = int(number), _SIGNS[sign]
        return lambda body: isinstance(body[field], int) and compare(body[field], wanted)
    return lambda body: bool(body[field] == text)


def _unreadable() -> StripeError:
    return StripeError(400, "We were unable to parse your search query.", param="query")
