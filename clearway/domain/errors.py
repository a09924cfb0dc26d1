"""The errors of the API and the CLI: a small tree, each with an HTTP status and a stable `code`.

    ClearwayError
    ├── InvalidRequestError        400  the request itself is wrong
    ├── AuthenticationError        401  no or wrong credentials
    ├── ForbiddenError             403  known caller, not allowed
    ├── NotFoundError              404  no such thing for this merchant
    ├── ConflictError              409  the thing is in a state that does not allow this
    ├── UnprocessableError         422  well formed, and still not acceptable
    ├── RateLimitedError           429  too many requests
    ├── UnavailableError           503  nothing was done; try again
    │   └── OverloadedError        503  too much new work; nothing was started
    └── OutcomeUnknownError        504  the outcome at the gateway is unknown

Programs match `code`. People read `detail`: it says what happened, what it means for their money and what to do next.
Decline codes are not such errors: an issuer or a gateway answered them, and the payment stores them.
"""

from __future__ import annotations

from typing import ClassVar, Final


class ClearwayError(Exception):
    """Base of every error that reaches a caller. str(error) is the `detail`."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    retry_after_s: int | None = None
    """Seconds after which the caller may repeat the request, if known."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class InvalidRequestError(ClearwayError):
    """The request itself is wrong: malformed JSON, a bad header, a bad cursor."""

    status = 400
    title = "Bad request"


class AuthenticationError(ClearwayError):
    """No credentials, or credentials that are not valid."""

    status = 401
    title = "Not authenticated"


class ForbiddenError(ClearwayError):
    """The caller is known and may not do this."""

    status = 403
    title = "Forbidden"


class NotFoundError(ClearwayError):
    """This merchant has no such resource (another merchant may have it)."""

    status = 404
    title = "Not found"


class ConflictError(ClearwayError):
    """The resource exists, and its state does not allow the request."""

    status = 409
    title = "Conflict"


class UnprocessableError(ClearwayError):
    """Well formed, and still not acceptable."""

    status = 422
    title = "Unprocessable"


class RateLimitedError(ClearwayError):
    """Too many requests; the answer says when to repeat."""

    status = 429
    title = "Too many requests"

    def __init__(self, code: str, detail: str, retry_after_s: int) -> None:
        super().__init__(code, detail)
        self.retry_after_s = retry_after_s


class UnavailableError(ClearwayError):
    """A part of Clearway is down. Repeating with the same Idempotency-Key is safe."""

    status = 503
    title = "Temporarily unavailable"


class OverloadedError(UnavailableError):
    """Too much new work; the answer says when to repeat."""

    title = "Overloaded"

    def __init__(self, retry_after_s: int) -> None:
        detail = (
            f"The server is overloaded. Nothing was started and no money moved. Repeat the request with the same "
            f"Idempotency-Key after {retry_after_s} s."
        )
        super().__init__("overloaded", detail)
        self.retry_after_s = retry_after_s


class OutcomeUnknownError(ClearwayError):
    """The gateway was called and has not confirmed the outcome."""

    status = 504
    title = "Gateway outcome unknown"


DECLINE_CODES: Final = {
    "authentication_failed": "The customer did not pass 3-D Secure; no money was taken. Ask them to try again.",
    "bank_unavailable": "The customer's bank could not be reached; no money was taken. Try again later.",
    "card_declined": "The issuer declined without a reason; no money was taken. Another card may work.",
    "card_retry_limit": (
        "The card was declined too often, or its network forbids another try. Nothing was sent or taken. "
        "Use another card."
    ),
    "card_not_supported": "This kind of card is not accepted; no money was taken. Use another card.",
    "card_velocity_exceeded": "The card is over its limit; no money was taken. Try later or use another card.",
    "customer_cancelled": "The customer cancelled; no money was taken.",
    "expired_card": "The card has expired; no money was taken. Use another card.",
    "fraud_suspected": "The payment was stopped as too risky; no money was taken.",
    "gateway_unavailable": "The gateway could not be reached, so no money was taken. Try again.",
    "incorrect_cvc": "The security code is wrong; no money was taken. Check it and try again.",
    "incorrect_number": "The card number is not valid. Check it and try again.",
    "incorrect_pin": "The customer entered a wrong PIN; no money was taken.",
    "insufficient_funds": "There is not enough money on the account; nothing was taken. Use another method.",
    "invalid_expiry": "The expiry date is not valid. Check it and try again.",
    "invalid_instrument": "The gateway does not know this token, VPA, bank or wallet; no money was taken.",
    "lost_card": "The card is reported lost; no money was taken. Use another card.",
    "payment_declined": "The bank declined the payment; no money was taken. Try another method.",
    "payment_expired": "The customer did not finish in time; no money was taken.",
    "processing_error": "The issuer had an error while deciding; no money was taken. Try again.",
    "refund_failed": "The bank could not accept the refund; the money is still with you. Refund in another way.",
    "stolen_card": "The card is reported stolen; no money was taken. Use another card.",
}
"""Unified decline codes, with the description shown when the gateway gives none. Every connector maps onto these."""
