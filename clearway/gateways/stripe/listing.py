"""Stripe's lists: operations from PaymentIntents and refunds, balance transactions as rows, and payouts.

Lists come newest first and never lag; balance transactions and payouts may. Money that was captured late belongs to an
older intent, so intents are listed from `AUTHORISED_FOR` before the moment that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from clearway.domain.fx import converted_minor
from clearway.domain.reconciliation import RATE_TOLERANCE
from clearway.domain.settlement import BalanceKind, PayoutStatus
from clearway.gateways.contract import (
    AnswerUnreadableError,
    BalancePage,
    BalanceRow,
    GatewayUnavailableError,
    ListedOperation,
    Operation,
    OperationKind,
    OperationPage,
    Payout,
    PayoutPage,
    PayoutRows,
    UnreadableRow,
)
from clearway.gateways.stripe import mapping
from clearway.gateways.stripe.amounts import from_stripe
from clearway.gateways.stripe.paging import page_of

AUTHORISED_FOR: Final = timedelta(days=7)
REFUNDS: Final = "refunds"
CHARGED: Final = "charge"
RELEASED: Final = "partial_capture_reversal"
KINDS: Final = {
    CHARGED: BalanceKind.CHARGE,
    RELEASED: BalanceKind.CHARGE,
    "refund": BalanceKind.REFUND,
    "refund_failure": BalanceKind.REFUND,
    "dispute": BalanceKind.DISPUTE,
    "dispute_reversal": BalanceKind.DISPUTE,
    "fee": BalanceKind.FEE,
    "payout": BalanceKind.PAYOUT,
    "payout_reversal": BalanceKind.PAYOUT,
}
"""The kind of a row by its reporting category; all others are adjustments."""
STATUSES: Final = {"paid": PayoutStatus.PAID, "failed": PayoutStatus.FAILED, "canceled": PayoutStatus.FAILED}


class StripeLists:
    """The lists of one account."""

    def __init__(self, v1: Any) -> None:
        self._v1 = v1

    async def operations(self, since: datetime, cursor: str | None) -> OperationPage:
        """Return a page: first of the intents with their captures, then of the refunds."""
        stage, _, after = (cursor or "").partition(":")
        if stage == REFUNDS:
            things, following = await page_of(self._v1.refunds.list_async, _created(since), after)
            found = [one for each in things for one in _of_refund(each)]
        else:
            asked = _created(since - AUTHORISED_FOR)
            things, following = await page_of(self._v1.payment_intents.list_async, asked, after)
            found = [one for each in things for one in _of_intent(each)]
        if following is not None:
            return OperationPage(tuple(found), f"{stage or 'intents'}:{following}")
        return OperationPage(tuple(found), None if stage == REFUNDS else f"{REFUNDS}:")

    async def rows(self, since: datetime, until: datetime, cursor: str | None) -> BalancePage:
        """Return a page of balance transactions, each with its source."""
        asked = _created(since, until) | {"expand": ["data.source"]}
        things, following = await page_of(self._v1.balance_transactions.list_async, asked, cursor)
        rows, unreadable = [], []
        for each in things:
            try:
                rows.append(row_of(each))
            except AnswerUnreadableError as error:
                unreadable.append(UnreadableRow(str(each.get("id") or "without id"), str(error)))
        return BalancePage(tuple(rows), following, tuple(unreadable))

    async def payouts(self, since: datetime, until: datetime, cursor: str | None) -> PayoutPage:
        """Return a page of payouts."""
        things, following = await page_of(self._v1.payouts.list_async, _created(since, until), cursor)
        return PayoutPage(tuple(_readable(_payout_of, each) for each in things), following)

    async def payout_rows(self, payout_id: str, cursor: str | None) -> PayoutRows:
        """Return a page of the ids of the rows of a payout, without the row of the payout itself."""
        things, following = await page_of(self._v1.balance_transactions.list_async, {"payout": payout_id}, cursor)
        paid = [each for each in things if KINDS.get(str(each.get("reporting_category"))) is not BalanceKind.PAYOUT]
        return PayoutRows(tuple(str(each.get("id")) for each in paid), following)


def row_of(body: Mapping[str, Any]) -> BalanceRow:
    """Read a balance transaction. Raises AnswerUnreadableError."""
    try:
        return _row(body)
    except (KeyError, TypeError, ValueError, InvalidOperation, ArithmeticError) as error:
        if isinstance(error, AnswerUnreadableError):
            raise
        raise AnswerUnreadableError(f"not a balance transaction: {type(error).__name__}") from error


def _row(body: Mapping[str, Any]) -> BalanceRow:
    currency, category = str(body["currency"]).upper(), str(body["reporting_category"])
    gross, fee = from_stripe(body["amount"], currency), from_stripe(body["fee"], currency)
    if from_stripe(body["net"], currency) != gross - fee:
        raise AnswerUnreadableError("net is not amount less fee")
    source = body.get("source")
    thing: Mapping[str, Any] = source if isinstance(source, Mapping) else {"id": source}
    marks = thing.get("metadata")
    marks = marks if isinstance(marks, Mapping) else {}
    rate = None if body.get("exchange_rate") is None else Decimal(str(body["exchange_rate"]))
    customer, paid_in = _customer(thing, category, currency, gross, rate)
    return BalanceRow(
        id=body["id"],
        kind=KINDS.get(category, BalanceKind.ADJUSTMENT),
        currency=currency,
        gross_minor=gross,
        fee_minor=fee,
        created_at=_moment(body["created"]),
        available_at=_moment(body["available_on"]),
        source=_text(thing.get("id")),
        payment_reference=_text(thing.get("payment_intent")),
        key=_text(marks.get(mapping.KEY_MARK)),
        payment_id=_text(marks.get(mapping.PAYMENT_MARK)),
        customer_minor=customer,
        customer_currency=paid_in,
        exchange_rate=rate,
    )


def _customer(
    source: Mapping[str, Any], category: str, currency: str, gross: int, rate: Decimal | None
) -> tuple[int | None, str | None]:
    """Return the customer's side of a converted row: of its source, if it fits the row; else by the rate."""
    paid_in = str(source.get("currency") or currency).upper()
    if paid_in == currency or rate is None:
        return None, None
    derived = converted_minor(gross, currency, paid_in, 1 / rate)
    whole, captured = source.get("amount"), source.get("amount_captured")
    stated = None
    if type(whole) is int:
        stated = from_stripe(whole, paid_in) * (1 if gross > 0 else -1)
        if category == RELEASED and type(captured) is int:
            stated = from_stripe(captured - whole, paid_in)
    if stated is not None and abs(stated - derived) <= 1 + abs(derived) * RATE_TOLERANCE:
        return stated, paid_in
    return derived, paid_in


