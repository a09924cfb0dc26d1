"""Operations on refunds: create. It runs in one transaction."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from clearway.simulator.engine import Engine
from clearway.simulator.facades.stripe.amounts import journal_amount, stripe_amount
from clearway.simulator.facades.stripe.books import Books, Kind, Thing
from clearway.simulator.facades.stripe.calls import Call, engine_key
from clearway.simulator.facades.stripe.errors import StripeError, missing
from clearway.simulator.facades.stripe.events import Announcer
from clearway.simulator.facades.stripe.parameters import NewRefund
from clearway.simulator.facades.stripe.views import Try, Views
from clearway.simulator.records import Records, Status
from clearway.simulator.wire import NewRefund as EngineRefund


@dataclass(frozen=True, slots=True)
class Refunds:
    """The operations."""

    books: Books
    records: Records
    engine: Engine
    views: Views
    announcer: Announcer

    def find(self, account: str, refund_id: str) -> Thing:
        """Return a refund of an account. Raises StripeError (404)."""
        found = self.books.get(account, Kind.REFUND, refund_id)
        if found is None:
            raise missing("refund", refund_id, "refund")
        return found

    def create(self, call: Call, asked: NewRefund) -> dict[str, Any]:
        """Refund part or all of what was captured."""
        charge, tried = self._charge(call.account, asked)
        payment = tried.payment
        left = stripe_amount(payment.captured - payment.refunded, payment.currency)
        amount = left if asked.amount is None else asked.amount
        _check(charge, amount, left)
        refund_id = f"re_{secrets.token_hex(12)}"
        document = {"charge": charge.id, "metadata": asked.metadata, "reason": asked.reason}
        key = engine_key(self.records, call, refund_id)
        refund = Thing(refund_id, call.account, Kind.REFUND, document, call.at, charge.parent, key)
        self.books.add(refund)
        body = EngineRefund(amount=journal_amount(amount, payment.currency), currency=payment.currency)
        self.engine.refund(key, payment.reference, body, wrong_amount=call.wrong_amount)
        operation = self.records.operation(key)
        assert operation is not None, "the engine has just made it"
        if operation.status is Status.PROCESSING:
            self.announcer.announce(refund, "refund.created", call.at)
        return self.views.refund(refund)

    def _charge(self, account: str, asked: NewRefund) -> tuple[Thing, Try]:
        if asked.payment_intent is None and asked.charge is None:
            message = "One of the following params should be provided for this request: payment_intent or charge."
            raise StripeError(400, message, code="parameter_missing")
        if asked.charge is not None:
            found = self.books.get(account, Kind.CHARGE, asked.charge)
            if found is None:
                raise missing("charge", asked.charge, "charge")
            tried = self.views.attempt(found.operation_key or "")
        else:
            found, tried = self._of_intent(account, asked.payment_intent or "")
        if not tried.payment.captured:
            message = f"This PaymentIntent ({found.parent}) does not have a successful charge to refund."
            raise StripeError(400, message, code="payment_intent_unexpected_state")
        return found, tried

    def _of_intent(self, account: str, intent_id: str) -> tuple[Thing, Try]:
        intent = self.books.get(account, Kind.INTENT, intent_id)
        if intent is None:
            raise missing("payment_intent", intent_id, "payment_intent")
        tried = self.views.tried(intent)
        charge = self.books.of_operation(tried.operation.key) if tried else None
        if tried is None or charge is None:
            message = f"This PaymentIntent ({intent_id}) does not have a successful charge to refund."
            raise StripeError(400, message, code="payment_intent_unexpected_state")
        return charge, tried


def _check(charge: Thing, amount: int, left: int) -> None:
    if left <= 0:
        message = f"Charge {charge.id} has already been refunded."
        raise StripeError(400, message, code="charge_already_refunded")
    if amount <= 0:
        raise StripeError(400, "Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise StripeError(400, message, param="amount")
