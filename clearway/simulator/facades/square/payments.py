"""Operations on payments: create, lower the amount, complete, cancel. Each runs in one transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from clearway.simulator.engine import Engine
from clearway.simulator.facades.square import tokens
from clearway.simulator.facades.square.accounts import Accounts
from clearway.simulator.facades.square.books import Books, Kind, Thing, new_id
from clearway.simulator.facades.square.calls import CHANNEL, Call, engine_key
from clearway.simulator.facades.square.errors import SquareError, missing
from clearway.simulator.facades.square.events import Announcer
from clearway.simulator.facades.square.parameters import ChangedPayment, Completion, NewPayment
from clearway.simulator.facades.square.views import Views
from clearway.simulator.records import Records, Status
from clearway.simulator.wire import NewCapture
from clearway.simulator.wire import NewPayment as EnginePayment

DELAY: Final = "P7D"
"""How long a payment without a card present is held by default."""
DELAY_MIN_S: Final = 60
CREATE: Final = "create"
PAYMENT_MARK: Final = re.compile(r"(pay_[0-9a-z]{26})(?::\d+)?")
"""A reference_id by which the journal knows Clearway's payment; without one, it knows Square's id."""
_NOT_APPROVED: Final = {
    "COMPLETED": ("DELAYED_TRANSACTION_CAPTURED", "The payment is already completed."),
    "FAILED": ("DELAYED_TRANSACTION_FAILED", "The payment failed."),
    "PENDING": ("BAD_REQUEST", "The payment is pending."),
}
_DURATION: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


@dataclass(frozen=True, slots=True)
class Payments:
    """The operations. delay_max_s: the longest delay, so that a test need not wait for a week."""

    books: Books
    records: Records
    engine: Engine
    views: Views
    accounts: Accounts
    announcer: Announcer
    delay_max_s: float

    def find(self, account: str, payment_id: str) -> Thing:
        """Return a payment of a seller. Raises SquareError (404)."""
        found = self.books.get(account, Kind.PAYMENT, payment_id)
        if found is None:
            raise missing("payment", payment_id)
        return found

    def create(self, call: Call, asked: NewPayment) -> Thing:
        """Take or reserve the money, in one step. A declined payment is stored as FAILED."""
        location = self.accounts.location(call.account, asked.location_id)
        money = asked.amount_money
        if money.currency != location["currency"]:
            detail = f"This merchant can only process payments in {location['currency']}, not in {money.currency}."
            raise SquareError("INVALID_VALUE", detail, field="amount_money.currency")
        if money.amount < 1:
            raise SquareError("AMOUNT_TOO_LOW", "The amount is too low.", field="amount_money.amount")
        source, instrument = tokens.resolve(self.engine, asked.source_id)
        if source.is_bank and not asked.autocomplete:
            raise SquareError("UNSUPPORTED_SOURCE_TYPE", "A bank payment cannot be delayed.", field="autocomplete")
        delay_s = min(_seconds(asked.delay_duration or DELAY), self.delay_max_s)
        payment = Thing(new_id(), call.account, Kind.PAYMENT, _document(asked, location["id"], source), call.at)
        payment.document["delayed_until"] = call.at + delay_s
        payment.document["due_at"] = None if asked.autocomplete else call.at + delay_s
        payment.operation_key = engine_key(self.records, call, payment.id)
        self.books.add(payment)
        order = _order(payment, asked, instrument)
        self.engine.pay(
            payment.operation_key, order, wrong_amount=call.wrong_amount, channel=CHANNEL, delay_s=source.delay_s
        )
        match self.views.backed(payment).operation.status:
            case Status.DECLINED:
                self._no_delay(payment, call.at)
            case Status.PROCESSING:
                self.announcer.announce(payment, "payment.created", call.at)
        return payment

    def lower(self, call: Call, payment_id: str, asked: ChangedPayment) -> Thing:
        """Lower the amount of an approved payment. Raising it is not possible here."""
        payment = self._approved(call.account, payment_id, asked.version_token)
        backed, money = self.views.backed(payment), asked.amount_money
        if money.currency != backed.payment.currency:
            raise SquareError("CURRENCY_MISMATCH", "The currency is not that of the payment.")
        if money.amount < 1:
            raise SquareError("AMOUNT_TOO_LOW", "The amount is too low.", field="payment.amount_money.amount")
        if money.amount > self.views.amount(payment, backed):
            raise SquareError("AMOUNT_TOO_HIGH", "The amount cannot be raised.", field="payment.amount_money.amount")
        payment.document |= {"lowered_to": money.amount, "changed_at": call.at}
        self.books.save(payment)
        self.announcer.announce(payment, "payment.updated", call.at)
        return payment

    def complete(self, call: Call, payment_id: str, asked: Completion) -> Thing:
        """Take the whole of what the payment is for; what was lowered is released."""
        payment = self._approved(call.account, payment_id, asked.version_token)
        self._capture(call, payment)
        return payment

    def cancel(self, call: Call, payment_id: str) -> Thing:
        """Release an approved payment."""
        payment = self._approved(call.account, payment_id, None)
        self._void(call, payment)
        return payment

    def cancel_by_key(self, call: Call, key: str) -> None:
        """Cancel what a key made, and forget the key. Succeeds too when the key made nothing."""
        used = self.books.use_of(call.account, CREATE, key)
        payment = self.books.any(used.object_id) if used else None
        if payment is None:
            return
        if self.views.backed(payment).status not in {"CANCELED", "FAILED"}:
            self._void(call, self._approved(call.account, payment.id, None))
        self.books.forget(call.account, CREATE, key)

    def next_due_at(self) -> float | None:
        """Return when the next delay is over."""
        return self.books.next_due_at()

    def decide_due(self, now: float) -> None:
        """Complete or cancel the payments whose delay is over."""
        for payment in self.books.due(now):
            with self.records.store.transaction():
                act = self._capture if payment.document["delay_action"] == "COMPLETE" else self._void
                act(Call(payment.account, now), payment)
                payment.document["expired"] = True
                self.books.save(payment)

    def _approved(self, account: str, payment_id: str, version: str | None) -> Thing:
        payment = self.find(account, payment_id)
        backed = self.views.backed(payment)
        if backed.status != "APPROVED":
            cancelled = "EXPIRED" if payment.document.get("expired") else "CANCELED"
            called_off = (f"DELAYED_TRANSACTION_{cancelled}", "The payment was called off.")
            raise SquareError(*_NOT_APPROVED.get(backed.status, called_off))
        if version is not None and version != self.views.payment(payment, backed)["version_token"]:
            raise SquareError("VERSION_MISMATCH", "The payment has changed since that version.")
        return payment

    def _capture(self, call: Call, payment: Thing) -> None:
        backed = self.views.backed(payment)
        self._no_delay(payment, call.at)
        key = engine_key(self.records, call, f"{payment.id}:complete")
        body = NewCapture(amount=self.views.amount(payment, backed), currency=backed.payment.currency)
        self.engine.capture(key, backed.payment.reference, body, wrong_amount=call.wrong_amount, final=True)

    def _void(self, call: Call, payment: Thing) -> None:
        self._no_delay(payment, call.at)
        reference = self.views.backed(payment).payment.reference
        self.engine.void(engine_key(self.records, call, f"{payment.id}:cancel"), reference)

    def _no_delay(self, payment: Thing, at: float) -> None:
        payment.document |= {"due_at": None, "changed_at": at}
        self.books.save(payment)


def _document(asked: NewPayment, location_id: str, source: tokens.Source) -> dict[str, Any]:
    return {
        "location_id": location_id,
        "reference_id": asked.reference_id,
        "note": asked.note,
        "source_type": "BANK_ACCOUNT" if source.is_bank else "CARD",
        "delay_duration": asked.delay_duration or DELAY,
        "delay_action": asked.delay_action,
        "failure_code": source.code,
        "lowered_to": None,
    }


def _order(payment: Thing, asked: NewPayment, instrument: str) -> EnginePayment:
    marked = PAYMENT_MARK.fullmatch(asked.reference_id or "")
    return EnginePayment(
        merchant_reference=marked[1] if marked else payment.id,
        amount=asked.amount_money.amount,
        currency=asked.amount_money.currency,
        method="card",
        instrument=instrument,
        capture="automatic" if asked.autocomplete else "manual",
        description=asked.note,
        account=payment.account,
    )


def _seconds(duration: str) -> float:
    """Return the length of an RFC 3339 duration. Raises SquareError for one that is too short."""
    found = _DURATION.fullmatch(duration)
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    total = days * 86_400 + hours * 3_600 + minutes * 60 + seconds
    if total < DELAY_MIN_S:
        raise SquareError("VALUE_TOO_LOW", "The delay is shorter than a minute.", field="delay_duration")
    return total
