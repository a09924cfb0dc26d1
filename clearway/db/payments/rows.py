"""The row of a payment: its first values, and its mapping to the domain and to the API resource."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import Row

from clearway.db.mapping import Mapped
from clearway.db.tables import payment_attempts, payment_commands, payments
from clearway.domain.attempt import Attempt
from clearway.domain.command import PaymentCommand
from clearway.domain.exchange import Settlement
from clearway.domain.ids import made_at
from clearway.domain.payment import FINAL, NewPayment, Payment, PersonalData, begun
from clearway.domain.resources import AttemptResource, PaymentResource, SettlementResource, next_action_of

PAYMENT: Final = Mapped(Payment, payments)
NEW: Final = Mapped(NewPayment, payments)
RESOURCE: Final = Mapped(
    PaymentResource,
    payments,
    renamed={
        "amount": "amount_minor",
        "amount_captured": "captured_minor",
        "amount_refunded": "refunded_minor",
        "next_attempt_at": "retry_at",
    },
)
ATTEMPT: Final = Mapped(Attempt, payment_attempts, renamed={"references": "gateway_references"})
ATTEMPT_RESOURCE: Final = Mapped(AttemptResource, payment_attempts)
COMMAND: Final = Mapped(PaymentCommand, payment_commands)
MOVED: Final = (
    *("status", "captured_minor", "gateway", "gateway_id", "gateway_reference"),
    *("action_url", "action_form", "action_expires_at", "retry_at"),
    *("error_code", "error_description", "version", "last_step"),
)
"""What a change of the payment may move. The refunded amounts are moved by the changes of refunds."""


class RecordMovedError(Exception):
    """The row differs from the state of its run: the database or Temporal was restored to an earlier time."""


def payment_of(row: Row[Any] | SimpleNamespace) -> Payment:
    """Read the part of a row that the rules need."""
    return PAYMENT.read(row)


def resource_of(row: Row[Any] | SimpleNamespace) -> PaymentResource:
    """Return the API resource of a row."""
    return RESOURCE.read(
        row,
        captured=row.captured_minor > 0,
        settlement=_shown_settlement(row),
        next_action=next_action_of(row.action_url, row.action_expires_at),
        **row.instrument,
    )


def settlement_of(row: Row[Any] | SimpleNamespace) -> Settlement | None:
    """Return the two sides of a payment by quote; None: it is in the currency of its order."""
    if row.quote_id is None:
        return None
    return Settlement(
        merchant_id=row.merchant_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        exact_minor=row.fx_exact_minor,
        settlement_minor=row.settlement_minor,
        settlement_currency=row.settlement_currency,
        refunded_minor=row.settlement_refunded_minor,
    )


def _shown_settlement(row: Row[Any] | SimpleNamespace) -> SettlementResource | None:
    if row.quote_id is None:
        return None
    return SettlementResource(
        amount=row.settlement_minor,
        currency=row.settlement_currency,
        amount_refunded=row.settlement_refunded_minor,
        rate=row.fx_rate,
        quote_id=row.quote_id,
    )


def first_row(new: NewPayment, personal: PersonalData, sealed_return_url: str | None, now: datetime) -> SimpleNamespace:
    """Return all columns of a new payment, so that the row need not be read back.

    It is created at the time in its id: lists find a period by ids, and a restore does not make a payment younger.
    """
    shown = {"instrument": personal.shown, "customer": personal.customer, "notes": personal.notes}
    more: dict[str, Any] = {
        "card_fingerprint": fingerprint_of(personal),
        "sealed_return_url": sealed_return_url,
        "created_at": made_at(new.id),
        "updated_at": now,
        "forgotten_at": None,
        "former_instruments": [],
    }
    settled = {"settlement_refunded_minor": 0}
    return SimpleNamespace(**NEW.columns(new) | PAYMENT.columns(begun(new)) | shown | settled | more)


def fingerprint_of(personal: PersonalData) -> str | None:
    """Return the fingerprint to store of a payment's card."""
    return next(iter(personal.card), None)


def new_payment_of(row: Row[Any] | SimpleNamespace) -> NewPayment:
    """Return the payment as requested. Only of an open payment: its row still has the encrypted data."""
    return NEW.read(row)


def columns_after(payment: Payment, now: datetime) -> dict[str, Any]:
    """Return the columns that a change may change, with their new values."""
    forgotten = {"personal": None, "card_fingerprint": None} if payment.status in FINAL else {}
    return forgotten | PAYMENT.columns(payment, MOVED) | {"updated_at": now}


def command_of(row: Row[Any]) -> PaymentCommand:
    """Read the row of a command."""
    return COMMAND.read(row)


def attempt_of(row: Row[Any]) -> Attempt:
    """Read the row of a payment attempt."""
    return ATTEMPT.read(row)


def attempt_resource_of(row: Row[Any] | SimpleNamespace) -> AttemptResource:
    """Return the API resource of a payment attempt."""
    return ATTEMPT_RESOURCE.read(row)
