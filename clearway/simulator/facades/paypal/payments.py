"""Operations on authorizations and captures: capture, reauthorize, void, refund. Each in one transaction."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from clearway.simulator.engine import Engine
from clearway.simulator.facades.paypal.amounts import journal_amount
from clearway.simulator.facades.paypal.books import Books, Kind, Thing, new_id
from clearway.simulator.facades.paypal.calls import Call, engine_key
from clearway.simulator.facades.paypal.errors import PayPalError, missing
from clearway.simulator.facades.paypal.events import Announcer
from clearway.simulator.facades.paypal.invoices import Invoices
from clearway.simulator.facades.paypal.parameters import Money, NewCapture, NewRefund, Reauthorization
from clearway.simulator.facades.paypal.views import AUTHORIZATION_LIFE_S, Backed, Views
from clearway.simulator.records import Records, Status
from clearway.simulator.wire import NewCapture as EngineCapture
from clearway.simulator.wire import NewRefund as EngineRefund

_NOT_CAPTURABLE: Final = {
    "VOIDED": "AUTHORIZATION_VOIDED",
    "DENIED": "AUTHORIZATION_DENIED",
    "CAPTURED": "AUTHORIZATION_ALREADY_CAPTURED",
    "PENDING": "TRANSACTION_REFUSED",
}
_NOT_VOIDABLE: Final = {
    "VOIDED": "PREVIOUSLY_VOIDED",
    "CAPTURED": "PREVIOUSLY_CAPTURED",
    "DENIED": "AUTHORIZATION_DENIED",
}
_NOT_REFUNDABLE: Final = {
    "PENDING": "PENDING_CAPTURE",
    "DECLINED": "REFUND_NOT_ALLOWED",
    "REFUNDED": "CAPTURE_FULLY_REFUNDED",
}
_COUNTED: Final = {Status.PROCESSING, Status.SUCCEEDED}


@dataclass(frozen=True, slots=True)
class Payments:
    """The operations. honor_s: how long an authorization is honoured; only then it may be reauthorized, once."""

    books: Books
    records: Records
    engine: Engine
    views: Views
    announcer: Announcer
    invoices: Invoices
    honor_s: float

    def find(self, account: str, kind: Kind, object_id: str) -> Thing:
        """Return an authorization, capture or refund of an account. Raises PayPalError (404)."""
        found = self.books.get(account, kind, object_id)
        if found is None or found.document.get("hidden"):
            raise missing()
        return found

    def capture(self, call: Call, authorization_id: str, asked: NewCapture) -> Thing:
        """Take part or all of what is authorised; with final_capture what is left is released."""
        authorization = self.find(call.account, Kind.AUTHORIZATION, authorization_id)
        backed = self.views.backed(authorization)
        self._require_capturable(authorization, backed)
        payment = backed.payment
        amount = _amount(asked.amount, payment.open_authorisation, payment.currency, "AUTH_CAPTURE_CURRENCY_MISMATCH")
        if amount > payment.open_authorisation:
            raise PayPalError("MAX_CAPTURE_AMOUNT_EXCEEDED", field="/amount/value")
        self.invoices.require_new(call.account, asked.invoice_id)
        made_id = new_id()
        key = engine_key(self.records, call, made_id)
        document = {
            "authorization": authorization.id,
            "final": asked.final_capture,
            "invoice_id": asked.invoice_id or authorization.document.get("invoice_id"),
            "custom_id": authorization.document.get("custom_id"),
        }
        capture = Thing(made_id, call.account, Kind.CAPTURE, document, call.at, authorization.parent, key)
        self.books.add(capture)
        body = EngineCapture(amount=amount, currency=payment.currency)
        self.engine.capture(key, payment.reference, body, wrong_amount=call.wrong_amount, final=asked.final_capture)
        return capture

    def void(self, call: Call, authorization_id: str) -> Thing:
        """Release what is authorised and not captured."""
        authorization = self.find(call.account, Kind.AUTHORIZATION, authorization_id)
        if authorization.document.get("reauthorizes"):
            raise PayPalError("CANNOT_BE_VOIDED")
        backed = self.views.backed(authorization)
        status = self.views.authorization_status(authorization, backed.operation, backed.payment)
        if status in _NOT_VOIDABLE:
            raise PayPalError(_NOT_VOIDABLE[status])
        authorization.document["voided"] = True
        self.books.save(authorization)
        self.engine.void(engine_key(self.records, call, f"{authorization.id}:void"), backed.payment.reference)
        return authorization

    def reauthorize(self, call: Call, authorization_id: str, asked: Reauthorization) -> Thing:
        """Renew an authorization. The stand-in accepts only the first amount."""
        authorization = self.find(call.account, Kind.AUTHORIZATION, authorization_id)
        backed = self.views.backed(authorization)
        payment = backed.payment
        self._require_capturable(authorization, backed)
        amount = _amount(asked.amount, payment.amount, payment.currency, "AUTH_CAPTURE_CURRENCY_MISMATCH")
        if amount != payment.amount:
            raise PayPalError("AUTHORIZATION_AMOUNT_EXCEEDED", field="/amount/value")
        early = time.time() < authorization.created_at + self.honor_s
        again = authorization.document.get("reauthorizes") or authorization.document.get("reauthorized")
        if early or again or payment.captured:
            raise PayPalError("REAUTHORIZATION_NOT_SUPPORTED")
        named = {name: authorization.document.get(name) for name in ("invoice_id", "custom_id")}
        document = named | {"reauthorizes": authorization.id}
        authorization.document["reauthorized"] = True
        self.books.save(authorization)
        made = Thing(
            new_id(),
            call.account,
            Kind.AUTHORIZATION,
            document,
            call.at,
            authorization.parent,
            authorization.operation_key,
        )
        self.books.add(made)
        return made

    def refund(self, call: Call, capture_id: str, asked: NewRefund) -> Thing:
        """Refund part or all of a capture."""
        capture = self.find(call.account, Kind.CAPTURE, capture_id)
        backed = self.views.backed(capture)
        status = self.views.capture_status(capture, backed.operation)
        if status in _NOT_REFUNDABLE:
            raise PayPalError(_NOT_REFUNDABLE[status])
        payment = backed.payment
        left = backed.operation.amount - self.views.refunded(capture, _COUNTED)
        if left <= 0:
            raise PayPalError("CAPTURE_FULLY_REFUNDED")
        amount = _amount(asked.amount, left, payment.currency, "REFUND_CAPTURE_CURRENCY_MISMATCH")
        if amount > left:
            raise PayPalError("REFUND_AMOUNT_EXCEEDED", field="/amount/value")
        self.invoices.require_new(call.account, asked.invoice_id)
        made_id = new_id()
        key = engine_key(self.records, call, made_id)
        document = {"capture": capture.id, "invoice_id": asked.invoice_id, "custom_id": asked.custom_id}
        refund = Thing(made_id, call.account, Kind.REFUND, document, call.at, capture.parent, key)
        self.books.add(refund)
        body = EngineRefund(amount=amount, currency=payment.currency)
        self.engine.refund(key, payment.reference, body, wrong_amount=call.wrong_amount)
        if self.views.backed(refund).operation.status is Status.PROCESSING:
            self.announcer.announce(refund, "PAYMENT.REFUND.PENDING", call.at)
        return refund

    def _require_capturable(self, authorization: Thing, backed: Backed) -> None:
        status = self.views.authorization_status(authorization, backed.operation, backed.payment)
        if status in _NOT_CAPTURABLE:
            raise PayPalError(_NOT_CAPTURABLE[status])
        if time.time() > authorization.created_at + AUTHORIZATION_LIFE_S:
            raise PayPalError("AUTHORIZATION_EXPIRED")


def _amount(asked: Money | None, usual: int, currency: str, mismatch: str) -> int:
    """Return the requested amount, in minor units of the journal. Raises PayPalError."""
    if asked is None:
        return usual
    amount = journal_amount(asked.value, asked.currency_code, "/amount")
    if asked.currency_code != currency:
        raise PayPalError(mismatch, field="/amount/currency_code")
    return amount
