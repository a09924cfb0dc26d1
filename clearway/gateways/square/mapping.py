"""From Square's objects to outcomes: functions without I/O or state. Each raises AnswerUnreadableError."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clearway.gateways.contract import (
    AnswerUnreadableError,
    Executed,
    GatewayOutcome,
    Operation,
    OperationKind,
    OutcomeKind,
    required_text,
)
from clearway.gateways.square import errors

TOO_LATE: Final = "The money is already captured; refund it instead."
NOT_APPROVED: Final = "The payment holds no money at Square any more; nothing was captured."
_FAILED_REFUNDS: Final = frozenset({"REJECTED", "FAILED"})


def outcome_of_payment(payment: Mapping[str, Any], *, manual: bool | None = None) -> GatewayOutcome:
    """Return the state of the authorisation. manual: whether we capture it ourselves; None: it is not known.

    `approved_money` is what was authorised: `amount_money` is lowered before a partial capture.
    """
    references, status = {"payment": required_text(payment, "id")}, required_text(payment, "status")
    amount, currency = money(payment, "approved_money" if "approved_money" in payment else "amount_money")
    match status:
        case "APPROVED" | "COMPLETED":
            taken = status == "COMPLETED" and manual is not True
            return GatewayOutcome(
                OutcomeKind.APPROVED, references=references, amount_minor=amount, currency=currency, captured=taken
            )
        case "PENDING":
            return GatewayOutcome(OutcomeKind.PENDING, references=references)
        case "CANCELED":
            return errors.declined(OperationKind.AUTHORISE, status, references)
        case "FAILED":
            return errors.declined(OperationKind.AUTHORISE, _failure(payment), references)
    raise AnswerUnreadableError("the status of the payment is not one we know")


def outcome_of_capture(payment: Mapping[str, Any], operation: Operation) -> GatewayOutcome:
    """Return the state of the capture: Square has one for a payment. NOT_FOUND: it is still to be sent."""
    payment_id, status = required_text(payment, "id"), required_text(payment, "status")
    amount, currency = money(payment, "amount_money")
    if status == "APPROVED":
        return GatewayOutcome(OutcomeKind.NOT_FOUND)
    if status != "COMPLETED":
        return errors.not_sent(operation.kind, NOT_APPROVED)
    references = {"capture": f"{payment_id}:{operation.number}", "payment": payment_id}
    return GatewayOutcome(
        OutcomeKind.APPROVED, references=references, amount_minor=amount, currency=currency, captured=True
    )


def outcome_of_void(payment: Mapping[str, Any]) -> GatewayOutcome:
    """Return the state of a void: NOT_FOUND while money may still be taken. A capture releases what it leaves."""
    references, status = {"payment": required_text(payment, "id")}, required_text(payment, "status")
    amount, currency = money(payment, "amount_money")
    if status in {"APPROVED", "PENDING"}:
        return GatewayOutcome(OutcomeKind.NOT_FOUND)
    released = amount
    if "approved_money" in payment:
        released = money(payment, "approved_money")[0] - (amount if status == "COMPLETED" else 0)
    elif status == "COMPLETED":
        released = 0
    if released <= 0:
        return GatewayOutcome(
            OutcomeKind.DECLINED, Executed.NO, error_code="payment_declined", error_description=TOO_LATE
        )
    return GatewayOutcome(OutcomeKind.APPROVED, references=references, amount_minor=released, currency=currency)


def outcome_of_refund(refund: Mapping[str, Any]) -> GatewayOutcome:
    """Return the state of a refund."""
    references, status = {"refund": required_text(refund, "id")}, required_text(refund, "status")
    amount, currency = money(refund, "amount_money")
    if status in _FAILED_REFUNDS:
        return errors.declined(OperationKind.REFUND, status, references)
    if status not in {"COMPLETED", "PENDING"}:
        raise AnswerUnreadableError("the status of the refund is not one we know")
    kind = OutcomeKind.APPROVED if status == "COMPLETED" else OutcomeKind.PENDING
    return GatewayOutcome(kind, references=references, amount_minor=amount, currency=currency)


def part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object in an answer."""
    found = body.get(name)
    if not isinstance(found, Mapping):
        raise AnswerUnreadableError(f"there is no {name} in the answer")
    return found


def money(thing: Mapping[str, Any], name: str) -> tuple[int, str]:
    """Return an amount and its currency: Square's smallest units are those of ISO 4217."""
    given = part(thing, name)
    amount = given.get("amount")
    if type(amount) is not int or amount < 0:
        raise AnswerUnreadableError(f"{name} is not an amount")
    return amount, required_text(given, "currency")


def _failure(payment: Mapping[str, Any]) -> str | None:
    for name in ("card_details", "bank_account_details"):
        details = payment.get(name)
        code = errors.code_of(details.get("errors")) if isinstance(details, Mapping) else None
        if code:
            return code
    return None
