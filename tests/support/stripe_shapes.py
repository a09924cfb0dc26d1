"""Whether an object is one of Stripe's, by the schemas of its own OpenAPI document (`scripts/stripe_schemas.py`)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

_FILE = Path(__file__).with_name("stripe_schemas.json")


def assert_shape(body: dict[str, Any]) -> None:
    """Fail unless the object, by the name it gives itself, or the error, is as Stripe's document has it."""
    name = body.get("object", "error")
    if name in {"list", "search_result"}:
        for item in body["data"]:
            assert_shape(item)
        return
    problems = [f"{error.json_path}: {error.message[:200]}" for error in _validator(name).iter_errors(body)]
    assert not problems, problems


@cache
def _validator(name: str) -> Draft202012Validator:
    document = json.loads(_FILE.read_text())
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": document["$defs"]})
