"""Whether a body is one of Square's, by the schemas of its own OpenAPI document (`scripts/square_schemas.py`)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

from jsonschema import Draft202012Validator
from square.types.error_code import ErrorCode

_FILE: Final = Path(__file__).with_name("square_schemas.json")
_NAMES: Final = {
    "payment": "Payment",
    "payments": "Payment",
    "refund": "PaymentRefund",
    "refunds": "PaymentRefund",
    "payouts": "Payout",
    "payout_entries": "PayoutEntry",
    "location": "Location",
    "locations": "Location",
    "subscription": "WebhookSubscription",
    "subscriptions": "WebhookSubscription",
    "errors": "Error",
}
_LATER: Final = frozenset({*get_args(get_args(ErrorCode)[0]), "VERSION_MISMATCH"})
"""Codes of the official SDK, which is newer than the document. Its texts name the last one, its list does not."""


def assert_shape(body: dict[str, Any]) -> None:
    """Fail unless each object in an answer is as Square's document has it, and has only fields that it knows."""
    for name, value in body.items():
        if name == "cursor":
            continue
        for thing in value if isinstance(value, list) else [value]:
            known = {**thing, "code": "CONFLICT"} if thing.get("code") in _LATER else thing
            assert_is(_NAMES[name], known)


def assert_is(name: str, body: Any) -> None:
    """Fail unless a body is valid by a schema of the document; unknown fields are refused too."""
    problems = [f"{error.json_path}: {error.message[:200]}" for error in _validator(name).iter_errors(body)]
    unknown = set(body) - set(_document()["$defs"][name]["properties"])
    assert not problems, problems
    assert not unknown, unknown


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": _document()["$defs"]})


@cache
def _document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_FILE.read_text())
    return found
