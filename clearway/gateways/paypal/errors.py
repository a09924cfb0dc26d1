"""PayPal's errors as outcomes: by the first issue and the table, never by the name. Pure.

An error without a row is unknown, not a decline. A 5xx may have been executed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from clearway.egress.retry_after import retry_after_s
from clearway.gateways.contract import Executed, GatewayOutcome, OperationKind, OutcomeKind, decline_code
from clearway.gateways.errors import classify

KIND: Final = "paypal"
MOVED: Final = frozenset(
    {
        "AUTHORIZATION_ALREADY_CAPTURED",
        "AUTHORIZATION_VOIDED",
        "CAPTURE_FULLY_REFUNDED",
        "DUPLICATE_INVOICE_ID",
        "MAX_CAPTURE_AMOUNT_EXCEEDED",
        "ORDER_ALREADY_AUTHORIZED",
        "ORDER_ALREADY_CAPTURED",
        "ORDER_ALREADY_COMPLETED",
        "ORDER_COMPLETED_OR_VOIDED",
        "ORDER_NOT_APPROVED",
        "PAYER_ACTION_REQUIRED",
        "PREVIOUSLY_CAPTURED",
        "PREVIOUSLY_VOIDED",
        "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING",
        "REFUND_AMOUNT_EXCEEDED",
    }
)
"""Issues about a changed state: an earlier request did it, or the payment moved on. The object shows the outcome."""
_SERVER_ERROR: Final = 500


def issue_of(body: Mapping[str, Any]) -> str | None:
    """Return the first issue of an error; of OAuth's errors the code."""
    details = body.get("details")
    first = details[0] if isinstance(details, list) and details and isinstance(details[0], Mapping) else {}
    issue = first.get("issue", body.get("error"))
    return issue if isinstance(issue, str) and issue else None


def outcome_of_error(
    kind: OperationKind, status: int, headers: Mapping[str, str], body: Mapping[str, Any]
) -> GatewayOutcome:
    """Classify an answer that is an error."""
    asked_s = retry_after_s(headers.get("retry-after"), datetime.now(UTC))
    if status >= _SERVER_ERROR:
        return GatewayOutcome(OutcomeKind.UNKNOWN, retry_after_s=asked_s)
    issue = issue_of(body)
    row = classify(KIND, kind.value, [issue, str(status)])
    wait_s = asked_s if asked_s is not None else row.wait_s
    if row.outcome is OutcomeKind.UNKNOWN:
        return GatewayOutcome(OutcomeKind.UNKNOWN, raw_code=issue, retry_after_s=wait_s)
    if row.outcome is OutcomeKind.RETRYABLE:
        return GatewayOutcome(OutcomeKind.RETRYABLE, raw_code=issue, retry_after_s=wait_s)
    return GatewayOutcome(
        OutcomeKind.DECLINED,
        Executed(row.executed.value),
        error_code=decline_code(kind, row.decline_code),
        raw_code=issue,
        error_description=row.merchant_text,
    )


def declined(kind: OperationKind, status: str, references: Mapping[str, str]) -> GatewayOutcome:
    """Return the decline for an object's status, such as `DENIED`."""
    row = classify(KIND, kind.value, status)
    return GatewayOutcome(
        OutcomeKind.DECLINED,
        references=references,
        error_code=decline_code(kind, row.decline_code),
        raw_code=status,
        error_description=row.merchant_text if row.known else None,
    )


def not_sent(kind: OperationKind, message: str, code: str | None = None) -> GatewayOutcome:
    """Return the decline of a request that was surely not sent."""
    said = decline_code(kind, code)
    return GatewayOutcome(OutcomeKind.DECLINED, Executed.NO, error_code=said, error_description=message)
