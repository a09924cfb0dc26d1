"""Operations on refunds: create. It runs in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from clearway.simulator.engine import Engine
from clearway.simulator.facades.square.books import Books, Kind, Thing, new_id
from clearway.simulator.facades.square.calls import Call, engine_key
from clearway.simulator.facades.square.errors import SquareError, missing
from clearway.simulator.facades.square.events import Announcer
from clearway.simulator.facades.square.parameters import NewRefund
from clearway.simulator.facades.square.payments import Payments
from clearway.simulator.facades.square.views import Views
from clearway.simulator.records import Records, Status
from clearway.simulator.wire import NewRefund as EngineRefund


@dataclass(frozen=True, slots=True)
class Refunds:
    """The operations."""

    books: Books
    records: Records
    engine: Engine
    views: Views
    payments: Payments
    announcer: Announcer

    def find(self, account: str, refund_id: str) -> Thing:
        """Return a refund of a seller. Raises SquareError (404)."""
        found = self.books.get(account, Kind.REFUND, refund_id)
        if found is None:
            raise missing("refund", refund_id)
        return found

    def create(self, call: Call, asked: NewRefund) -> Thing:
        """Refund part or all of a completed payment."""
        payment = self.payments.find(call.account, asked.payment_id)
        backed, money = self.views.backed(payment), asked.amount_money
        if backed.status in {"APPROVED", "PENDING"}:
            raise SquareError("REFUND_ERROR_PAYMENT_NEEDS_COMPLETION", "The payment is not completed.")
        if backed.status != "COMPLETED":
            raise SquareError("PAYMENT_NOT_REFUNDABLE", "The payment took no money.")
        if money.currency != backed.payment.currency:
            raise SquareError("CURRENCY_MISMATCH", "The currency is not that of the payment.")
        if not 0 < money.amount <= backed.payment.captured - backed.payment.refunded:
            raise SquareError("REFUND_AMOUNT_INVALID", "The amount is more than is left.", field="amount_money.amount")
        if asked.payment_version_token not in {None, self.views.payment(payment)["version_token"]}:
            raise SquareError("VERSION_MISMATCH", "The payment has changed since that version.")
        document = {"reason": asked.reason, "location_id": payment.document["location_id"]}
        refund = Thing(f"{payment.id}_{new_id(32)}", call.account, Kind.REFUND, document, call.at, payment.id)
        refund.operation_key = engine_key(self.records, call, refund.id)
        self.books.add(refund)
        body = EngineRefund(amount=money.amount, currency=money.currency)
        self.engine.refund(refund.operation_key, backed.payment.reference, body, wrong_amount=call.wrong_amount)
        if self.views.backed(refund).operation.status is Status.PROCESSING:
            self.announcer.announce(refund, "refund.created", call.at)
        return refund
