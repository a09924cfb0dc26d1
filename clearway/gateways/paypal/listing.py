"""PayPal's transaction reports as lists: of operations, and of balance rows.

A report covers at most 31 days, comes in pages, and is up to three hours late. One with more than 10,000 transactions
is refused: then half of its period is asked for. Both ends of a period are in it, so a transaction at an end may be
listed twice. A transaction that waits (P) or was denied (D) moved no balance. One
that waited is reported under the day on which it began, so rows are read from `WAITED_FOR` before the period.

Sources: PayPal's `reporting_transactions_v1` 1.9; the event codes are those of its Transaction Detail Report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from clearway.domain.ids import subject_of
from clearway.domain.settlement import BalanceKind
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
    UnreadableRow,
    decline_code,
)
from clearway.gateways.paypal.amounts import signed_from_paypal
from clearway.gateways.paypal.exchange import Answer, Exchange

PATH: Final = "/v1/reporting/transactions"
PERIOD_MAX: Final = timedelta(days=31)
PERIOD_MIN: Final = timedelta(seconds=2)
LISTED_AT_ONCE: Final = 500
WAITED_FOR: Final = timedelta(days=7)
"""An eCheck clears within six working days at the latest; most payments under review are decided sooner."""
TOO_LARGE: Final = "RESULTSET_TOO_LARGE"
NO_PERMISSION: Final = (
    "PayPal does not let the app read transactions. Switch on Transaction search for the app in PayPal's developer "
    "dashboard; PayPal needs up to nine hours for it"
)
MOVED: Final = frozenset({"S", "V"})
"""Statuses of what moved the balance; V was given back later, by a transaction of its own."""
OUTCOMES: Final = {
    "S": OutcomeKind.APPROVED,
    "V": OutcomeKind.APPROVED,
    "P": OutcomeKind.PENDING,
    "D": OutcomeKind.DECLINED,
}
REFUND: Final = "T1107"
PAID: Final = "T00"
AUTHORISED: Final = "T13"
KINDS: Final = {
    REFUND: BalanceKind.REFUND,
    "T1106": BalanceKind.REVERSAL,
    "T1110": BalanceKind.DISPUTE,
    "T1111": BalanceKind.DISPUTE,
    "T1201": BalanceKind.DISPUTE,
    "T1202": BalanceKind.DISPUTE,
    PAID: BalanceKind.CHARGE,
    "T01": BalanceKind.FEE,
    "T02": BalanceKind.CONVERSION,
    "T04": BalanceKind.PAYOUT,
}
"""The kind of a row by its event code, or by the code's first two digits; all others are adjustments."""
CAPTURE: Final = "capture"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list goes on: a page of the report of a period.

    end: of the list. It does not move while the list is read; with a later end for each page, there would be no last.
    """

    since: datetime
    until: datetime
    end: datetime
    page: int = 1

    @classmethod
    def first(cls, since: datetime, end: datetime) -> Place:
        """Return the begin of a list."""
        return cls(since, min(end, since + PERIOD_MAX), end)

    @classmethod
    def of(cls, cursor: str) -> Place:
        """Return the place of a cursor."""
        *moments, page = cursor.split("|")
        since, until, end = (datetime.fromisoformat(each) for each in moments)
        return cls(since, until, end, int(page))

    def following(self, pages: int) -> str | None:
        """Return the cursor of what comes after this page; None: it was the last."""
        if self.page < pages:
            return replace(self, page=self.page + 1).cursor
        return None if self.until >= self.end else Place.first(self.until, self.end).cursor

    @property
    def cursor(self) -> str:
        """The place as a text."""
        return "|".join([*(each.isoformat() for each in (self.since, self.until, self.end)), str(self.page)])

    @property
    def half(self) -> Place:
        """The first half of the period, in whole seconds."""
        seconds = max(1, int((self.until - self.since).total_seconds()) // 2)
        return Place(self.since, self.since + timedelta(seconds=seconds), self.end)


class PayPalLists:
    """The reports of one account."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def operations(self, since: datetime, cursor: str | None) -> OperationPage:
        """Return a page of authorizations, captures and refunds."""
        begin = Place.of(cursor) if cursor else Place.first(_whole(since), datetime.now(UTC))
        found, following = await self._page(begin, every=True)
        return OperationPage(tuple(one for each in found for one in _operation(each)), following)

    async def rows(self, since: datetime, until: datetime, cursor: str | None) -> BalancePage:
        """Return a page of transactions that moved the balance in the period, also of those that waited until then."""
        begin = Place.of(cursor) if cursor else Place.first(_whole(since) - WAITED_FOR, until)
        found, following = await self._page(begin, every=False)
        rows, unreadable = [], []
        for each in found:
            try:
                if str(each.get("transaction_status")) not in MOVED or not _moved_in(each, since, until):
                    continue
                rows.append(row_of(each))
            except AnswerUnreadableError as error:
                unreadable.append(UnreadableRow(str(each.get("transaction_id") or "without id"), str(error)))
        return BalancePage(tuple(rows), following, tuple(unreadable))

    async def _page(self, place: Place, *, every: bool) -> tuple[list[Mapping[str, Any]], str | None]:
        """Return the transactions of a page, and the cursor of the next. Raises GatewayUnavailableError."""
        while True:
            answer = await self._exchange.ask(OperationKind.AUTHORISE, "GET", _path(place, every=every))
            if answer.name == TOO_LARGE and place.until - place.since >= PERIOD_MIN:
                place = place.half
                continue
            return _transactions(answer), place.following(_pages(answer))


