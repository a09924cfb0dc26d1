"""Numbers and flags of request bodies are what the document says: 1 is no flag, and `false` is no number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from api.app import create_app
from api.http.fields import Body

SCALARS = {"int", "float", "bool"}


def bodies(of: type[Body] = Body) -> Iterator[type[Body]]:
    """Find every class of request bodies."""
    for each in of.__subclasses__():
        yield each
        yield from bodies(each)


def lenient(schema: Any, path: str = "") -> Iterator[str]:
    """Find the numbers and flags in a schema that take something else."""
    if isinstance(schema, dict):
        if any(schema.get("type") == each for each in SCALARS) and not schema.get("strict"):
            yield path
        for name, part in schema.items():
            yield from lenient(part, f"{path}.{name}" if name not in {"schema", "fields"} else path)
    elif isinstance(schema, list | tuple):
        for part in schema:
            yield from lenient(part, path)


@pytest.mark.parametrize("body", sorted(set(bodies()), key=repr))
def test_numbers_and_flags_are_strict(body: type[Body]) -> None:
    """No number or flag of a body is made from a value of another type."""
    assert create_app is not None, "it imports every module with bodies"
    assert not list(lenient(body.__pydantic_core_schema__))
