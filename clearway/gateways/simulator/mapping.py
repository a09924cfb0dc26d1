"""From the simulator's answers to Clearway's outcomes: functions without I/O or state.

The rule of the contract (`clearway.gateways.contract`) decides every doubtful case: what may have been executed is
UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from clearway.egress.retry_after import retry_after_s
from clearway.gateways.contract import (
    UNKNOWN,
    Action,
    AnswerUnreadableError,
    EventUnreadableError,
    Executed,
    GatewayOutcome,
    InboundEvent,
    KeyMisusedError,
    ListedOperation,
    OperationKind,
    OperationPage,
    OutcomeKind,
    Trust,
    decline_code,
)
from clearway.gateways.errors import classify

KIND: Final = "simulator"

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
_TYPES: Final = {
    "payment": OperationKind.AUTHORISE,
    "capture": OperationKind.CAPTURE,
    "void": OperationKind.VOID,
    "refund": OperationKind.REFUND,
}


def unified_code(failure: object, *, refund: bool = False) -> str:
    """Return the unified code of the error table; for an unknown failure the most general code of the operation."""
    if isinstance(failure, str):
        rows = (classify(KIND, kind.value, failure) for kind in OperationKind)
        known = next((row.decline_code for row in rows if row.known), None)
        if known is not None:
            return known
    return decline_code(OperationKind.REFUND if refund else OperationKind.AUTHORISE)


def outcome_of_operation(body: Any) -> GatewayOutcome:
    """Read an operation from an answer, a look-up or a webhook. Raises AnswerUnreadableError."""
    if not isinstance(body, Mapping) or body.get("object") != "operation":
        raise AnswerUnreadableError("not an operation")
    status = body.get("status")
    kind = _KINDS.get(status) if isinstance(status, str) else None
    if kind is None:
        raise AnswerUnreadableError("the status is not one we know")
    code, message = _failure(body) if kind is OutcomeKind.DECLINED else (None, None)
    return GatewayOutcome(
        kind=kind,
        references={_type(body): _text(body, "id")},
        amount_minor=_amount(body),
        currency=_text(body, "currency"),
        captured=status == "captured",
        error_code=code,
        error_description=message,
        raw_code=_failure_code(body) if kind is OutcomeKind.DECLINED else None,
        action=_action(body) if kind is OutcomeKind.NEEDS_ACTION else None,
    )


def outcome_of_answer(status: int, headers: Mapping[str, str], body: Any) -> GatewayOutcome:
    """Classify an answer to an authorise, capture, void or refund. body: parsed JSON, or None when unreadable."""
    if status in {429, 503}:
        return _not_executed(headers)
    if status in {200, 201, 402}:
        return _operation_or_unknown(body)
    if status == 409 and _error_code(body) == "idempotency_key_reused":  # noqa: PLR2004 - Conflict
        raise KeyMisusedError("the simulator has seen this idempotency key with another request")
    if 400 <= status < 500 and _error_code(body):  # noqa: PLR2004 - client errors
        return _refusal(body)
    return UNKNOWN


def outcome_of_look_up(status: int, headers: Mapping[str, str], body: Any) -> GatewayOutcome:
    """Classify an answer to a look-up. A 404 counts only when the simulator itself says that the key is unknown."""
    if status in {429, 503}:
        return GatewayOutcome(OutcomeKind.UNKNOWN, retry_after_s=_wait_s(headers))
    if status == 404 and _error_code(body) == "operation_not_found":  # noqa: PLR2004 - Not Found
        return GatewayOutcome(OutcomeKind.NOT_FOUND)
    return _operation_or_unknown(body) if status == 200 else UNKNOWN  # noqa: PLR2004 - OK


def event_of(event: Any) -> InboundEvent:
    """Read the body of a verified webhook. Raises EventUnreadableError."""
    try:
        data = event["data"]
        return InboundEvent(
            event_id=_text(event, "id"),
            key=_text(data, "idempotency_key"),
            occurred_at=_text(event, "occurred_at"),
            outcome=outcome_of_operation(data),
            trust=Trust.PROVEN,
            operation=_TYPES[_type(data)],
        )
    except (KeyError, TypeError, AnswerUnreadableError) as error:
        raise EventUnreadableError(f"not an event of the simulator: {error}") from error


def page_of_operations(body: Any) -> OperationPage:
    """Read a page of the list of operations. Raises AnswerUnreadableError."""
    if not isinstance(body, Mapping) or not isinstance(body.get("data"), list):
        raise AnswerUnreadableError("not a list")
    following = body.get("next")
    return OperationPage(tuple(map(_listed, body["data"])), None if following is None else str(following))


def _listed(body: Any) -> ListedOperation:
    outcome = outcome_of_operation(body)
    return ListedOperation(
        key=_text(body, "idempotency_key"),
        kind=_TYPES[_type(body)],
        payment_id=_text(body, "merchant_reference"),
        outcome=outcome,
        created_at=_moment(body, "created"),
    )


def _not_executed(headers: Mapping[str, str]) -> GatewayOutcome:
    return GatewayOutcome(OutcomeKind.RETRYABLE, retry_after_s=_wait_s(headers))


def _wait_s(headers: Mapping[str, str]) -> float | None:
    return retry_after_s(headers.get("retry-after"), datetime.now(UTC))


def _type(body: Mapping[str, Any]) -> str:
    """Return the simulator's name of the kind of operation, by which the reference is named too."""
    kind = _text(body, "type")
    if kind not in _TYPES:
        raise AnswerUnreadableError("the operation's type is not known")
    return kind


def _operation_or_unknown(body: Any) -> GatewayOutcome:
    try:
        return outcome_of_operation(body)
    except AnswerUnreadableError:
        return UNKNOWN


def _refusal(body: Any) -> GatewayOutcome:
    """Return the outcome of an invalid request: nothing was done, and a repeat will be refused too."""
    code, message = _error_code(body), body["error"].get("message")
    return GatewayOutcome(
        OutcomeKind.DECLINED,
        executed=Executed.NO,
        error_code=unified_code(code),
        error_description=message,
        raw_code=code,
    )


def _failure(body: Mapping[str, Any]) -> tuple[str, Any]:
    details = _failure_details(body)
    return unified_code(details.get("code"), refund=body.get("type") == "refund"), details.get("message")


def _failure_code(body: Mapping[str, Any]) -> Any:
    return _failure_details(body).get("code")


def _failure_details(body: Mapping[str, Any]) -> Mapping[str, Any]:
    failure = body.get("failure")
    return failure if isinstance(failure, Mapping) else {}


def _error_code(body: Any) -> str | None:
    error = body.get("error") if isinstance(body, Mapping) else None
    code = error.get("code") if isinstance(error, Mapping) else None
    return code if isinstance(code, str) else None


def _amount(body: Mapping[str, Any]) -> int:
    amount = body.get("amount")
    if type(amount) is not int or amount < 0:
        raise AnswerUnreadableError("the amount is not a number of minor units")
    return amount


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise AnswerUnreadableError(f"{name} is missing")
    return value


def _action(body: Mapping[str, Any]) -> Action:
    action = body.get("next_action")
    if not isinstance(action, Mapping):
        raise AnswerUnreadableError("next_action is missing")
    if action.get("type") == "upi_intent":
        return Action.upi_intent(_text(action, "url"), _moment(action, "expires_at"))
    return Action.redirect(_text(action, "url"))


def _moment(body: Mapping[str, Any], name: str) -> datetime:
    try:
        return datetime.fromisoformat(_text(body, name))
    except ValueError as error:
        raise AnswerUnreadableError(f"not a moment: {error}") from error
