"""Square's errors: category and status of each code, and the mapping of the engine's failures to them. Pure.

Codes and categories are those of Square's published OpenAPI document (2025-08-20).
"""

from __future__ import annotations

from typing import Any, Final

CATEGORIES: Final = {
    **dict.fromkeys(("INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE", "GATEWAY_TIMEOUT"), "API_ERROR"),
    **dict.fromkeys(("UNAUTHORIZED", "ACCESS_TOKEN_EXPIRED", "ACCESS_TOKEN_REVOKED"), "AUTHENTICATION_ERROR"),
    "RATE_LIMITED": "RATE_LIMIT_ERROR",
    **dict.fromkeys(
        (
            *("ADDRESS_VERIFICATION_FAILURE", "CARD_DECLINED", "CARD_DECLINED_VERIFICATION_REQUIRED", "CARD_EXPIRED"),
            *("CVV_FAILURE", "GENERIC_DECLINE", "INSUFFICIENT_FUNDS", "INVALID_EXPIRATION", "TEMPORARY_ERROR"),
            *("TRANSACTION_LIMIT", "CARDHOLDER_INSUFFICIENT_PERMISSIONS"),
        ),
        "PAYMENT_METHOD_ERROR",
    ),
    **dict.fromkeys(
        (
            *("REFUND_AMOUNT_INVALID", "REFUND_ALREADY_PENDING", "PAYMENT_NOT_REFUNDABLE", "REFUND_DECLINED"),
            "REFUND_ERROR_PAYMENT_NEEDS_COMPLETION",
        ),
        "REFUND_ERROR",
    ),
}
"""What is not here is an INVALID_REQUEST_ERROR. `TEMPORARY_ERROR` is no decline, whatever its category says."""
STATUSES: Final = {
    "UNAUTHORIZED": 401,
    "ACCESS_TOKEN_EXPIRED": 401,
    "ACCESS_TOKEN_REVOKED": 401,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "CONFLICT": 409,
    "VERSION_MISMATCH": 409,
    "REQUEST_ENTITY_TOO_LARGE": 413,
    "RATE_LIMITED": 429,
    "INTERNAL_SERVER_ERROR": 500,
    "SERVICE_UNAVAILABLE": 503,
    "GATEWAY_TIMEOUT": 504,
}
"""What is not here is a 400."""
DECLINES: Final = {
    "insufficient_funds": "INSUFFICIENT_FUNDS",
    "expired_card": "CARD_EXPIRED",
    "incorrect_cvc": "CVV_FAILURE",
    "card_velocity_exceeded": "TRANSACTION_LIMIT",
    "authentication_failed": "CARD_DECLINED_VERIFICATION_REQUIRED",
    "processing_error": "CARD_DECLINED",
}
"""The engine's failures in Square's words. What is not here is a GENERIC_DECLINE."""
FAILURES: Final = {
    429: ("RATE_LIMITED", "Too many requests. Slow down."),
    500: ("INTERNAL_SERVER_ERROR", "An internal error has occurred."),
    503: ("SERVICE_UNAVAILABLE", "The service is temporarily unavailable."),
    504: ("GATEWAY_TIMEOUT", "The request took too long."),
    404: ("NOT_FOUND", "The resource was not found."),
}
"""The errors of faults, by status."""


class SquareError(Exception):
    """An answer that is an error."""

    def __init__(self, code: str, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.status = STATUSES.get(code, 400)
        self.error = error(code, detail) | ({"field": field} if field else {})

    def body(self) -> dict[str, Any]:
        """Return the body of the answer."""
        return {"errors": [self.error]}


def error(code: str, detail: str) -> dict[str, Any]:
    """Return one error object."""
    return {"category": CATEGORIES.get(code, "INVALID_REQUEST_ERROR"), "code": code, "detail": detail}


def missing(what: str, object_id: str) -> SquareError:
    """Return the error about an object that this seller does not have."""
    return SquareError("NOT_FOUND", f"Could not find {what} with id: {object_id[:80]}")


def decline_of(engine_failure: str) -> str:
    """Return Square's code for a failed payment."""
    return DECLINES.get(engine_failure, "GENERIC_DECLINE")