def row_of(info: Mapping[str, Any]) -> BalanceRow:
    """Read a transaction that moved the balance. Raises AnswerUnreadableError.

    A transaction id alone is not unique in the reports, so a row is named by the event code too.
    """
    try:
        code, made_id = str(info["transaction_event_code"]), str(info["transaction_id"])
        gross, currency = signed_from_paypal(info["transaction_amount"])
        kept, kept_in = signed_from_paypal(info.get("fee_amount") or {"value": "0", "currency_code": currency})
    except (KeyError, TypeError, ValueError) as error:
        raise AnswerUnreadableError(f"not a transaction: {error}") from None
    if kept_in != currency:
        raise AnswerUnreadableError("the fee is in another currency than the amount")
    kind = kind_of(code, gross)
    related = info.get("paypal_reference_id") if info.get("paypal_reference_id_type") == "TXN" else None
    return BalanceRow(
        id=f"{made_id}:{code}",
        kind=kind,
        currency=currency,
        gross_minor=gross,
        fee_minor=-kept,
        created_at=_moment(info, "transaction_initiation_date"),
        source=made_id,
        payment_reference=made_id if kind is BalanceKind.CHARGE else _text(related),
        key=_key(info),
        payment_id=_text(info.get("custom_field")),
    )


def kind_of(code: str, gross_minor: int) -> BalanceKind:
    """Return the kind of a row by its event code. A payment that the account itself made is an adjustment."""
    kind = KINDS.get(code) or KINDS.get(code[:3], BalanceKind.ADJUSTMENT)
    return BalanceKind.ADJUSTMENT if kind is BalanceKind.CHARGE and gross_minor < 0 else kind


def _operation(info: Mapping[str, Any]) -> list[ListedOperation]:
    """Return the operation of a transaction; none of what is no operation, or cannot be read as one."""
    code, key = str(info.get("transaction_event_code")), _key(info)
    outcome = OUTCOMES.get(str(info.get("transaction_status")))
    try:
        minor, currency = signed_from_paypal(info.get("transaction_amount"))
        at, made_id = _moment(info, "transaction_initiation_date"), str(info["transaction_id"])
        kind, reference = _kind(code, key, minor)
        if kind is None or outcome is None:
            return []
        made = GatewayOutcome(
            outcome,
            references={reference: made_id},
            amount_minor=abs(minor),
            currency=currency,
            captured=reference == CAPTURE and outcome is OutcomeKind.APPROVED,
            error_code=None if outcome is not OutcomeKind.DECLINED else decline_code(kind),
        )
    except (AnswerUnreadableError, KeyError, TypeError, ValueError):
        return []  # Its money is found missing by the other side of the comparison.
    return [ListedOperation(key, kind, _text(info.get("custom_field")), made, at)]


def _kind(code: str, key: str | None, minor: int) -> tuple[OperationKind | None, str]:
    if code == REFUND:
        return OperationKind.REFUND, "refund"
    if code.startswith(AUTHORISED):
        return OperationKind.AUTHORISE, "authorization"
    if code.startswith(PAID) and minor > 0:
        captured_later = key is not None and f":{OperationKind.CAPTURE.value}:" in key
        return OperationKind.CAPTURE if captured_later else OperationKind.AUTHORISE, CAPTURE
    return None, ""


def _key(info: Mapping[str, Any]) -> str | None:
    """Return our operation key, which PayPal has as the invoice id; None for an invoice id that we did not make."""
    invoice_id = _text(info.get("invoice_id"))
    return invoice_id if subject_of(invoice_id) else None


def _moved_in(info: Mapping[str, Any], since: datetime, until: datetime) -> bool:
    """Return whether a transaction began in the period, or waited and was decided since its begin."""
    began, changed = _moment(info, "transaction_initiation_date"), _moment(info, "transaction_updated_date")
    return began < until and max(began, changed) >= _whole(since)


def _transactions(answer: Answer) -> list[Mapping[str, Any]]:
    """Return the transactions of an answer. Raises GatewayUnavailableError with what PayPal said in their place."""
    if answer.status == httpx.codes.FORBIDDEN:
        raise GatewayUnavailableError(NO_PERMISSION)
    if answer.body is None:
        said = answer.issue or answer.name or answer.outcome.error_description
        raise GatewayUnavailableError(f"PayPal refused the report: {said}" if said else "PayPal did not answer")
    details = answer.body.get("transaction_details")
    found: list[Any] = [each.get("transaction_info") for each in details or [] if isinstance(each, Mapping)]
    if (
        not isinstance(details, list)
        or len(found) != len(details)
        or not all(isinstance(each, Mapping) for each in found)
    ):
        raise GatewayUnavailableError("PayPal did not answer with a report")
    return found


def _pages(answer: Answer) -> int:
    pages = (answer.body or {}).get("total_pages")
    return pages if type(pages) is int else 1


def _path(place: Place, *, every: bool) -> str:
    asked = {
        "start_date": _written(place.since),
        "end_date": _written(place.until),
        "fields": "transaction_info",
        "balance_affecting_records_only": "N" if every else "Y",
        "page_size": LISTED_AT_ONCE,
        "page": place.page,
    }
    return f"{PATH}?{urlencode(asked)}"


def _whole(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(info: Mapping[str, Any], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(str(info.get(name)))
    except ValueError:
        raise AnswerUnreadableError(f"{name} is not a moment") from None
    if moment.tzinfo is None:
        raise AnswerUnreadableError(f"{name} has no time zone")
    return moment


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
