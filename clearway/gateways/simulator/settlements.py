"""From the simulator's lists of settled money to Clearway's rows and payouts: functions without I/O or state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from clearway.domain.settlement import BalanceKind, PayoutStatus
from clearway.gateways.contract import (
    AnswerUnreadableError,
    BalancePage,
    BalanceRow,
    Payout,
    PayoutPage,
    PayoutRows,
    UnreadableRow,
)


def page_of_rows(body: Any) -> BalancePage:
    """Read a page of balance rows. A row that cannot be read does not hide the others.

    Raises AnswerUnreadableError for a page that is not one.
    """
    rows, unreadable = [], []
    for number, each in enumerate(_data(body)):
        try:
            rows.append(_row(each))
        except AnswerUnreadableError as error:
            known = each.get("id") if isinstance(each, Mapping) else None
            unreadable.append(UnreadableRow(str(known or f"row {number} of the page"), str(error)))
    return BalancePage(tuple(rows), _next(body), tuple(unreadable))


def page_of_payouts(body: Any) -> PayoutPage:
    """Read a page of payouts. Raises AnswerUnreadableError."""
    return PayoutPage(tuple(_payout(each) for each in _data(body)), _next(body))


def rows_of_payout(body: Any) -> PayoutRows:
    """Read a page of the rows of a payout, without the row of the payout itself. Raises AnswerUnreadableError."""
    paid = [each for each in _data(body) if _field(each, "type") != BalanceKind.PAYOUT]
    return PayoutRows(tuple(str(_field(each, "id")) for each in paid), _next(body))


def _row(each: Any) -> BalanceRow:
    try:
        rate = each.get("exchange_rate")
        return BalanceRow(
            id=each["id"],
            kind=BalanceKind(each["type"]),
            currency=each["currency"],
            gross_minor=each["gross"],
            fee_minor=each["fee"],
            created_at=datetime.fromisoformat(each["created"]),
            available_at=datetime.fromisoformat(each["available"]),
            payment_reference=each["payment"],
            key=each["idempotency_key"],
            payment_id=each["merchant_reference"],
            customer_minor=each["customer_amount"],
            customer_currency=each["customer_currency"],
            exchange_rate=None if rate is None else Decimal(rate),
        )
    except (AttributeError, KeyError, TypeError, ValueError, InvalidOperation) as error:
        if isinstance(error, AnswerUnreadableError):
            raise
        raise AnswerUnreadableError(f"not a balance row: {type(error).__name__}") from error


def _payout(each: Any) -> Payout:
    try:
        return Payout(
            id=each["id"],
            amount_minor=each["amount"],
            currency=each["currency"],
            status=PayoutStatus(each["status"]),
            created_at=datetime.fromisoformat(each["created"]),
            bank_reference=each["bank_reference"],
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, AnswerUnreadableError):
            raise
        raise AnswerUnreadableError(f"not a payout: {type(error).__name__}") from error


def _data(body: Any) -> list[Any]:
    if not isinstance(body, Mapping) or not isinstance(body.get("data"), list):
        raise AnswerUnreadableError("not a list")
    return list(body["data"])


def _next(body: Mapping[str, Any]) -> str | None:
    following = body.get("next")
    return None if following is None else str(following)


def _field(each: Any, name: str) -> Any:
    if not isinstance(each, Mapping) or not isinstance(each.get(name), str):
        raise AnswerUnreadableError(f"{name} is missing")
    return each[name]