def _of_intent(intent: Mapping[str, Any]) -> Iterator[ListedOperation]:
    marks = intent.get("metadata")
    marks = marks if isinstance(marks, Mapping) else {}
    key, payment_id = _text(marks.get(mapping.KEY_MARK)), _text(marks.get(mapping.PAYMENT_MARK))
    try:
        at = _moment(intent.get("created"))
        outcome = mapping.outcome_of_intent(intent)
        yield ListedOperation(key, OperationKind.AUTHORISE, payment_id, outcome, at)
        for number in _captures(marks):
            if payment_id is None:
                continue
            capture = Operation(
                OperationKind.CAPTURE,
                f"{payment_id}:capture:{number}",
                payment_id,
                0,
                outcome.currency or "",
                number=number,
            )
            made = mapping.outcome_of_capture(intent, capture)
            yield ListedOperation(capture.key, OperationKind.CAPTURE, payment_id, made, at)
    except AnswerUnreadableError:
        return  # Its money is found missing by the other side of the comparison.


def _captures(marks: Mapping[str, Any]) -> list[int]:
    prefix = mapping.capture_mark(0)[:-1]
    numbers = [name.removeprefix(prefix) for name in marks if name.startswith(prefix)]
    return sorted(int(number) for number in numbers if number.isdecimal())


def _of_refund(refund: Mapping[str, Any]) -> Iterator[ListedOperation]:
    marks = refund.get("metadata")
    marks = marks if isinstance(marks, Mapping) else {}
    key, payment_id = _text(marks.get(mapping.KEY_MARK)), _text(marks.get(mapping.PAYMENT_MARK))
    try:
        outcome, at = mapping.outcome_of_refund(refund), _moment(refund.get("created"))
    except AnswerUnreadableError:
        return
    yield ListedOperation(key, OperationKind.REFUND, payment_id, outcome, at)


def _payout_of(body: Mapping[str, Any]) -> Payout:
    currency = str(body["currency"]).upper()
    return Payout(
        id=body["id"],
        amount_minor=from_stripe(body["amount"], currency),
        currency=currency,
        status=STATUSES.get(str(body["status"]), PayoutStatus.PENDING),
        created_at=_moment(body["created"]),
        arrives_at=_moment(body["arrival_date"]),
        bank_reference=_text(body.get("statement_descriptor")),
    )


def _readable(read: Callable[[Mapping[str, Any]], Payout], body: Mapping[str, Any]) -> Payout:
    try:
        return read(body)
    except (KeyError, TypeError, ValueError) as error:
        raise GatewayUnavailableError(f"Stripe's list of payouts cannot be read: {type(error).__name__}") from None


def _created(since: datetime, until: datetime | None = None) -> dict[str, Any]:
    created = {"gte": int(since.timestamp())}
    return {"created": created if until is None else created | {"lt": int(until.timestamp())}}


def _moment(value: object) -> datetime:
    if type(value) is not int or not 0 <= value < 2**40:
        raise AnswerUnreadableError("not a moment")
    return datetime.fromtimestamp(value, UTC)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
