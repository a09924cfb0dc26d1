"""Square's objects as answers and webhooks show them. Reads; changes nothing."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any, Final

from clearway.simulator.facades.square.books import Books, Thing
from clearway.simulator.facades.square.errors import decline_of, error
from clearway.simulator.failures import MESSAGES
from clearway.simulator.records import Operation, Payment, Records, Status

_REFUND: Final = {Status.PROCESSING: "PENDING", Status.SUCCEEDED: "COMPLETED", Status.FAILED: "FAILED"}
_CARD: Final = {"APPROVED": "AUTHORIZED", "COMPLETED": "CAPTURED", "CANCELED": "VOIDED", "FAILED": "FAILED"}


@dataclass(frozen=True, slots=True)
class Backed:
    """The engine's operation and payment behind an object."""

    operation: Operation
    payment: Payment

    @property
    def status(self) -> str:
        """The status of the payment."""
        match self.operation.status:
            case Status.PROCESSING | Status.REQUIRES_ACTION:
                return "PENDING"
            case Status.DECLINED:
                return "FAILED"
            case Status.CANCELED:
                return "CANCELED"
        if self.payment.captured:
            return "COMPLETED"
        return "APPROVED" if self.payment.open_authorisation else "CANCELED"


@dataclass(frozen=True, slots=True)
class Views:
    """Builds answers from documents and the engine's records."""

    books: Books
    records: Records

    def backed(self, thing: Thing) -> Backed:
        """Return the engine's operation and payment behind an object."""
        operation = self.records.operation(thing.operation_key or "")
        assert operation is not None, "an object names an operation that exists"
        payment = self.records.payment(operation.payment_reference)
        assert payment is not None, "an operation has its payment"
        return Backed(operation, payment)

    def amount(self, payment: Thing, backed: Backed) -> int:
        """Return what is or will be taken: less than was approved once it was lowered."""
        lowered = payment.document["lowered_to"]
        return backed.payment.captured or (backed.payment.amount if lowered is None else lowered)

    def payment(self, payment: Thing, backed: Backed | None = None) -> dict[str, Any]:
        """Return a payment. backed: replaces the engine's present records."""
        backed = backed or self.backed(payment)
        document, status, currency = payment.document, backed.status, backed.payment.currency
        amount, refunds = self.amount(payment, backed), self.books.children(payment.id)
        body = {
            "id": payment.id,
            "created_at": moment(payment.created_at),
            "updated_at": moment(self.updated_at(payment, backed)),
            "amount_money": money(amount, currency),
            "total_money": money(amount, currency),
            "status": status,
            "source_type": document["source_type"],
            "location_id": document["location_id"],
            "receipt_number": payment.id[:4],
            "application_details": {"square_product": "ECOMMERCE_API", "application_id": "sandbox-sq0idb-stand-in"},
            "delay_duration": document["delay_duration"],
            "delay_action": document["delay_action"],
            "delayed_until": moment(document["delayed_until"]),
        }
        if status in {"APPROVED", "COMPLETED", "CANCELED"}:
            body["approved_money"] = money(backed.payment.amount, currency)
        if status == "APPROVED":
            body["capabilities"] = ["EDIT_AMOUNT_DOWN"]
        if backed.payment.refunded:
            body["refunded_money"] = money(backed.payment.refunded, currency)
        if refunds:
            body["refund_ids"] = [refund.id for refund in refunds]
        body |= {name: document[name] for name in ("reference_id", "note") if document[name] is not None}
        body |= self._details(payment, backed, status)
        body["version_token"] = _version(payment.id, status, amount, backed.payment.refunded, len(refunds))
        return body

    def refund(self, refund: Thing, operation: Operation | None = None) -> dict[str, Any]:
        """Return a refund."""
        operation = operation or self.backed(refund).operation
        document = refund.document
        body = {
            "id": refund.id,
            "status": _REFUND[operation.status],
            "amount_money": money(operation.amount, operation.currency),
            "payment_id": refund.parent,
            "location_id": document["location_id"],
            "destination_type": "CARD",
            "created_at": moment(refund.created_at),
            "updated_at": moment(operation.updated_at),
        }
        return body | ({"reason": document["reason"]} if document["reason"] is not None else {})

    def updated_at(self, thing: Thing, backed: Backed) -> float:
        """Return when an object changed last, in Unix seconds."""
        return max(float(thing.document.get("changed_at", 0)), backed.operation.updated_at)

    def errors(self, payment: Thing, backed: Backed) -> list[dict[str, Any]]:
        """Return why a payment failed."""
        failure = backed.operation.failure
        if failure is None or backed.operation.status is not Status.DECLINED:
            return []
        code = payment.document["failure_code"] or decline_of(failure)
        return [error(code, MESSAGES.get(failure, "Authorization error."))]

    def _details(self, payment: Thing, backed: Backed, status: str) -> dict[str, Any]:
        errors = self.errors(payment, backed)
        if payment.document["source_type"] == "BANK_ACCOUNT":
            details: dict[str, Any] = {"bank_name": "Bank of the stand-in", "transfer_type": "ACH"}
            return {"bank_account_details": details | ({"errors": errors} if errors else {})}
        timeline = {}
        if backed.payment.authorised:
            timeline["authorized_at"] = moment(payment.created_at)
        changed_at = moment(self.updated_at(payment, backed))
        timeline |= {"COMPLETED": {"captured_at": changed_at}, "CANCELED": {"voided_at": changed_at}}.get(status, {})
        details = {
            "status": _CARD.get(status, "AUTHORIZED"),
            "card": {"card_brand": "VISA", "last_4": "1111", "exp_month": 12, "exp_year": 2040, "card_type": "CREDIT"},
            "entry_method": "KEYED",
            "cvv_status": "CVV_REJECTED" if any(one["code"] == "CVV_FAILURE" for one in errors) else "CVV_ACCEPTED",
            "avs_status": "AVS_ACCEPTED",
            "statement_description": "SQ *STAND-IN",
            "card_payment_timeline": timeline,
        }
        return {"card_details": details | ({"errors": errors} if errors else {})}


def money(minor: int, currency: str) -> dict[str, Any]:
    """Return an amount of the journal: Square's units are those of ISO 4217."""
    return {"amount": minor, "currency": currency}


def moment(at: float) -> str:
    """Return Unix seconds as Square writes moments."""
    return dt.datetime.fromtimestamp(at, tz=dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _version(*parts: object) -> str:
    """Return the token of a version: another one after every change."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:40] + "6o"
