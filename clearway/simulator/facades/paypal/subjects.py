"""The subject of a request for fault rules: the payment, its amount, and how it is paid."""

from __future__ import annotations

from typing import Any

from clearway.simulator.facades.paypal.amounts import journal_amount
from clearway.simulator.facades.paypal.books import Books, Kind, Thing
from clearway.simulator.facades.paypal.desk import SubjectOf
from clearway.simulator.facades.paypal.errors import PayPalError
from clearway.simulator.facades.paypal.orders import FUNDINGS
from clearway.simulator.facades.paypal.parameters import Money, NewOrder
from clearway.simulator.facades.paypal.views import Views
from clearway.simulator.faults import Operation, Subject


def about_new_order(_account: str, asked: NewOrder, key: str | None) -> Subject:
    """Return the subject of a new order: the first step, which moves no money."""
    unit = asked.purchase_units[0]
    return Subject(Operation.PREPARE, key, unit.custom_id, "wallet", _minor(unit.amount))


def about(books: Books, views: Views, operation: Operation, object_id: str) -> SubjectOf:
    """Return the subject of a request about an order, authorization, capture or refund."""

    def subject(account: str, asked: Any, key: str | None) -> Subject:
        found = books.any(object_id)
        if found is None or found.account != account or found.kind in {Kind.WEBHOOK, Kind.EVENT}:
            return Subject(operation, key)
        order = found if found.kind is Kind.ORDER else books.any(found.parent or "")
        given = getattr(asked, "amount", None)
        amount = _minor(given) if given is not None else _amount(found, views)
        return Subject(operation, key, _payment_id(order), "wallet", amount, _instrument(order))

    return subject


def _payment_id(order: Thing | None) -> str | None:
    return order.document["unit"].get("custom_id", order.id) if order else None


def _instrument(order: Thing | None) -> str | None:
    funding = order.document["funding"] if order else None
    return FUNDINGS[funding][0] if funding else None


def _amount(thing: Thing, views: Views) -> int | None:
    if thing.kind is Kind.ORDER:
        return _minor(Money(**thing.document["unit"]["amount"]))
    return views.backed(thing).operation.amount


def _minor(amount: Money) -> int | None:
    try:
        return journal_amount(amount.value, amount.currency_code, "")
    except PayPalError:
        return None  # The operation refuses it with PayPal's error.
