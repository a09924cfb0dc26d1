"""From the simulator's answers to Clearway's outcomes: pure functions, no I/O, no state.

The rule of the contract (`clearway.gateways.contract`) decides every doubtful case: what may have been executed is
UNKNOWN.
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from clearway.gateways.contract import (
    GatewayOutcome,
    ListedOperation,
    NewsSubject,
    NewsUnreadableError,
    OperationKind,
    OperationPage,
    OutcomeKind,
    ProviderNews,
)

UNIFIED_CODES: Final = {
    "already_captured": "payment_declined",
    "authentication_failed": "authentication_failed",
    "authentication_unavailable": "card_declined",
    "bank_declined": "payment_declined",
    "bank_unavailable": "bank_unavailable",
    "capture_exceeds_authorised": "payment_declined",
    "card_velocity_exceeded": "card_velocity_exceeded",
    "currency_mismatch": "payment_declined",
    "customer_cancelled": "customer_cancelled",
    "customer_timeout": "payment_expired",
    "expired_card": "expired_card",
    "generic_decline": "card_declined",
    "highest_risk_level": "fraud_suspected",
    "incorrect_cvc": "incorrect_cvc",
    "incorrect_number": "incorrect_number",
    "incorrect_upi_pin": "incorrect_pin",
    "insufficient_funds": "insufficient_funds",
    "invalid_cvc": "incorrect_cvc",
    "invalid_expiry_month": "invalid_expiry",
    "invalid_expiry_year": "invalid_expiry",
    "lost_card": "lost_card",
    "merchant_cancelled": "customer_cancelled",
    "not_capturable": "payment_declined",
    "processing_error": "processing_error",
    "refund_exceeds_captured": "refund_failed",
    "refund_rejected": "refund_failed",
    "stolen_card": "stolen_card",
    "unknown_instrument": "invalid_instrument",
    "unknown_payment": "payment_declined",
    "upi_declined": "payment_declined",
    "wallet_declined": "payment_declined",
}
"""The simulator's failure codes, each with the unified code it means."""

FALLBACK_CODE: Final = "payment_declined"
RETRY_AFTER_S_MAX: Final = 3_600.0

_KINDS: Final = {
    "processing": OutcomeKind.PENDING,
    "requires_action": OutcomeKind.NEEDS_ACTION,
    "authorized": OutcomeKind.APPROVED,
    "captured": OutcomeKind.APPROVED,
    "succeeded": OutcomeKind.APPROVED,
    "declined": OutcomeKind.DECLINED,
    "canceled": OutcomeKind.DECLINED,
    "failed": OutcomeKind.DECLINED,
}
_SUBJECTS: Final = {
    "payment": NewsSubject.PAYMENT,
    "capture": NewsSubject.PAYMENT,
    "void": NewsSubject.PAYMENT,
    "refund": NewsSubject.REFUND,
}

UNKNOWN: Final = GatewayOutcome(OutcomeKind.UNKNOWN)


class IdempotencyKeyMisusedError(Exception):
    """We sent one key with two different requests: a programmer error, never the gateway's or the customer's."""


class UnreadableError(ValueError):
    """A body that is not what the simulator's API says."""


def unified_code(failure: str | None, *, operation: str = "payment") -> str:
    """Return the unified decline code; for failures we do not know the most general one of the operation."""
    fallback = "refund_failed" if operation == "refund" else FALLBACK_CODE
    return UNIFIED_CODES.get(failure or "", fallback)


def outcome_of_operation(body: Any) -> GatewayOutcome:
    """Read an operation as the API, look-ups and webhooks tell it. Raises UnreadableError."""
    if not isinstance(body, Mapping) or body.get("object") != "operation":
        raise UnreadableError("not an operation")
    kind = _KINDS.get(str(body.get("status")))
    if kind is None:
        raise UnreadableError(f"status {body.get('status')!r} is not known")
    code, message = _failure(body) if kind is OutcomeKind.DECLINED else (None, None)
    return GatewayOutcome(
        kind=kind,
        reference=_text(body, "id"),
        amount_minor=_amount(body),
        currency=_text(body, "currency"),
        captured=body["status"] == "captured",
        error_code=code,
        error_description=message,
        action_url=_action_url(body) if kind is OutcomeKind.NEEDS_ACTION else None,
    )


