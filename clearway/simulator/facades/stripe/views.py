"""Stripe's objects as answers and events show them. Reads; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from clearway.simulator.facades.stripe.amounts import stripe_amount
from clearway.simulator.facades.stripe.books import Books, Kind, Thing
from clearway.simulator.facades.stripe.errors import StripeError, failure_of, message_of
from clearway.simulator.records import Operation, Payment, Records, Status
from clearway.simulator.wire import page_path

EXPANDABLE: Final = {"latest_charge", "payment_method", "charge", "payment_intent", "source"}
EXPANSION_DEPTH_MAX: Final = 4
_REFUND_STATUS: Final = {Status.PROCESSING: "pending", Status.SUCCEEDED: "succeeded", Status.FAILED: "failed"}


@dataclass(frozen=True, slots=True)
class Try:
    """The last confirmation of an intent: the engine's operation and payment."""

    operation: Operation
    payment: Payment


def intent_status(document: dict[str, Any], tried: Try | None) -> str:
    """Return the status of an intent."""
    if tried is None or tried.operation.status is Status.DECLINED:
        refused = tried.payment.instrument if tried else None
        waiting = "requires_payment_method" if document["payment_method"] == refused else "requires_confirmation"
        return "canceled" if document["canceled_at"] else waiting
    match tried.operation.status:
        case Status.PROCESSING:
            return "processing"
        case Status.REQUIRES_ACTION:
            return "requires_action"
        case Status.CANCELED:
            return "canceled"
    payment = tried.payment
    if payment.open_authorisation:
        return "requires_capture"
    return "succeeded" if payment.captured else "canceled"


