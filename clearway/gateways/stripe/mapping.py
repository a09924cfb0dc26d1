"""From Stripe's objects and errors to outcomes: functions without I/O or state.

The contract decides every doubtful case: what may have been executed is UNKNOWN. What an error means is in the table
(`clearway.gateways.errors`), and an error without a row is unknown, not a decline.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from clearway.egress.retry_after import retry_after_s
from clearway.gateways.contract import (
    Action,
    AnswerUnreadableError,
    Executed,
    GatewayOutcome,
    Operation,
    OperationKind,
    OutcomeKind,
    decline_code,
    required_text,
)
from clearway.gateways.errors import ErrorRow, classify
from clearway.gateways.stripe.amounts import from_stripe

KIND: Final = "stripe"
KEY_MARK: Final = "clearway_key"
"""The metadata of an intent or refund that holds the key of our operation."""
PAYMENT_MARK: Final = "clearway_payment"
STATE_MOVED: Final = frozenset(
    {"charge_already_captured", "charge_already_refunded", "payment_intent_unexpected_state"}
)
"""Codes about a changed state: an earlier request did it, or the payment moved on. The object shows the outcome."""

_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_CANCELLED: Final = {"automatic": "payment_expired", "expired": "payment_expired"}
_REFUNDS: Final = {
    "pending": OutcomeKind.PENDING,
    "requires_action": OutcomeKind.PENDING,
    "succeeded": OutcomeKind.APPROVED,
    "failed": OutcomeKind.DECLINED,
    "canceled": OutcomeKind.DECLINED,
}


def capture_mark(number: int) -> str:
    """Return the metadata under which a capture writes its amount: captures have no ids at Stripe."""
    return f"cw_capture_{number}"


def outcome_of_intent(intent: Mapping[str, Any]) -> GatewayOutcome:
    """Return the state of the authorisation. NOT_FOUND: it was not tried. Raises AnswerUnreadableError."""
    references = _references(intent)
    currency = _currency(intent)
    _amount(intent, "amount", currency)
    match required_text(intent, "status"):
        case "succeeded" | "requires_capture":
            return _authorised(intent, references, currency)
        case "requires_action":
            return GatewayOutcome(OutcomeKind.NEEDS_ACTION, references=references, action=_action(intent))
        case "processing":
            return GatewayOutcome(OutcomeKind.PENDING, references=references)
        case "requires_confirmation":
            return GatewayOutcome(OutcomeKind.NOT_FOUND, references=references)
        case "requires_payment_method":
            return _refused(intent, references)
        case "canceled":
            return _cancelled(intent, references, currency)
    raise AnswerUnreadableError("the status of the PaymentIntent is not one we know")


def outcome_of_capture(intent: Mapping[str, Any], operation: Operation) -> GatewayOutcome:
    """Return the state of a capture, by the mark that its request wrote. Raises AnswerUnreadableError."""
    marks = _metadata(intent)
    if capture_mark(operation.number) not in marks:
        return GatewayOutcome(OutcomeKind.NOT_FOUND)
    currency = _currency(intent)
    others = sum(_marked(value, currency) for name, value in marks.items() if _is_other(name, operation.number))
    amount = _amount(intent, "amount_received", currency) - others
    if amount <= 0:
        raise AnswerUnreadableError("less is captured than the marks of the captures say")
    charge = _id(intent.get("latest_charge"))
    references = {"capture": f"{charge or required_text(intent, 'id')}:{operation.number}", **_references(intent)}
    return GatewayOutcome(
        OutcomeKind.APPROVED, references=references, amount_minor=amount, currency=currency, captured=True
    )


def outcome_of_void(intent: Mapping[str, Any]) -> GatewayOutcome:
    """Return the state of a void: NOT_FOUND while money may still be taken. Raises AnswerUnreadableError."""
    status, currency = required_text(intent, "status"), _currency(intent)
    if status not in {"canceled", "succeeded"}:
        return GatewayOutcome(OutcomeKind.NOT_FOUND)
    authorised = _amount(intent, "amount", currency)
    released = authorised - _amount(intent, "amount_received", currency)
    if status == "succeeded" and released <= 0:
        message = "The money is already captured; refund it instead."
        return GatewayOutcome(
            OutcomeKind.DECLINED, Executed.NO, error_code="payment_declined", error_description=message
        )
    return GatewayOutcome(
        OutcomeKind.APPROVED, references=_references(intent), amount_minor=released, currency=currency
    )


def outcome_of_refund(refund: Mapping[str, Any]) -> GatewayOutcome:
    """Return the state of a refund. Raises AnswerUnreadableError."""
    if refund.get("object") != "refund":
        raise AnswerUnreadableError("not a refund")
    kind = _REFUNDS.get(required_text(refund, "status"))
    if kind is None:
        raise AnswerUnreadableError("the status of the refund is not one we know")
    currency, reason = _currency(refund), refund.get("failure_reason")
    failed = kind is OutcomeKind.DECLINED
    row = classify(KIND, "refund", reason if isinstance(reason, str) else "unknown") if failed else None
    return GatewayOutcome(
        kind,
        references={"refund": required_text(refund, "id")},
        amount_minor=_amount(refund, "amount", currency),
        currency=currency,
        error_code=decline_code(OperationKind.REFUND, row.decline_code) if row else None,
        raw_code=reason if failed and isinstance(reason, str) else None,
        error_description=row.merchant_text if row else None,
    )


def error_of(body: object) -> Mapping[str, Any]:
    """Return the error object of an answer; nothing when it has none."""
    error = body.get("error") if isinstance(body, Mapping) else None
    return error if isinstance(error, Mapping) else {}


def outcome_of_error(
    kind: OperationKind, status: int, headers: Mapping[str, str], error: Mapping[str, Any]
) -> GatewayOutcome:
    """Classify an answer that is an error."""
    if status >= _SERVER_ERROR or (not error and status != _TOO_MANY):
        wait_s = retry_after_s(headers.get("retry-after"), datetime.now(UTC))
        return GatewayOutcome(OutcomeKind.UNKNOWN, retry_after_s=wait_s)
    row = _row(kind, status, error)
    if row.again and row.executed.value == Executed.NO.value:
        waits = retry_after_s(headers.get("retry-after"), datetime.now(UTC)), row.wait_s
        return GatewayOutcome(OutcomeKind.RETRYABLE, retry_after_s=next((wait for wait in waits if wait), None))
    if row.decline_code is None:
        return GatewayOutcome(OutcomeKind.UNKNOWN, raw_code=raw_code(error), retry_after_s=row.wait_s)
    return declined(kind, row, error, references=_references_of_error(error))


def declined(
    kind: OperationKind, row: ErrorRow, error: Mapping[str, Any], references: Mapping[str, str] | None = None
) -> GatewayOutcome:
    """Return a decline by the error table."""
    message = error.get("message")
    return GatewayOutcome(
        OutcomeKind.DECLINED,
        Executed(row.executed.value),
        references=references or {},
        error_code=decline_code(kind, row.decline_code),
        raw_code=raw_code(error),
        network_code=_network_code(error),
        advice_code=_advice_code(error),
        error_description=message if isinstance(message, str) else row.merchant_text,
    )


def raw_code(error: Mapping[str, Any]) -> str | None:
    """Return the most specific code of an error."""
    codes = (error.get(name) for name in ("decline_code", "code", "type"))
    return next((code for code in codes if isinstance(code, str) and code), None)


def is_moved(error: Mapping[str, Any]) -> bool:
    """Return whether an error only says that the payment is in another state."""
    code = error.get("code")
    return isinstance(code, str) and code in STATE_MOVED


def _row(kind: OperationKind, status: int, error: Mapping[str, Any]) -> ErrorRow:
    texts = [error.get("decline_code"), error.get("code"), str(status), error.get("type")]
    return classify(
        KIND,
        kind.value,
        [text for text in texts if isinstance(text, str)],
        _network_code(error),
        advice_code=_advice_code(error),
    )


def _advice_code(error: Mapping[str, Any]) -> str | None:
    advice = error.get("network_advice_code")
    return advice if isinstance(advice, str) else None


def _network_code(error: Mapping[str, Any]) -> str | None:
    code, method = error.get("network_decline_code"), error.get("payment_method")
    card = method.get("card") if isinstance(method, Mapping) else None
    brand = card.get("brand") if isinstance(card, Mapping) else None
    return f"{brand}:{code}" if isinstance(code, str) and isinstance(brand, str) else None


def _authorised(intent: Mapping[str, Any], references: dict[str, str], currency: str) -> GatewayOutcome:
    """Return an approved authorisation; of a manual one, the amount reserved at first, captured since or not."""
    received = _amount(intent, "amount_received", currency)
    manual = intent.get("capture_method") == "manual"
    amount = received
    if manual:
        open_amount = _amount(intent, "amount_capturable", currency)
        waiting = intent.get("status") == "requires_capture"
        amount = received + open_amount if waiting else _amount(intent, "amount", currency)
    return GatewayOutcome(
        OutcomeKind.APPROVED, references=references, amount_minor=amount, currency=currency, captured=not manual
    )


def _refused(intent: Mapping[str, Any], references: dict[str, str]) -> GatewayOutcome:
    """Return a decline; without an error nothing was tried yet, so it is no decline."""
    error = intent.get("last_payment_error")
    if not isinstance(error, Mapping):
        return GatewayOutcome(OutcomeKind.NOT_FOUND, references=references)
    row = _row(OperationKind.AUTHORISE, 402, error)
    if row.decline_code is None:
        return GatewayOutcome(OutcomeKind.UNKNOWN, references=references, raw_code=raw_code(error))
    return declined(OperationKind.AUTHORISE, row, error, references)


def _cancelled(intent: Mapping[str, Any], references: dict[str, str], currency: str) -> GatewayOutcome:
    """Return the outcome of a cancelled intent: cancelled before it was paid, or authorised and then released."""
    if "charge" in references and not isinstance(intent.get("last_payment_error"), Mapping):
        authorised = _amount(intent, "amount", currency)
        return GatewayOutcome(OutcomeKind.APPROVED, references=references, amount_minor=authorised, currency=currency)
    reason = intent.get("cancellation_reason")
    code = _CANCELLED.get(reason, "customer_cancelled") if isinstance(reason, str) else "customer_cancelled"
    return GatewayOutcome(
        OutcomeKind.DECLINED,
        references=references,
        error_code=code,
        raw_code="canceled",
        error_description="The PaymentIntent was cancelled before it was paid.",
    )


def _action(intent: Mapping[str, Any]) -> Action:
    action = intent.get("next_action")
    redirect = action.get("redirect_to_url") if isinstance(action, Mapping) else None
    if not isinstance(redirect, Mapping):
        raise AnswerUnreadableError("the customer must act in a way that is no redirect")
    return Action.redirect(required_text(redirect, "url"))


def _references(intent: Mapping[str, Any]) -> dict[str, str]:
    if intent.get("object") != "payment_intent":
        raise AnswerUnreadableError("not a PaymentIntent")
    charge = _id(intent.get("latest_charge"))
    return {"payment": required_text(intent, "id")} | ({"charge": charge} if charge else {})


def _references_of_error(error: Mapping[str, Any]) -> dict[str, str]:
    intent = error.get("payment_intent")
    try:
        return _references(intent) if isinstance(intent, Mapping) else {}
    except AnswerUnreadableError:
        return {}


def _id(value: object) -> str | None:
    """Return the id of an object that may be expanded."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) and found else None


def _metadata(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = thing.get("metadata")
    if not isinstance(metadata, Mapping):
        raise AnswerUnreadableError("the metadata are missing")
    return metadata


def _is_other(name: str, number: int) -> bool:
    return name.startswith(capture_mark(0)[:-1]) and name != capture_mark(number)


def _marked(value: object, currency: str) -> int:
    if not isinstance(value, str) or not (value.isascii() and value.isdigit()):
        raise AnswerUnreadableError("the mark of a capture is not an amount")
    return from_stripe(int(value), currency)


def _currency(thing: Mapping[str, Any]) -> str:
    return required_text(thing, "currency").upper()


def _amount(thing: Mapping[str, Any], name: str, currency: str) -> int:
    amount = thing.get(name)
    if type(amount) is not int or amount < 0:
        raise AnswerUnreadableError(f"{name} is not an amount")
    try:
        return from_stripe(amount, currency)
    except ValueError as error:
        raise AnswerUnreadableError(str(error)) from error