def outcome_of_answer(status: int, headers: Mapping[str, str], body: Any) -> GatewayOutcome:
    """Classify an answer to an authorise, capture, void or refund. body: parsed JSON, or None when unreadable."""
    if status in {429, 503}:
        return GatewayOutcome(OutcomeKind.RETRYABLE, retry_after_s=retry_after_s(headers))
    if status in {200, 201, 402}:
        return _operation_or_unknown(body)
    if status == 409 and _error_code(body) == "idempotency_key_reused":  # noqa: PLR2004 - Conflict
        raise IdempotencyKeyMisusedError("the simulator has seen this idempotency key with another request")
    if 400 <= status < 500 and _error_code(body):  # noqa: PLR2004 - client errors
        return _refusal(body)
    return UNKNOWN


def outcome_of_look_up(status: int, headers: Mapping[str, str], body: Any) -> GatewayOutcome:
    """Classify an answer to a look-up. A 404 counts only when the simulator itself says that the key is unknown."""
    if status in {429, 503}:
        return GatewayOutcome(OutcomeKind.RETRYABLE, retry_after_s=retry_after_s(headers))
    if status == 404 and _error_code(body) == "operation_not_found":  # noqa: PLR2004 - Not Found
        return GatewayOutcome(OutcomeKind.NOT_FOUND)
    return _operation_or_unknown(body) if status == 200 else UNKNOWN  # noqa: PLR2004 - OK


def news_of_event(event: Any) -> ProviderNews:
    """Read the body of a verified webhook. Raises NewsUnreadableError."""
    try:
        data = event["data"]
        return ProviderNews(
            event_id=_text(event, "id"),
            subject=_SUBJECTS[data["type"]],
            key=_text(data, "idempotency_key"),
            outcome=outcome_of_operation(data),
            occurred_at=_text(event, "occurred_at"),
        )
    except (KeyError, TypeError, UnreadableError) as error:
        raise NewsUnreadableError(f"not an event of the simulator: {error}") from error


def page_of_operations(body: Any) -> OperationPage:
    """Read a page of the list of operations. Raises UnreadableError."""
    if not isinstance(body, Mapping) or not isinstance(body.get("data"), list):
        raise UnreadableError("not a list")
    following = body.get("next")
    return OperationPage(tuple(map(_listed, body["data"])), None if following is None else str(following))


def _listed(body: Any) -> ListedOperation:
    outcome = outcome_of_operation(body)
    try:
        kind, created_at = OperationKind(body["type"]), datetime.fromisoformat(_text(body, "created"))
    except (KeyError, ValueError) as error:
        raise UnreadableError(f"not an operation of a kind that is known: {error}") from error
    return ListedOperation(
        key=_text(body, "idempotency_key"),
        kind=kind,
        payment_id=_text(body, "merchant_reference"),
        outcome=outcome,
        created_at=created_at,
    )


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After, in seconds or as an HTTP date (RFC 9110, 10.2.3), within bounds; None when unusable."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), RETRY_AFTER_S_MAX)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return min(max(at.timestamp() - time.time(), 0.0), RETRY_AFTER_S_MAX)


def _operation_or_unknown(body: Any) -> GatewayOutcome:
    try:
        return outcome_of_operation(body)
    except UnreadableError:
        return UNKNOWN


def _refusal(body: Any) -> GatewayOutcome:
    """Read a request that was refused as such: nothing was done, and the same request will be refused again."""
    code, message = _error_code(body), body["error"].get("message")
    return GatewayOutcome(OutcomeKind.DECLINED, error_code=unified_code(code), error_description=message)


def _failure(body: Mapping[str, Any]) -> tuple[str, str | None]:
    failure = body.get("failure")
    details = failure if isinstance(failure, Mapping) else {}
    return unified_code(details.get("code"), operation=str(body.get("type"))), details.get("message")


def _error_code(body: Any) -> str | None:
    error = body.get("error") if isinstance(body, Mapping) else None
    code = error.get("code") if isinstance(error, Mapping) else None
    return code if isinstance(code, str) else None


def _amount(body: Mapping[str, Any]) -> int:
    amount = body.get("amount")
    if type(amount) is not int or amount < 0:
        raise UnreadableError("the amount is not a number of minor units")
    return amount


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise UnreadableError(f"{name} is missing")
    return value


def _action_url(body: Mapping[str, Any]) -> str:
    action = body.get("next_action")
    if not isinstance(action, Mapping):
        raise UnreadableError("next_action is missing")
    return _text(action, "url")
