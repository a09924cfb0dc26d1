"""From PayPal's objects to outcomes: functions without I/O or state. Each raises AnswerUnreadableError.

A COMPLETED order is not always paid: its capture or authorization decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clearway.gateways.contract import (
    Action,
    AnswerUnreadableError,
    Executed,
    GatewayOutcome,
    Operation,
    OperationKind,
    OutcomeKind,
    required_text,
)
from clearway.gateways.paypal import errors
from clearway.gateways.paypal.amounts import from_paypal

WAITING: Final = frozenset({"CREATED", "SAVED", "PAYER_ACTION_REQUIRED"})
TAKEN: Final = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})
RESERVED: Final = frozenset({"CREATED", "CAPTURED", "PARTIALLY_CAPTURED", "VOIDED"})
"""Statuses of an authorization that was granted, even if captured or voided since."""
_FAILED_REFUNDS: Final = frozenset({"FAILED", "CANCELLED"})


def outcome_of_order(order: Mapping[str, Any]) -> GatewayOutcome:
    """Return the state of the authorisation. PREPARED: the customer has approved, and nothing was taken."""
    references = {"payment": required_text(order, "id")}
    if required_text(order, "intent") == "CAPTURE":
        found = _last(payments(order, "captures"))
        return _waiting(order, references) if found is None else _captured(found, OperationKind.AUTHORISE, references)
    first = next(iter(payments(order, "authorizations")), None)
    return _waiting(order, references) if first is None else _reserved(first, references)


def outcome_of_capture(capture: Mapping[str, Any], operation: Operation) -> GatewayOutcome:
    """Return the state of a capture of an authorization."""
    return _captured(capture, operation.kind, {})


def outcome_of_refund(refund: Mapping[str, Any]) -> GatewayOutcome:
    """Return the state of a refund."""
    references, status = {"refund": required_text(refund, "id")}, required_text(refund, "status")
    if status in _FAILED_REFUNDS:
        return errors.declined(OperationKind.REFUND, status, references)
    if status not in {"COMPLETED", "PENDING"}:
        raise AnswerUnreadableError("the status of the refund is not one we know")
    kind = OutcomeKind.APPROVED if status == "COMPLETED" else OutcomeKind.PENDING
    amount, currency = money(refund)
    return GatewayOutcome(kind, references=references, amount_minor=amount, currency=currency)


def outcome_of_void(authorization: Mapping[str, Any], order: Mapping[str, Any]) -> GatewayOutcome:
    """Return the state of a void: NOT_FOUND while money may still be taken. order: shows what was captured.

    A final capture releases what is left, and the authorization is CAPTURED then.
    """
    if required_text(authorization, "status") not in {"VOIDED", "DENIED", "CAPTURED"}:
        return GatewayOutcome(OutcomeKind.NOT_FOUND)
    amount, currency = money(authorization)
    captures = [one for one in payments(order, "captures") if required_text(one, "status") in TAKEN | {"PENDING"}]
    released = amount - sum(money(one)[0] for one in captures)
    if released <= 0:
        return too_late()
    return GatewayOutcome(
        OutcomeKind.APPROVED,
        references={"authorization": required_text(authorization, "id")},
        amount_minor=released,
        currency=currency,
    )


def too_late() -> GatewayOutcome:
    """Return the decline of a void after the money was taken."""
    return errors.not_sent(OperationKind.VOID, "The money is already captured; refund it instead.")


def payments(order: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the captures, authorizations or refunds of an order, oldest first."""
    units = order.get("purchase_units")
    unit = units[0] if isinstance(units, list) and units else None
    if not isinstance(unit, Mapping):
        raise AnswerUnreadableError("the order has no purchase unit")
    found = (unit.get("payments") or {}).get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise AnswerUnreadableError(f"the {name} of the order cannot be read")
    return found


def of_key(order: Mapping[str, Any], name: str, key: str) -> Mapping[str, Any] | None:
    """Return the object of one of our operations: it carries our key as its invoice id."""
    return next((one for one in payments(order, name) if one.get("invoice_id") == key), None)


def refundable(order: Mapping[str, Any], amount_minor: int) -> str | None:
    """Return the oldest capture that an amount can be refunded from; None if no single one has enough."""
    captures = [one for one in payments(order, "captures") if required_text(one, "status") in TAKEN]
    if len(captures) == 1:
        return required_text(captures[0], "id")  # PayPal knows how much of it is left.
    return next((required_text(one, "id") for one in captures if _left(order, one) >= amount_minor), None)


def money(thing: Mapping[str, Any]) -> tuple[int, str]:
    """Return the amount of an object in minor units, and its currency."""
    try:
        return from_paypal(thing.get("amount"))
    except (ValueError, KeyError, TypeError) as error:
        raise AnswerUnreadableError(f"the amount cannot be read: {error}") from None


def _waiting(order: Mapping[str, Any], references: dict[str, str]) -> GatewayOutcome:
    status = required_text(order, "status")
    if status in WAITING:
        return GatewayOutcome(
            OutcomeKind.NEEDS_ACTION, Executed.NO, references=references, action=Action.redirect(_page(order))
        )
    if status == "APPROVED":
        return GatewayOutcome(OutcomeKind.PREPARED, references=references)
    if status == "VOIDED":
        return errors.declined(OperationKind.AUTHORISE, "ORDER_EXPIRED", references)
    raise AnswerUnreadableError("the order does not say how it was paid")


def _captured(capture: Mapping[str, Any], kind: OperationKind, references: dict[str, str]) -> GatewayOutcome:
    references |= {"capture": required_text(capture, "id")}
    status = required_text(capture, "status")
    if status in TAKEN:
        amount, currency = money(capture)
        return GatewayOutcome(
            OutcomeKind.APPROVED, references=references, amount_minor=amount, currency=currency, captured=True
        )
    if status == "PENDING":
        return GatewayOutcome(OutcomeKind.PENDING, references=references)
    return errors.declined(kind, status, references)


def _reserved(authorization: Mapping[str, Any], references: dict[str, str]) -> GatewayOutcome:
    references |= {"authorization": required_text(authorization, "id")}
    status = required_text(authorization, "status")
    if status in RESERVED:
        amount, currency = money(authorization)
        return GatewayOutcome(OutcomeKind.APPROVED, references=references, amount_minor=amount, currency=currency)
    if status == "PENDING":
        return GatewayOutcome(OutcomeKind.PENDING, references=references)
    return errors.declined(OperationKind.AUTHORISE, status, references)


def _last(captures: list[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the capture that counts: one that took money, or else the newest."""
    taken = (one for one in captures if one.get("status") in TAKEN)
    return next(taken, captures[-1] if captures else None)


def _page(order: Mapping[str, Any]) -> str:
    links = order.get("links")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, Mapping) and link.get("rel") in {"payer-action", "approve"}:
            return required_text(link, "href")
    raise AnswerUnreadableError("the order has no page for the customer")


def _left(order: Mapping[str, Any], capture: Mapping[str, Any]) -> int:
    counted = [one for one in payments(order, "refunds") if required_text(one, "status") not in _FAILED_REFUNDS]
    refunded = sum(money(one)[0] for one in counted if _capture_of(one) == capture.get("id"))
    return money(capture)[0] - refunded


def _capture_of(refund: Mapping[str, Any]) -> str:
    links = refund.get("links")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, Mapping) and link.get("rel") == "up":
            return required_text(link, "href").rpartition("/")[2]
    raise AnswerUnreadableError("a refund does not say of which capture it is")
