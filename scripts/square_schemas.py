"""`python -m scripts.square_schemas FILE`: cut what the tests of Square's stand-in need out of its OpenAPI document.

FILE is `api.json` of github.com/square/connect-api-specification (Apache-2.0). What is cut out is written to
`tests/support/square_schemas.json`: JSON Schemas without their prose.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from scripts.paypal_schemas import closure

TARGET: Final = Path("tests/support/square_schemas.json")
LICENCE: Final = "Cut out of Square's OpenAPI document, which is under the Apache License 2.0. Prose is left out."
ROOTS: Final = (
    "CreatePaymentRequest",
    "UpdatePaymentRequest",
    "CompletePaymentRequest",
    "CancelPaymentByIdempotencyKeyRequest",
    "RefundPaymentRequest",
    "Payment",
    "PaymentRefund",
    "Payout",
    "PayoutEntry",
    "Location",
    "WebhookSubscription",
    "Error",
)


def main() -> None:
    """Write the file."""
    schemas = json.loads(Path(sys.argv[1]).read_text())["components"]["schemas"]
    document: dict[str, Any] = {"$comment": LICENCE, "$defs": closure(schemas, list(ROOTS))}
    TARGET.write_text(json.dumps(document, separators=(",", ":"), sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
