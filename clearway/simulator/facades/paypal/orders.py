"""Operations on an order: create, approve, capture, authorize. Each runs in one transaction."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

from clearway.simulator.engine import Engine
from clearway.simulator.facades.paypal.amounts import journal_amount
from clearway.simulator.facades.paypal.books import Books, Kind, Thing, new_id
from clearway.simulator.facades.paypal.calls import CHANNEL, Call, engine_key
from clearway.simulator.facades.paypal.errors import PayPalError, decline_of, missing
from clearway.simulator.facades.paypal.events import Announcer
from clearway.simulator.facades.paypal.invoices import Invoices
from clearway.simulator.facades.paypal.parameters import NewOrder
from clearway.simulator.records import Records, Status
from clearway.simulator.wire import NewPayment

FUNDINGS: Final = {
    "balance": ("success", 0.0),
    "declined": ("failure", 0.0),
    "empty": ("lowfunds", 0.0),
    "review": ("success", 0.5),
    "review-declined": ("failure", 0.5),
    "refund-fails": ("refundfails", 0.0),
}
"""What the payer may choose to pay with: a wallet of the engine, and how many seconds PayPal reviews the payment."""
WAITING: Final = ("CREATED", "PAYER_ACTION_REQUIRED")
_ALREADY: Final = {"CAPTURE": "ORDER_ALREADY_CAPTURED", "AUTHORIZE": "ORDER_ALREADY_AUTHORIZED"}


@dataclass(frozen=True, slots=True)
class Orders:
    """Operations on orders. life_s: how long an order waits for its approval, and again for its capture."""

    books: Books
    records: Records
    engine: Engine
    announcer: Announcer
    invoices: Invoices
    life_s: float

    def find(self, account: str, order_id: str) -> Thing:
        """Return an order of an account. Raises PayPalError (404), also when it has expired."""
        found = self.books.get(account, Kind.ORDER, order_id)
        if found is None or self._has_expired(found):
            raise missing()
        return found

    def create(self, call: Call, asked: NewOrder) -> Thing:
        """Make an order: no money moves."""
        if asked.payment_source is not None and call.request_id is None:
            raise PayPalError("PAYPAL_REQUEST_ID_REQUIRED")
        unit = asked.purchase_units[0]
        journal_amount(unit.amount.value, unit.amount.currency_code, "/purchase_units/0/amount")
        context = asked.payment_source.paypal.experience_context if asked.payment_source else None
        document: dict[str, Any] = {
            "intent": asked.intent,
            "status": "CREATED" if context is None else "PAYER_ACTION_REQUIRED",
            "unit": unit.model_dump(exclude_none=True),
            "context": context.model_dump(exclude_none=True) if context else None,
            "funding": None,
            "waits_since": call.at,
        }
        order = Thing(new_id(), call.account, Kind.ORDER, document, call.at)
        self.books.add(order)
        return order

    def approve(self, order: Thing, funding: str) -> bool:
        """Record the payer's approval. Returns False when the order no longer waits for one."""
        if order.document["status"] not in WAITING or self._has_expired(order):
            return False
        now = time.time()
        order.document |= {"status": "APPROVED", "funding": funding, "waits_since": now}
        self.books.save(order)
        self.announcer.announce(order, "CHECKOUT.ORDER.APPROVED", now)
        return True

    def capture(self, call: Call, order_id: str) -> Thing:
        """Take the money of an approved order."""
        return self._pay(call, self._approved(call, order_id, "CAPTURE"), Kind.CAPTURE)

    def authorize(self, call: Call, order_id: str) -> Thing:
        """Reserve the money of an approved order."""
        return self._pay(call, self._approved(call, order_id, "AUTHORIZE"), Kind.AUTHORIZATION)

    def _approved(self, call: Call, order_id: str, intent: str) -> Thing:
        order = self.books.get(call.account, Kind.ORDER, order_id)
        if order is None:
            raise missing()
        if order.document["intent"] != intent:
            raise PayPalError("ACTION_DOES_NOT_MATCH_INTENT")
        if order.document["status"] == "COMPLETED":
            raise PayPalError(_ALREADY[intent])
        if self._has_expired(order):
            raise PayPalError("ORDER_EXPIRED")
        if order.document["status"] != "APPROVED":
            raise PayPalError("ORDER_NOT_APPROVED")
        return order

    def _pay(self, call: Call, order: Thing, kind: Kind) -> Thing:
        unit = order.document["unit"]
        self.invoices.require_new(call.account, unit.get("invoice_id"))
        named = {name: unit[name] for name in ("custom_id", "invoice_id") if name in unit}
        made_id = new_id()
        key = engine_key(self.records, call, made_id)
        final = {"final": True} if kind is Kind.CAPTURE else {}
        thing = Thing(made_id, call.account, kind, named | final, call.at, order.id, key)
        self.books.add(thing)
        instrument, delay_s = FUNDINGS[order.document["funding"]]
        self.engine.pay(
            key,
            _payment(order, instrument, "automatic" if kind is Kind.CAPTURE else "manual"),
            wrong_amount=call.wrong_amount,
            channel=CHANNEL,
            delay_s=delay_s,
        )
        self._settle(call, order, thing)
        return order

    def _settle(self, call: Call, order: Thing, thing: Thing) -> None:
        operation = self.records.operation(thing.operation_key or "")
        assert operation is not None, "the engine has just made it"
        if operation.status is Status.DECLINED:
            # The order stays open: the payer may choose another source on the same page.
            thing.document["hidden"] = True
            self.books.save(thing)
            order.document |= {"status": "PAYER_ACTION_REQUIRED", "waits_since": call.at}
            self.books.save(order)
            raise PayPalError(decline_of(operation.failure or ""))
        order.document["status"] = "COMPLETED"
        self.books.save(order)
        self.announcer.announce(order, "CHECKOUT.ORDER.COMPLETED", call.at)
        if operation.status is Status.PROCESSING and thing.kind is Kind.CAPTURE:
            self.announcer.announce(thing, "PAYMENT.CAPTURE.PENDING", call.at)

    def _has_expired(self, order: Thing) -> bool:
        open_ = order.document["status"] in {*WAITING, "APPROVED"}
        return bool(open_ and time.time() > order.document["waits_since"] + self.life_s)


def _payment(order: Thing, instrument: str, capture: Any) -> NewPayment:
    unit = order.document["unit"]
    currency = unit["amount"]["currency_code"]
    return NewPayment(
        merchant_reference=unit.get("custom_id", order.id),
        amount=journal_amount(unit["amount"]["value"], currency, "/purchase_units/0/amount"),
        currency=currency,
        method="wallet",
        instrument=instrument,
        capture=capture,
        description=unit.get("description"),
        account=order.account,
    )
