"""PayPal's errors: the body of each, and the mapping of the engine's failures to them. Pure.

Issues and their texts are those of PayPal's published OpenAPI documents (orders 2.13, payments 2.5).
"""

from __future__ import annotations

from typing import Any, Final

NAMES: Final = {
    400: ("INVALID_REQUEST", "Request is not well-formed, syntactically incorrect, or violates schema."),
    401: (
        "AUTHENTICATION_FAILURE",
        "Authentication failed due to missing authorization header, or invalid authentication credentials.",
    ),
    403: ("NOT_AUTHORIZED", "Authorization failed due to insufficient permissions."),
    404: ("RESOURCE_NOT_FOUND", "The specified resource does not exist."),
    409: ("RESOURCE_CONFLICT", "The server has detected a conflict while processing this request."),
    413: ("INVALID_REQUEST", "The request is too large."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "The server does not support the request payload's media type."),
    422: (
        "UNPROCESSABLE_ENTITY",
        "The requested action could not be performed, semantically incorrect, or failed business validation.",
    ),
    429: ("RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting."),
    500: ("INTERNAL_SERVER_ERROR", "An internal server error occurred."),
    503: ("SERVICE_UNAVAILABLE", "Service Unavailable."),
    504: ("GATEWAY_TIMEOUT", "The request took too long."),
}
"""The name and message of each status. A name says less than an issue, and callers should not decide by it."""
ISSUES: Final = {
    "ACTION_DOES_NOT_MATCH_INTENT": (422, "Order was created with another intent than this action has."),
    "AUTHORIZATION_ALREADY_CAPTURED": (422, "Authorization has already been captured."),
    "AUTHORIZATION_AMOUNT_EXCEEDED": (422, "The authorization amount exceeds what is allowed for this order."),
    "AUTHORIZATION_DENIED": (422, "A denied authorization cannot be captured."),
    "AUTHORIZATION_EXPIRED": (422, "An expired authorization cannot be captured."),
    "AUTHORIZATION_VOIDED": (422, "A voided authorization cannot be captured or reauthorized."),
    "AUTH_CAPTURE_CURRENCY_MISMATCH": (422, "The capture must be in the currency of the authorization."),
    "CANNOT_BE_VOIDED": (422, "A reauthorization cannot be voided. Please void the original parent authorization."),
    "CANNOT_BE_ZERO_OR_NEGATIVE": (422, "Must be greater than zero."),
    "CAPTURE_FULLY_REFUNDED": (422, "The capture has already been fully refunded."),
    "DECIMALS_NOT_SUPPORTED": (422, "Currency does not support decimals."),
    "DECIMAL_PRECISION": (422, "The value of the field should not be more than two decimal places."),
    "DUPLICATE_INVOICE_ID": (422, "Duplicate Invoice ID detected."),
    "DUPLICATE_REQUEST_ID": (422, "The value of PayPal-Request-Id header has already been used for another request."),
    "INSTRUMENT_DECLINED": (422, "The instrument presented was declined, or it can't be used for this payment."),
    "INVALID_CURRENCY_CODE": (400, "Currency code should be a three-character ISO-4217 currency code."),
    "INVALID_PARAMETER_SYNTAX": (400, "The value of a field does not conform to the expected format."),
    "INVALID_PARAMETER_VALUE": (400, "The value of a field is invalid."),
    "INVALID_RESOURCE_ID": (404, "Specified resource ID does not exist. Please check the resource ID and try again."),
    "INVALID_STRING_LENGTH": (400, "The value of a field is either too short or too long."),
    "MALFORMED_REQUEST_JSON": (400, "The request JSON is not well formed."),
    "MAX_CAPTURE_AMOUNT_EXCEEDED": (422, "Capture amount exceeds allowable limit."),
    "MISSING_REQUIRED_PARAMETER": (400, "A required field is missing."),
    "ORDER_ALREADY_AUTHORIZED": (422, "Order already authorized."),
    "ORDER_ALREADY_CAPTURED": (422, "Order already captured."),
    "ORDER_EXPIRED": (422, "The order has expired: it was not approved and captured in time."),
    "ORDER_NOT_APPROVED": (422, "Payer has not yet approved the Order for payment."),
    "PAYER_CANNOT_PAY": (422, "Payer cannot pay for this transaction."),
    "PAYPAL_REQUEST_ID_REQUIRED": (400, "A PayPal-Request-Id is required to process payment for an Order."),
    "PENDING_CAPTURE": (422, "Cannot initiate a refund as the capture is pending."),
    "PREVIOUSLY_CAPTURED": (422, "Authorization has been previously captured and hence cannot be voided."),
    "PREVIOUSLY_VOIDED": (422, "Authorization has been previously voided and hence cannot be voided again."),
    "PREVIOUS_REQUEST_IN_PROGRESS": (409, "A previous request on this resource is currently in progress."),
    "REAUTHORIZATION_NOT_SUPPORTED": (422, "A reauthorize cannot be attempted on an authorization in this state."),
    "REFUND_AMOUNT_EXCEEDED": (422, "The refund amount must be less than or equal to the capture amount not refunded."),
    "REFUND_CAPTURE_CURRENCY_MISMATCH": (422, "Refund must be in the same currency as the capture."),
    "REFUND_NOT_ALLOWED": (422, "The capture was not completed and hence cannot be refunded."),
    "TRANSACTION_REFUSED": (422, "PayPal's internal controls prevent authorization from being captured."),
}
"""Every issue that the stand-in itself reports, with its status and PayPal's text."""
MOCKED: Final = {
    "AUTH_CAPTURE_NOT_ENABLED": (422, "Authorization and Capture feature is not enabled for the merchant."),
    "CARD_EXPIRED": (422, "The card is expired."),
    "COMPLIANCE_VIOLATION": (422, "Transaction is declined due to compliance violation."),
    "INTERNAL_SERVER_ERROR": (500, "An internal server error occurred."),
    "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED": (422, "You have exceeded the maximum number of payment attempts."),
    "ORDER_IS_PENDING_APPROVAL": (422, "The order is pending approval."),
    "PAYEE_ACCOUNT_RESTRICTED": (422, "The merchant account is restricted."),
    "PAYEE_BLOCKED_TRANSACTION": (422, "The fraud settings for this seller are such that a payment is blocked."),
    "PAYER_ACCOUNT_LOCKED_OR_CLOSED": (422, "The payer account cannot be used for this transaction."),
    "PAYER_ACCOUNT_RESTRICTED": (422, "Payer account is restricted."),
    "PAYER_ACTION_REQUIRED": (422, "Payer needs to perform an action, such as approving again."),
    "PAYMENT_SOURCE_DECLINED_BY_PROCESSOR": (422, "The provided payment source is declined by the processor."),
    "PERMISSION_DENIED": (403, "You do not have permission to access or perform operations on this resource."),
    "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING": (422, "Transaction failed. Redirect the payer to another funding source."),
    "REFUND_FAILED_INSUFFICIENT_FUNDS": (422, "Capture could not be refunded due to insufficient funds."),
    "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK": (422, "Refunds not allowed: there is a chargeback on this transaction."),
    "REFUND_TIME_LIMIT_EXCEEDED": (422, "You are over the time limit to perform a refund on this capture."),
    "TRANSACTION_BLOCKED_BY_PAYEE": (422, "Transaction blocked by Payee's Fraud Protection settings."),
    "TRANSACTION_DISPUTED": (422, "Refund not allowed: there is a dispute on this transaction."),
    "TRANSACTION_LIMIT_EXCEEDED": (422, "Total payment amount exceeded transaction limit."),
}
"""Further issues that the header PayPal-Mock-Response can ask for."""
DECLINES: Final = {"insufficient_funds": "PAYER_CANNOT_PAY", "highest_risk_level": "TRANSACTION_REFUSED"}
"""The engine's failures in PayPal's words. What is not here is INSTRUMENT_DECLINED."""


