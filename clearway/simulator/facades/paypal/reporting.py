"""`/v1/reporting/transactions`: what moved the balance of an account, over the simulator's own settlement.

PayPal reports a conversion as two rows of their own, one in each currency, and a chargeback's fee as one more. The fee
of a payment is a negative amount beside it. A transaction that waits has the status P, and one that was denied D.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from clearway.domain.money import exponent
from clearway.domain.settlement import BalanceKind
from clearway.simulator.facades.paypal.amounts import money
from clearway.simulator.facades.paypal.books import ID_LETTERS, Books, Kind, Thing
from clearway.simulator.facades.paypal.calls import CHANNEL
from clearway.simulator.facades.paypal.errors import ReportingError
from clearway.simulator.facades.paypal.parameters import Reported
from clearway.simulator.facades.paypal.views import Views, moment
from clearway.simulator.faults import FaultSwitches, Operation, Subject
from clearway.simulator.settlement import Settled, Settlement, Wanted

ALL_MAX: Final = 100_000
RESULTS_MAX: Final = 10_000
PERIOD_MAX: Final = dt.timedelta(days=31)
FAR: Final = float(2**40)
CODES: Final = {
    BalanceKind.CHARGE: "T0006",
    BalanceKind.REFUND: "T1107",
    BalanceKind.DISPUTE: "T1201",
    BalanceKind.REVERSAL: "T1106",
    BalanceKind.FEE: "T0106",
    BalanceKind.PAYOUT: "T0400",
    BalanceKind.CONVERSION: "T0200",
    BalanceKind.ADJUSTMENT: "T1200",
}
AUTHORISED: Final = "T1300"
_UNSETTLED: Final = {"PENDING": "P", "DECLINED": "D"}
_AUTHORISATIONS: Final = {"PENDING": "P", "DENIED": "D", "VOIDED": "V"}


@dataclass(frozen=True, slots=True)
class Reporting:
    """Lists transactions, oldest first."""

    settlement: Settlement
    books: Books
    views: Views
    switches: FaultSwitches

    def transactions(self, account: str, asked: Reported) -> dict[str, Any]:
        """Return a page. Raises ReportingError."""
        if asked.end_date - asked.start_date > PERIOD_MAX:
            raise ReportingError.invalid("end_date", "Date range is greater than 31 days")
        if asked.end_date < asked.start_date:
            raise ReportingError.invalid("end_date", "Start date should be before end date")
        found = [each for each in self._of(account, asked) if asked.start_date <= _at(each) <= asked.end_date]
        if len(found) > RESULTS_MAX:
            raise ReportingError.too_large(len(found), RESULTS_MAX)
        found.sort(key=_at)
        begin = (asked.page - 1) * asked.page_size
        return {
            "transaction_details": [{"transaction_info": each} for each in found[begin : begin + asked.page_size]],
            "account_number": account,
            "start_date": _written(asked.start_date),
            "end_date": _written(asked.end_date),
            "last_refreshed_datetime": _written(dt.datetime.now(dt.UTC)),
            "page": asked.page,
            "total_items": len(found),
            "total_pages": -(-len(found) // asked.page_size),
        }

    def _of(self, account: str, asked: Reported) -> Iterator[dict[str, Any]]:
        seen: set[str] = set()
        for row in self.settlement.rows(Wanted(CHANNEL, account, 0.0, FAR), 0, ALL_MAX):
            if not asked.is_complete or not self._is_hidden(row):
                yield from self._settled(row, seen)
        for capture in self.books.all(account, Kind.CAPTURE):
            status = self.views.capture_status(capture, self.views.backed(capture).operation)
            if status in _UNSETTLED and not capture.document.get("hidden"):
                yield self._thing(capture, CODES[BalanceKind.CHARGE], _UNSETTLED[status])
        for authorization in self.books.all(account, Kind.AUTHORIZATION) if asked.is_complete else ():
            if not authorization.document.get("hidden"):
                backed = self.views.backed(authorization)
                status = self.views.authorization_status(authorization, backed.operation, backed.payment)
                yield self._thing(authorization, AUTHORISED, _AUTHORISATIONS.get(status, "S"))

    def _settled(self, row: Settled, seen: set[str]) -> Iterator[dict[str, Any]]:
        """Return the transactions of a balance row: of a converted one also the two rows of the conversion."""
        thing = self.books.of_operation(row.operation_key or "")
        currency, gross, fee = row.currency, row.gross, row.fee
        if row.customer_amount is not None and row.customer_currency is not None and row.rate is not None:
            currency, gross = row.customer_currency, row.customer_amount
            fee = _back(row.fee, row.currency, currency, Decimal(row.rate))
        own = thing is not None and row.kind in {BalanceKind.CHARGE, BalanceKind.REFUND} and thing.id not in seen
        made_id = thing.id if own and thing is not None else derived_id(row.id)
        seen.add(made_id)
        fee_apart = row.kind is BalanceKind.DISPUTE and fee
        info = self._info(row, CODES[row.kind], made_id, gross, currency) | _named(thing) | self._status(row, thing)
        if fee and not fee_apart:
            info["fee_amount"] = money(-fee, currency)
        if not row.readable:
            info["transaction_amount"]["value"] = "n/a"
        yield info | self._related(row, thing)
        if fee_apart:
            yield self._info(row, "T0106", derived_id(f"{row.id}:fee"), -fee, currency) | _related(made_id)
        if currency != row.currency:
            for minor, into in ((fee - gross, currency), (row.gross - row.fee, row.currency)):
                made = derived_id(f"{row.id}:{into}")
                yield self._info(row, CODES[BalanceKind.CONVERSION], made, minor, into) | _related(made_id)

    def _info(self, row: Settled, code: str, made_id: str, minor: int, currency: str) -> dict[str, Any]:
        return {
            "transaction_id": made_id,
            "transaction_event_code": code,
            "transaction_initiation_date": moment(row.created_at),
            "transaction_updated_date": moment(row.created_at),
            "transaction_amount": money(minor, currency),
            "transaction_status": "S",
        }

    def _status(self, row: Settled, thing: Thing | None) -> dict[str, Any]:
        if row.kind is not BalanceKind.CHARGE or thing is None or thing.kind is not Kind.CAPTURE:
            return {}
        status = self.views.capture_status(thing, self.views.backed(thing).operation)
        return {"transaction_status": "V"} if status == "REFUNDED" else {}

    def _related(self, row: Settled, thing: Thing | None) -> dict[str, Any]:
        if thing is None:
            return {}
        if row.kind is BalanceKind.CHARGE:
            return _related(thing.document.get("authorization"))
        return _related(thing.document.get("capture") or thing.id)

    def _thing(self, thing: Thing, code: str, status: str) -> dict[str, Any]:
        operation = self.views.backed(thing).operation
        return {
            "transaction_id": thing.id,
            "transaction_event_code": code,
            "transaction_initiation_date": moment(thing.created_at),
            "transaction_updated_date": moment(operation.updated_at),
            "transaction_amount": money(operation.amount, operation.currency),
            "transaction_status": status,
            **_named(thing),
        }

    def _is_hidden(self, row: Settled) -> bool:
        subject = Subject(Operation.LISTING, key=row.operation_key, payment_id=row.payment_id)
        return self.switches.for_row(subject) is not None


def derived_id(text: str) -> str:
    """Return an id in PayPal's form that is always the same for the same text."""
    digest = hashlib.sha256(text.encode()).digest()[:17]
    return "".join(ID_LETTERS[byte % len(ID_LETTERS)] for byte in digest)


def _back(minor: int, currency: str, into: str, rate: Decimal) -> int:
    value = Decimal(minor).scaleb(exponent(into) - exponent(currency)) / rate
    return int(value.to_integral_value(ROUND_HALF_EVEN))


def _named(thing: Thing | None) -> dict[str, Any]:
    document = thing.document if thing is not None else {}
    named = {"invoice_id": document.get("invoice_id"), "custom_field": document.get("custom_id")}
    return {name: value for name, value in named.items() if value}


def _related(transaction_id: str | None) -> dict[str, Any]:
    named = {"paypal_reference_id": transaction_id, "paypal_reference_id_type": "TXN"}
    return named if transaction_id else {}


def _at(info: dict[str, Any]) -> dt.datetime:
    return dt.datetime.fromisoformat(info["transaction_initiation_date"])


def _written(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
