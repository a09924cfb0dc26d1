"""Square's lists: payments and refunds as operations, entries of payouts as balance rows, and payouts.

Square shows a movement of the balance only as an entry of the payout that pays it, so rows are read from the payouts of
the period and of the days after it. A payout itself has no entry; it is a row of its own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from clearway.domain.ids import subject_of
from clearway.domain.settlement import BalanceKind, PayoutStatus
from clearway.gateways.contract import (
    AnswerUnreadableError,
    BalancePage,
    BalanceRow,
    GatewayOutcome,
    GatewayUnavailableError,
    ListedOperation,
    OperationKind,
    OperationPage,
    OutcomeKind,
    Payout,
    PayoutPage,
    PayoutRows,
    UnreadableRow,
    required_text,
)
from clearway.gateways.square import identifiers, mapping
from clearway.gateways.square.abilities import PAID_OUT_WITHIN_S
from clearway.gateways.square.api import List, Listed, SquareApi
from clearway.gateways.square.exchange import Answer

LISTED_AT_ONCE: Final = 100
REFUNDS: Final = "refunds"
STATUSES: Final = {"PAID": PayoutStatus.PAID, "FAILED": PayoutStatus.FAILED}
THE_PAYOUT: Final = "PAYOUT"
FEES: Final = frozenset(
    {
        *("DEPOSIT_FEE", "DEPOSIT_FEE_REVERSED", "FEE", "GIFT_CARD_LOAD_FEE", "GIFT_CARD_LOAD_FEE_REFUND"),
        *("LOCAL_OFFERS_FEE", "PAID_SERVICE_FEE", "PAID_SERVICE_FEE_REFUND", "PROCESSING_FEE", "PROCESSING_FEE_REFUND"),
        *("SUBSCRIPTION_FEE", "SUBSCRIPTION_FEE_PAID_REFUND", "SUBSCRIPTION_FEE_REFUND", "TAX_ON_FEE"),
        *("THIRD_PARTY_FEE", "THIRD_PARTY_FEE_REFUND", "UNDO_GIFT_CARD_LOAD_FEE_REFUND", "UNDO_PROCESSING_FEE_REFUND"),
    }
)
KINDS: Final = {
    "CHARGE": BalanceKind.CHARGE,
    "REFUND": BalanceKind.REFUND,
    "DISPUTE": BalanceKind.DISPUTE,
    "OPEN_DISPUTE": BalanceKind.DISPUTE,
    THE_PAYOUT: BalanceKind.PAYOUT,
    "RETURNED_PAYOUT": BalanceKind.PAYOUT,
    **dict.fromkeys(FEES, BalanceKind.FEE),
}
"""The kind of a row by the type of its entry; all others are adjustments."""


class SquareLists:
    """The lists of one location. timeout_s: the deadline of one page."""

    def __init__(self, api: SquareApi, location_id: str, timeout_s: float) -> None:
        self._api = api
        self._location_id = location_id
        self._timeout_s = timeout_s

    async def operations(self, since: datetime, cursor: str | None) -> OperationPage:
        """Return a page of what changed since a moment: first of payments, then of refunds."""
        stage, _, after = (cursor or "").partition(":")
        asked = {"updated_at_begin_time": moment(since), "sort_field": "UPDATED_AT", "sort_order": "ASC"}
        if stage == REFUNDS:
            page = await self._page(List.REFUNDS, asked, after)
            found = [one for each in page.items for one in _of_refund(each)]
        else:
            page = await self._page(List.PAYMENTS, asked, after)
            found = [one for each in page.items for one in _of_payment(each)]
        if page.cursor is not None:
            return OperationPage(tuple(found), f"{stage or 'payments'}:{page.cursor}")
        return OperationPage(tuple(found), None if stage == REFUNDS else f"{REFUNDS}:")

    async def rows(self, since: datetime, until: datetime, cursor: str | None) -> BalancePage:
        """Return a page of the entries of one payout, and with its first page the row of the payout.

        cursor: the end of the list, which stays while it is read, and the two cursors of Square.
        """
        end = min(until + timedelta(seconds=PAID_OUT_WITHIN_S), max(until, datetime.now(UTC))).isoformat()
        end, after, within = json.loads(cursor) if cursor else (end, None, None)
        asked = _created(since, datetime.fromisoformat(end)) | {"limit": 1}
        payouts = await self._page(List.PAYOUTS, asked, after)
        if not payouts.items:
            return BalancePage((), None)
        payout = payouts.items[0]
        entries = await self._page(List.ENTRIES, {"payout_id": str(payout.get("id"))}, within)
        rows, unreadable = [], []
        for each in [*([payout] if within is None else []), *entries.items]:
            try:
                row = _row_of_payout(payout) if each is payout else row_of(each)
            except AnswerUnreadableError as error:
                unreadable.append(UnreadableRow(str(each.get("id") or "without id"), str(error)))
                continue
            rows += [row] if row.created_at < until else []
        following = [end, after, entries.cursor] if entries.cursor else [end, payouts.cursor, None]
        is_last = entries.cursor is None and payouts.cursor is None
        return BalancePage(tuple(rows), None if is_last else json.dumps(following), tuple(unreadable))

    async def payouts(self, since: datetime, until: datetime, cursor: str | None) -> PayoutPage:
        """Return a page of payouts."""
        page = await self._page(List.PAYOUTS, _created(since, until), cursor)
        try:
            return PayoutPage(tuple(_payout_of(each) for each in page.items), page.cursor)
        except AnswerUnreadableError as error:
            raise GatewayUnavailableError(f"Square's list of payouts cannot be read: {error}") from None

    async def payout_rows(self, payout_id: str, cursor: str | None) -> PayoutRows:
        """Return a page of the ids of the entries of a payout."""
        page = await self._page(List.ENTRIES, {"payout_id": payout_id}, cursor)
        paid = [each for each in page.items if each.get("type") != THE_PAYOUT]
        return PayoutRows(tuple(str(each.get("id")) for each in paid), page.cursor)

    async def _page(self, which: List, asked: Mapping[str, Any], cursor: str | None) -> Listed:
        """Return a page of a list. Raises GatewayUnavailableError with what Square said."""
        of_location = {} if which is List.ENTRIES else {"location_id": self._location_id}
        page = {"limit": LISTED_AT_ONCE} | of_location | dict(asked) | ({"cursor": cursor} if cursor else {})
        listed = await self._within(self._api.listed(which, page))
        if isinstance(listed, Listed):
            return listed
        raise GatewayUnavailableError(
            f"Square refused the list: {listed.code}" if listed.code else "Square did not answer with a list"
        )

    async def _within(self, call: Awaitable[Listed | Answer]) -> Listed | Answer:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await call
        except TimeoutError:
            return Answer()


def row_of(entry: Mapping[str, Any]) -> BalanceRow:
    """Read an entry of a payout. Raises AnswerUnreadableError."""
    name = required_text(entry, "type")
    gross, currency = _signed(entry, "gross_amount_money")
    fee = _signed(entry, "fee_amount_money")[0] if entry.get("fee_amount_money") else 0
    if _signed(entry, "net_amount_money") != (gross - fee, currency):
        raise AnswerUnreadableError("net is not gross less fee")
    details = entry.get(f"type_{name.lower()}_details")
    details = details if isinstance(details, Mapping) else {}
    payment = _text(details.get("payment_id"))
    return BalanceRow(
        id=required_text(entry, "id"),
        kind=KINDS.get(name, BalanceKind.ADJUSTMENT),
        currency=currency,
        gross_minor=gross,
        fee_minor=fee,
        created_at=_at(entry, "effective_at"),
        source=_text(details.get("refund_id")) or payment,
        payment_reference=payment,
    )


def _row_of_payout(payout: Mapping[str, Any]) -> BalanceRow:
    """Return the row of a payout: its money leaves the balance. One that fails comes back as an entry of another."""
    amount, currency = _signed(payout, "amount_money")
    payout_id = required_text(payout, "id")
    at = _at(payout, "created_at")
    return BalanceRow(payout_id, BalanceKind.PAYOUT, currency, -amount, 0, at, source=payout_id)


def _payout_of(payout: Mapping[str, Any]) -> Payout:
    amount, currency = _signed(payout, "amount_money")
    return Payout(
        id=required_text(payout, "id"),
        amount_minor=amount,
        currency=currency,
        status=STATUSES.get(str(payout.get("status")), PayoutStatus.PENDING),
        created_at=_at(payout, "created_at"),
        arrives_at=_day(payout.get("arrival_date")),
        bank_reference=_text(payout.get("end_to_end_id")),
    )


def _of_payment(payment: Mapping[str, Any]) -> list[ListedOperation]:
    """Return a payment as one operation: Square captures it once, and shows what was captured."""
    key = identifiers.authorisation_of(payment.get("reference_id"))
    try:
        outcome = mapping.outcome_of_payment(payment)
        if payment.get("status") == "COMPLETED":
            amount, currency = mapping.money(payment, "amount_money")
            outcome = GatewayOutcome(
                OutcomeKind.APPROVED,
                references=outcome.references,
                amount_minor=amount,
                currency=currency,
                captured=True,
            )
        return [ListedOperation(key, OperationKind.AUTHORISE, subject_of(key), outcome, _at(payment, "created_at"))]
    except AnswerUnreadableError:
        return []  # Its money is found missing by the other side of the comparison.


def _of_refund(refund: Mapping[str, Any]) -> list[ListedOperation]:
    key, payment_id = identifiers.refund_of(refund.get("reason")) or (None, None)
    try:
        outcome, at = mapping.outcome_of_refund(refund), _at(refund, "created_at")
    except AnswerUnreadableError:
        return []
    return [ListedOperation(key, OperationKind.REFUND, payment_id, outcome, at)]


def moment(at: datetime) -> str:
    """Return a moment as Square takes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _created(since: datetime, until: datetime) -> dict[str, Any]:
    return {"begin_time": moment(since), "end_time": moment(until), "sort_order": "ASC"}


def _signed(thing: Mapping[str, Any], name: str) -> tuple[int, str]:
    """Return an amount that may be negative, and its currency."""
    given = mapping.part(thing, name)
    amount = given.get("amount")
    if type(amount) is not int:
        raise AnswerUnreadableError(f"{name} is not an amount")
    return amount, required_text(given, "currency")


def _at(thing: Mapping[str, Any], name: str) -> datetime:
    try:
        found = datetime.fromisoformat(required_text(thing, name))
    except ValueError:
        raise AnswerUnreadableError(f"{name} is not a moment") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _day(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=UTC) if value else None
    except ValueError:
        raise AnswerUnreadableError("arrival_date is not a date") from None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
