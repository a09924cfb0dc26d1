"""PayPal's objects as answers and webhooks show them. Reads; changes nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from clearway.simulator.facades.paypal.accounts import account_id
from clearway.simulator.facades.paypal.amounts import money
from clearway.simulator.facades.paypal.books import Books, Kind, Thing
from clearway.simulator.records import Operation, Payment, Records, Status

ROOT: Final = "/paypal"
AUTHORIZATION_LIFE_S: Final = 29 * 86_400
_AUTHORIZATION: Final = {
    Status.PROCESSING: "PENDING",
    Status.REQUIRES_ACTION: "PENDING",
    Status.DECLINED: "DENIED",
    Status.CANCELED: "VOIDED",
}
_REFUND: Final = {Status.PROCESSING: "PENDING", Status.SUCCEEDED: "COMPLETED", Status.FAILED: "FAILED"}
_WAITING: Final = {"CREATED": "approve", "PAYER_ACTION_REQUIRED": "payer-action"}


@dataclass(frozen=True, slots=True)
class Backed:
    """The engine's operation and payment behind an authorization, capture or refund."""

    operation: Operation
    payment: Payment


@dataclass(frozen=True, slots=True)
class Views:
    """Builds answers from documents and the engine's records."""

    books: Books
    records: Records
    public_url: str

    def backed(self, thing: Thing) -> Backed:
        """Return the engine's operation and payment behind an object."""
        operation = self.records.operation(thing.operation_key or "")
        assert operation is not None, "an object names an operation that exists"
        payment = self.records.payment(operation.payment_reference)
        assert payment is not None, "an operation has its payment"
        return Backed(operation, payment)

    def show(self, thing: Thing, operation: Operation | None = None) -> dict[str, Any]:
        """Return an object as it is now. operation: replaces the one behind it."""
        match thing.kind:
            case Kind.ORDER:
                return self.order(thing)
            case Kind.AUTHORIZATION:
                return self.authorization(thing, operation)
            case Kind.CAPTURE:
                return self.capture(thing, operation)
            case Kind.REFUND:
                return self.refund(thing, operation)
        return dict(thing.document)

    def order(self, order: Thing) -> dict[str, Any]:
        """Return an order with its payments."""
        document = order.document
        unit = dict(document["unit"])
        unit["payee"] = {"email_address": "merchant@paypal.example", "merchant_id": order.account}
        payments = {
            name: [self.show(one) for one in self.books.children(order.id, kind) if not one.document.get("hidden")]
            for name, kind in (
                ("authorizations", Kind.AUTHORIZATION),
                ("captures", Kind.CAPTURE),
                ("refunds", Kind.REFUND),
            )
        }
        if any(payments.values()):
            unit["payments"] = {name: found for name, found in payments.items() if found}
        body = {
            "id": order.id,
            "intent": document["intent"],
            "status": document["status"],
            "purchase_units": [unit],
            "create_time": moment(order.created_at),
            "links": self._order_links(order),
        }
        if document["context"] is not None:
            body["payment_source"] = {"paypal": _payer(order) if document["funding"] else {}}
        if document["funding"]:
            body["payer"] = {"email_address": "payer@paypal.example", "payer_id": payer_id(order)}
        return body

    def authorization(self, thing: Thing, operation: Operation | None = None) -> dict[str, Any]:
        """Return an authorization."""
        backed = self.backed(thing)
        operation = operation or backed.operation
        body = self._common(thing, self.authorization_status(thing, operation, backed.payment), operation)
        body["amount"] = money(backed.payment.amount, backed.payment.currency)
        body["expiration_time"] = moment(thing.created_at + AUTHORIZATION_LIFE_S)
        return body | _pending(body["status"])

    def authorization_status(self, thing: Thing, operation: Operation, payment: Payment) -> str:
        """Return the status of an authorization."""
        if operation.status in _AUTHORIZATION:
            return _AUTHORIZATION[operation.status]
        if thing.document.get("voided"):
            return "VOIDED"
        if not payment.open_authorisation:
            return "CAPTURED"
        return "PARTIALLY_CAPTURED" if payment.captured else "CREATED"

    def capture(self, thing: Thing, operation: Operation | None = None) -> dict[str, Any]:
        """Return a capture."""
        backed = self.backed(thing)
        operation = operation or backed.operation
        body = self._common(thing, self.capture_status(thing, operation), operation)
        body["amount"] = money(operation.amount, operation.currency)
        body["final_capture"] = thing.document["final"]
        if thing.document.get("authorization"):
            body["supplementary_data"]["related_ids"]["authorization_id"] = thing.document["authorization"]
        return body | _pending(body["status"])

    def capture_status(self, thing: Thing, operation: Operation) -> str:
        """Return the status of a capture."""
        if operation.status is Status.PROCESSING:
            return "PENDING"
        if operation.status not in {Status.CAPTURED, Status.SUCCEEDED}:
            return "DECLINED"
        refunded = self.refunded(thing, {Status.SUCCEEDED})
        if not refunded:
            return "COMPLETED"
        return "REFUNDED" if refunded >= operation.amount else "PARTIALLY_REFUNDED"

    def refunded(self, capture: Thing, statuses: set[Status]) -> int:
        """Return the refunded amount of a capture, in minor units."""
        refunds = self.books.children(capture.parent or "", Kind.REFUND)
        operations = [self.backed(one).operation for one in refunds if one.document["capture"] == capture.id]
        return sum(operation.amount for operation in operations if operation.status in statuses)

    def refund(self, thing: Thing, operation: Operation | None = None) -> dict[str, Any]:
        """Return a refund."""
        operation = operation or self.backed(thing).operation
        body = self._common(thing, _REFUND[operation.status], operation)
        body.pop("supplementary_data")
        body["amount"] = money(operation.amount, operation.currency)
        body["links"].append(self._link("up", "GET", f"/v2/payments/captures/{thing.document['capture']}"))
        return body | ({"status_details": {"reason": "ECHECK"}} if body["status"] == "PENDING" else {})

    def minimal(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the minimal representation."""
        return {name: body[name] for name in ("id", "status", "links")}

    def page_url(self, order_id: str) -> str:
        """Return the page where the payer approves."""
        return f"{self.public_url}{ROOT}/checkoutnow?token={order_id}"

    def _common(self, thing: Thing, status: str, operation: Operation) -> dict[str, Any]:
        plural = {Kind.AUTHORIZATION: "authorizations", Kind.CAPTURE: "captures", Kind.REFUND: "refunds"}[thing.kind]
        named = {name: thing.document[name] for name in ("invoice_id", "custom_id") if thing.document.get(name)}
        return {
            "id": thing.id,
            "status": status,
            **named,
            "supplementary_data": {"related_ids": {"order_id": thing.parent}},
            "create_time": moment(thing.created_at),
            "update_time": moment(operation.updated_at),
            "links": [self._link("self", "GET", f"/v2/payments/{plural}/{thing.id}")],
        }

    def _order_links(self, order: Thing) -> list[dict[str, str]]:
        status, path = order.document["status"], f"/v2/checkout/orders/{order.id}"
        links = [self._link("self", "GET", path)]
        if status in _WAITING:
            links.append({"href": self.page_url(order.id), "rel": _WAITING[status], "method": "GET"})
        if status == "APPROVED":
            act = order.document["intent"].lower()
            links.append(self._link(act, "POST", f"{path}/{act}"))
        return links

    def _link(self, rel: str, method: str, path: str) -> dict[str, str]:
        return {"href": f"{self.public_url}{ROOT}{path}", "rel": rel, "method": method}


def moment(at: float) -> str:
    """Return Unix seconds as PayPal writes moments."""
    return dt.datetime.fromtimestamp(int(at), tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def payer_id(order: Thing) -> str:
    """Return the id of the payer of an order."""
    return account_id(order.id)


def _payer(order: Thing) -> dict[str, Any]:
    return {"email_address": "payer@paypal.example", "account_id": payer_id(order), "account_status": "VERIFIED"}


def _pending(status: str) -> dict[str, Any]:
    return {"status_details": {"reason": "PENDING_REVIEW"}} if status == "PENDING" else {}