class Views:
    """Builds answers from documents and the engine's records."""

    def __init__(self, books: Books, records: Records, public_url: str) -> None:
        self._books = books
        self._records = records
        self._public_url = public_url

    def tried(self, intent: Thing) -> Try | None:
        """Return the last confirmation of an intent."""
        key = intent.document["tried"]
        return self.attempt(key) if key else None

    def operation_of(self, reference: str) -> Operation:
        """Return the operation that made a payment."""
        operation = self._records.payment_operation(reference)
        assert operation is not None, "a payment has the operation that made it"
        return operation

    def attempt(self, key: str) -> Try:
        """Return the confirmation that has this operation key."""
        operation = self._records.operation(key)
        assert operation is not None, "an intent names operations that exist"
        payment = self._records.payment(operation.payment_reference)
        assert payment is not None, "an operation has its payment"
        return Try(operation, payment)

    def status(self, intent: Thing) -> str:
        """Return the status of an intent now."""
        return intent_status(intent.document, self.tried(intent))

    def show(self, thing: Thing) -> dict[str, Any]:
        """Return an object of any kind as it is now."""
        match thing.kind:
            case Kind.INTENT:
                return self.intent(thing)
            case Kind.CHARGE:
                return self.charge(thing)
            case Kind.REFUND:
                return self.refund(thing)
            case Kind.METHOD:
                return method(thing)
        return {name: value for name, value in thing.document.items() if name != "secret"}

    def intent(self, intent: Thing, tried: Try | None = None) -> dict[str, Any]:
        """Return a PaymentIntent. tried: replaces its last confirmation."""
        document, tried = intent.document, tried or self.tried(intent)
        status, currency = intent_status(document, tried), document["currency"].upper()
        decided = tried.payment if tried and status not in {"processing", "requires_action"} else None
        charge = self._books.of_operation(document["tried"]) if document["tried"] else None
        return {
            "id": intent.id,
            "object": "payment_intent",
            "amount": document["amount"],
            "amount_capturable": stripe_amount(decided.open_authorisation, currency) if decided else 0,
            "amount_received": stripe_amount(decided.captured, currency) if decided else 0,
            "application": None,
            "automatic_payment_methods": document["automatic_payment_methods"],
            "canceled_at": document["canceled_at"],
            "cancellation_reason": document["cancellation_reason"],
            "capture_method": document["capture_method"],
            "client_secret": document["client_secret"],
            "confirmation_method": "automatic",
            "created": int(intent.created_at),
            "currency": document["currency"],
            "customer": None,
            "description": document["description"],
            "last_payment_error": self._last_error(tried, charge),
            "latest_charge": charge.id if charge and tried and is_charged(tried.operation) else None,
            "livemode": False,
            "metadata": document["metadata"],
            "next_action": self._next_action(document, tried) if tried and status == "requires_action" else None,
            "payment_method": None if status == "requires_payment_method" else document["payment_method"],
            "payment_method_options": {"card": _card_options(document)},
            "payment_method_types": document["payment_method_types"],
            "processing": None,
            "receipt_email": None,
            "setup_future_usage": None,
            "shipping": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": document["statement_descriptor_suffix"],
            "status": status,
            "transfer_data": None,
            "transfer_group": document["transfer_group"],
        }

    def charge(self, charge: Thing, tried: Try | None = None) -> dict[str, Any]:
        """Return a charge: one confirmation of an intent that reached the issuer or Radar."""
        assert charge.operation_key is not None, "a charge is an operation's"
        tried = tried or self.attempt(charge.operation_key)
        payment, failure = tried.payment, tried.operation.failure
        currency, returned = payment.currency, payment.refunded + payment.voided
        found = self._books.any(payment.instrument)
        assert found is not None, "a charge is made with a payment method"
        return {
            "id": charge.id,
            "object": "charge",
            "amount": stripe_amount(payment.amount, currency),
            "amount_captured": stripe_amount(payment.captured, currency),
            "amount_refunded": stripe_amount(returned, currency),
            "balance_transaction": None,
            "billing_details": _billing(found.document),
            "captured": payment.captured > 0,
            "created": int(charge.created_at),
            "currency": currency.lower(),
            "customer": None,
            "description": payment.description,
            "disputed": False,
            "failure_code": failure_of(failure).code if failure else None,
            "failure_message": message_of(failure) if failure else None,
            "fraud_details": {},
            "livemode": False,
            "metadata": charge.document["metadata"],
            "outcome": _outcome(tried.operation),
            "paid": payment.authorised > 0,
            "payment_intent": charge.parent,
            "payment_method": payment.instrument,
            "payment_method_details": self._details(charge, found, payment),
            "receipt_email": None,
            "receipt_url": None,
            "refunded": bool(payment.authorised) and returned == payment.amount,
            "shipping": None,
            "status": _charge_status(tried.operation),
            "transfer_group": charge.document["transfer_group"],
        }

    def refund(self, refund: Thing, operation: Operation | None = None) -> dict[str, Any]:
        """Return a refund. operation: replaces its current operation."""
        assert refund.operation_key is not None, "a refund is an operation's"
        operation = operation or self._records.operation(refund.operation_key)
        assert operation is not None, "a refund's operation exists"
        body = {
            "id": refund.id,
            "object": "refund",
            "amount": stripe_amount(operation.amount, operation.currency),
            "balance_transaction": None,
            "charge": refund.document["charge"],
            "created": int(refund.created_at),
            "currency": operation.currency.lower(),
            "metadata": refund.document["metadata"],
            "payment_intent": refund.parent,
            "reason": refund.document["reason"],
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": _REFUND_STATUS[operation.status],
            "transfer_reversal": None,
        }
        if operation.status is Status.PROCESSING:
            body["pending_reason"] = "processing"
        if operation.status is Status.FAILED:
            body["failure_reason"] = "expired_or_canceled_card"
        return body

    def expanded(self, account: str, body: dict[str, Any], paths: list[str]) -> dict[str, Any]:
        """Replace ids by whole objects. Raises StripeError (400) for what cannot be."""
        for path in paths:
            self._expand(account, body, path.split("."), path)
        return body

    def _expand(self, account: str, body: dict[str, Any], names: list[str], path: str) -> None:
        name, *rest = names
        if name == "data" and isinstance(body.get("data"), list) and rest:
            for item in body["data"]:
                self._expand(account, item, rest, path)
            return
        value = body.get(name)
        if len(names) > EXPANSION_DEPTH_MAX or name not in body or name not in EXPANDABLE | {"balance_transaction"}:
            raise StripeError(400, f"This property cannot be expanded ({path}).", param="expand")
        if isinstance(value, str):
            thing = self._books.any(value)
            body[name] = value = self.show(thing) if thing and thing.account == account else value
        if rest and isinstance(value, dict):
            self._expand(account, value, rest, path)

    def _last_error(self, tried: Try | None, charge: Thing | None) -> dict[str, Any] | None:
        failure = tried.operation.failure if tried and tried.operation.status is Status.DECLINED else None
        if tried is None or failure is None:
            return None
        found = self._books.any(tried.payment.instrument)
        error = failure_of(failure).error(message_of(failure))
        if charge is not None and is_charged(tried.operation):
            error["charge"] = charge.id
        return error | ({"payment_method": method(found)} if found else {})

    def _next_action(self, document: dict[str, Any], tried: Try) -> dict[str, Any]:
        url = self._public_url + page_path(tried.payment)
        if document["return_url"] and not document["use_stripe_sdk"]:
            return {"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": document["return_url"]}}
        return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url}}

    def _details(self, charge: Thing, found: Thing, payment: Payment) -> dict[str, Any]:
        if found.document["type"] != "card":
            return {"type": found.document["type"], found.document["type"]: {"account_holder_type": "individual"}}
        card = found.document["card"]
        available = charge.document["multicapture"]
        details = {
            **card,
            "checks": _CHECKS,
            "country": "US",
            "network": card["brand"],
            "amount_authorized": stripe_amount(payment.authorised, payment.currency),
            "multicapture": {"status": "available" if available else "unavailable"},
            "three_d_secure": None,
        }
        if payment.open_authorisation:
            details["capture_before"] = int(charge.created_at) + 7 * 86_400
        return {"type": "card", "card": details}


