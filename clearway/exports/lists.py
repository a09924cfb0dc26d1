"""The columns of the exports of payments, refunds and orders. Amounts are there twice: minor units and decimal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from clearway.domain.resources import OrderResource, PaymentResource, RefundResource
from clearway.exports.columns import Column, Value, decimal


def _amount(name: str, field: str) -> Sequence[Column[Any]]:
    return (
        Column(f"{name}_minor", lambda item: int(getattr(item, field)), own=True),
        Column(name, lambda item: decimal(getattr(item, field), item.currency), own=True, decimal=True),
    )


def _own(name: str) -> Column[Any]:
    return Column(name, lambda item: _text(getattr(item, name)), own=True)


def _of_others(name: str) -> Column[Any]:
    return Column(name, lambda item: getattr(item, name))


def _text(value: Any) -> Value:
    """Enums are texts that know their class, which the writers need not."""
    return str(value) if isinstance(value, str) else value


def _part(name: str, whole: str, field: str) -> Column[PaymentResource]:
    """A field of a part that not every payment has."""
    return Column(name, lambda payment: getattr(getattr(payment, whole), field, None))


PAYMENTS: Final[Sequence[Column[PaymentResource]]] = (
    _own("id"),
    _own("created_at"),
    _own("status"),
    *_amount("amount", "amount"),
    _own("currency"),
    *_amount("amount_captured", "amount_captured"),
    *_amount("amount_refunded", "amount_refunded"),
    _own("method"),
    _of_others("vpa"),
    _part("card_brand", "card", "brand"),
    _part("card_last4", "card", "last4"),
    _part("bank", "bank", "code"),
    _part("wallet", "wallet", "code"),
    _part("customer_id", "customer", "id"),
    _part("customer_name", "customer", "name"),
    _part("customer_email", "customer", "email"),
    _part("customer_phone", "customer", "phone"),
    _own("order_id"),
    _own("gateway"),
    _own("gateway_id"),
    _own("error_code"),
    _of_others("error_description"),
    _own("updated_at"),
)
REFUNDS: Final[Sequence[Column[RefundResource]]] = (
    _own("id"),
    _own("created_at"),
    _own("status"),
    *_amount("amount", "amount"),
    _own("currency"),
    _own("payment_id"),
    _of_others("reason"),
    _own("error_code"),
    _of_others("error_description"),
    _own("updated_at"),
)
ORDERS: Final[Sequence[Column[OrderResource]]] = (
    _own("id"),
    _own("created_at"),
    _own("status"),
    *_amount("amount", "amount"),
    _own("currency"),
    _of_others("receipt"),
    _own("expires_at"),
    _own("updated_at"),
)
