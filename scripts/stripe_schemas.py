"""`python -m scripts.stripe_schemas SPEC`: cut what the tests of Stripe's stand-in need out of its OpenAPI document.

SPEC is Stripe's OpenAPI document (`embedded/openapi/spec3.json` of github.com/stripe/stripe-mock, MIT). What is cut out
is written to `tests/support/stripe_schemas.json`: JSON Schemas without their prose, in which an unknown field is an
error. A reference to what is not cut out allows nothing: the stand-in never answers with such an object.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

TARGET: Final = Path("tests/support/stripe_schemas.json")
LICENCE: Final = (
    "Cut out of Stripe's OpenAPI document, which is under the MIT licence: Copyright (c) 2016- Stripe, Inc."
)
KEPT: Final = (
    "account",
    "api_errors",
    "balance",
    "balance_amount",
    "balance_amount_by_source_type",
    "billing_details",
    "charge",
    "charge_fraud_details",
    "charge_outcome",
    "error",
    "event",
    "notification_event_data",
    "notification_event_request",
    "payment_flows_automatic_payment_methods_payment_intent",
    "payment_flows_private_payment_methods_card_details_api_resource_multicapture",
    "payment_intent",
    "payment_intent_next_action",
    "payment_intent_next_action_redirect_to_url",
    "payment_intent_payment_method_options",
    "payment_intent_payment_method_options_card",
    "payment_method",
    "payment_method_card",
    "payment_method_card_checks",
    "payment_method_details",
    "payment_method_details_card",
    "payment_method_details_card_checks",
    "payment_method_details_us_bank_account",
    "payment_method_us_bank_account",
    "refund",
    "token",
    "webhook_endpoint",
)
PROSE: Final = frozenset({"description", "title", "example"})


def main() -> None:
    """Write the file."""
    spec = json.loads(Path(sys.argv[1]).read_text())
    schemas = spec["components"]["schemas"]
    cut = {name: _schema(schemas[name]) for name in KEPT if name in schemas}
    document = {"$comment": LICENCE, "version": spec["info"]["version"], "$defs": cut}
    TARGET.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


def _schema(schema: Any) -> Any:
    """Return an OpenAPI 3.0 schema as a JSON Schema."""
    if isinstance(schema, list):
        return [_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return {"$ref": f"#/$defs/{name}"} if name in KEPT else {"not": {}}
    kept = {name: value for name, value in schema.items() if name not in PROSE and not name.startswith("x-")}
    nullable = kept.pop("nullable", False)
    result = {
        name: {key: _schema(inner) for key, inner in value.items()} if name == "properties" else _schema(value)
        for name, value in kept.items()
    }
    if "properties" in result:
        result.setdefault("additionalProperties", False)
    return {"anyOf": [result, {"type": "null"}]} if nullable else result


if __name__ == "__main__":
    main()