_CHECKS: Final = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"}


def method(thing: Thing) -> dict[str, Any]:
    """Return a payment method."""
    document = thing.document
    body = {
        "id": thing.id,
        "object": "payment_method",
        "billing_details": _billing(document),
        "created": int(thing.created_at),
        "customer": None,
        "livemode": False,
        "metadata": document["metadata"],
        "type": document["type"],
    }
    if document["type"] == "card":
        body["card"] = {**document["card"], "checks": _CHECKS, "country": "US", "wallet": None}
    else:
        body[document["type"]] = {"account_holder_type": "individual", "last4": "6789"}
    return body


def is_charged(operation: Operation) -> bool:
    """Return whether an attempt made a charge: not while the customer must act, nor if they failed to."""
    if operation.status in {Status.REQUIRES_ACTION, Status.CANCELED}:
        return False
    return operation.failure is None or failure_of(operation.failure).charged


def _billing(document: dict[str, Any]) -> dict[str, Any]:
    return {"address": None, "email": document["email"], "name": document["name"], "phone": None, "tax_id": None}


def _card_options(document: dict[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {"installments": None, "mandate_options": None, "network": None}
    options["request_three_d_secure"] = document["request_three_d_secure"]
    if document["request_multicapture"]:
        options["request_multicapture"] = "if_available"
    return options


def _charge_status(operation: Operation) -> str:
    if operation.status is Status.DECLINED:
        return "failed"
    return "pending" if operation.status is Status.PROCESSING else "succeeded"


def _outcome(operation: Operation) -> dict[str, Any] | None:
    if operation.status is Status.PROCESSING:
        return None
    failure = failure_of(operation.failure) if operation.failure else None
    if failure is None:
        said = {"network_status": "approved_by_network", "type": "authorized", "seller_message": "Payment complete."}
        return {"reason": None, "risk_level": "normal", "risk_score": 20, **said}
    status, kind = ("not_sent_to_network", "blocked") if failure.blocked else ("declined_by_network", "issuer_declined")
    return {
        "advice_code": failure.advice_code,
        "network_advice_code": None,
        "network_decline_code": failure.network_code,
        "network_status": status,
        "reason": failure.decline_code or failure.code,
        "risk_level": "highest" if failure.blocked else "normal",
        "risk_score": 92 if failure.blocked else 20,
        "seller_message": "Stripe blocked this payment as too risky." if failure.blocked else "The bank declined.",
        "type": kind,
    }
