"""Form bodies with nested names, as Stripe takes them: `card[number]=4242`, `expand[]=a`, `types[0]=b`. Pure."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qsl

from clearway.simulator.facades.stripe.errors import StripeError

FIELDS_MAX: Final = 500
DEPTH_MAX: Final = 6
_NAME: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART: Final = re.compile(r"\[([^\[\]]*)\]")


def parse(text: str) -> dict[str, Any]:
    """Return the fields of a form or query: texts, lists and mappings. Raises StripeError (400)."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=FIELDS_MAX)
    except ValueError:
        raise StripeError(400, "Invalid request body: it is not a form.") from None
    fields: dict[str, Any] = {}
    for name, value in pairs:
        _put(fields, _path(name), value, name)
    return {name: _listed(value) for name, value in fields.items()}


def _path(name: str) -> list[str]:
    found = _NAME.fullmatch(name)
    if found is None:
        raise StripeError(400, f"Invalid name of a parameter: {name[:100]}")
    path = [found[1], *_PART.findall(found[2])]
    if len(path) > DEPTH_MAX:
        raise StripeError(400, f"A parameter is nested too deeply: {name[:100]}")
    return path


def _put(into: dict[str, Any], path: list[str], value: str, name: str) -> None:
    *parents, last = path
    for part in parents:
        into = into.setdefault(part, {})
        if not isinstance(into, dict):
            raise StripeError(400, f"A parameter is given as a text and as an object: {name[:100]}")
    last = last or f"#{len(into)}"
    if isinstance(into.get(last), dict):
        raise StripeError(400, f"A parameter is given as a text and as an object: {name[:100]}")
    into[last] = value


def _listed(value: Any) -> Any:
    """Make lists of mappings whose names are numbers or `[]`."""
    if not isinstance(value, dict):
        return value
    if value and all(name.removeprefix("#").isdecimal() for name in value):
        return [_listed(value[name]) for name in sorted(value, key=lambda name: int(name.removeprefix("#")))]
    return {name: _listed(inner) for name, inner in value.items()}
