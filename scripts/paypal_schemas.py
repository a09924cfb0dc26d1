"""`python -m scripts.paypal_schemas DIRECTORY`: cut what the tests of PayPal's stand-in need out of its OpenAPI.

DIRECTORY holds `checkout_orders_v2.json`, `payments_payment_v2.json`, `notifications_webhooks_v1.json` and
`reporting_transactions_v1.json` (`openapi/` of github.com/paypal/paypal-rest-api-specifications, Apache-2.0). What is
cut out is written to `tests/support/paypal_schemas.json`: JSON Schemas without their prose.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

TARGET: Final = Path("tests/support/paypal_schemas.json")
LICENCE: Final = "Cut out of PayPal's OpenAPI documents, which are under the Apache License 2.0. Prose is left out."
ERRORS: Final = tuple(f"error_{status}" for status in (400, 401, 403, 404, 409, 415, 422, 500, 503))
ROOTS: Final = {
    "orders": ("checkout_orders_v2.json", ("order", "order_request", *ERRORS)),
    "payments": (
        "payments_payment_v2.json",
        ("authorization-2", "capture-2", "refund", "capture_request", "refund_request", *ERRORS),
    ),
    "reporting": ("reporting_transactions_v1.json", ("search_response",)),
    "webhooks": ("notifications_webhooks_v1.json", ("webhook", "event", "verify_webhook_signature")),
}
PROSE: Final = frozenset({"description", "title", "example", "readOnly"})
PREFIX: Final = "#/components/schemas/"


def main() -> None:
    """Write the file."""
    directory = Path(sys.argv[1])
    document: dict[str, Any] = {"$comment": LICENCE}
    for family, (name, roots) in ROOTS.items():
        schemas = json.loads((directory / name).read_text())["components"]["schemas"]
        document[family] = closure(schemas, [root for root in roots if root in schemas])
    TARGET.write_text(json.dumps(document, separators=(",", ":"), sort_keys=True) + "\n")


def closure(schemas: dict[str, Any], wanted: list[str]) -> dict[str, Any]:
    """Return schemas of an OpenAPI document as JSON Schemas, with all that they refer to and without their prose."""
    cut: dict[str, Any] = {}
    while wanted:
        name = wanted.pop()
        if name in cut:
            continue
        cut[name] = _schema(schemas[name])
        wanted += _referred(cut[name])
    return cut


def _referred(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [name for item in schema for name in _referred(item)]
    if not isinstance(schema, dict):
        return []
    here = [schema["$ref"].removeprefix("#/$defs/")] if isinstance(schema.get("$ref"), str) else []
    return here + [name for value in schema.values() for name in _referred(value)]


def _schema(schema: Any) -> Any:
    """Return an OpenAPI 3.0 schema as a JSON Schema."""
    if isinstance(schema, list):
        return [_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        return {"$ref": schema["$ref"].replace(PREFIX, "#/$defs/")}
    kept = {name: value for name, value in schema.items() if name not in PROSE and not name.startswith("x-")}
    return {
        name: {key: _schema(inner) for key, inner in value.items()} if name == "properties" else _schema(value)
        for name, value in kept.items()
    }


if __name__ == "__main__":
    main()