class PayPalError(Exception):
    """An answer that is an error: by its issue, or a status without one."""

    def __init__(self, issue: str | None, *, status: int | None = None, field: str | None = None) -> None:
        super().__init__(issue or status)
        known = ISSUES | MOCKED
        self.status = status or known[issue or ""][0]
        self.details = []
        if issue is not None:
            detail = {"issue": issue, "description": known[issue][1] if issue in known else issue}
            self.details = [detail | ({"field": field, "location": "body"} if field else {})]

    def body(self, debug_id: str) -> dict[str, Any]:
        """Return the body of the answer."""
        name, message = NAMES[self.status]
        link = {"href": f"https://developer.paypal.com/api/rest/responses/#{name}", "rel": "information_link"}
        body: dict[str, Any] = {"name": name, "message": message, "debug_id": debug_id, "links": [link]}
        return body | ({"details": self.details} if self.details else {})


class OAuthError(PayPalError):
    """An OAuth 2.0 error, with which PayPal refuses credentials and tokens."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(None, status=status)
        self._body = {"error": error, "error_description": description}

    def body(self, debug_id: str) -> dict[str, Any]:
        """Return the body of the answer."""
        del debug_id  # It is in the header alone.
        return dict(self._body)


class ReportingError(PayPalError):
    """An error of the reporting API, which names no issue of the list above."""

    def __init__(self, status: int, fields: dict[str, Any]) -> None:
        super().__init__(None, status=status)
        self._fields = fields

    @classmethod
    def invalid(cls, field: str, issue: str) -> ReportingError:
        """Return the error about a query parameter."""
        return cls(400, {"details": [{"field": field, "location": "query", "issue": issue}]})

    @classmethod
    def too_large(cls, found: int, most: int) -> ReportingError:
        """Return the error about a period with more transactions than PayPal lists."""
        message = "Result set size is greater than the maximum limit. Change the filter and try again."
        sizes = {"total_items": found, "maximum_items": most}
        return cls(400, {"name": "RESULTSET_TOO_LARGE", "message": message, **sizes})

    def body(self, debug_id: str) -> dict[str, Any]:
        """Return the body of the answer."""
        return super().body(debug_id) | self._fields


def missing() -> PayPalError:
    """Return the error about a resource that this account does not have."""
    return PayPalError("INVALID_RESOURCE_ID")


def decline_of(engine_failure: str) -> str:
    """Return PayPal's issue for a failed payment."""
    return DECLINES.get(engine_failure, "INSTRUMENT_DECLINED")
