"""Operations on a PaymentIntent: create, change, confirm, capture, cancel. Each runs in one transaction."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

from clearway.simulator.engine import Engine
from clearway.simulator.facades.stripe.amounts import check_charge, journal_amount, stripe_amount
from clearway.simulator.facades.stripe.books import Books, Kind, Thing
from clearway.simulator.facades.stripe.calls import CHANNEL, Call, engine_key
from clearway.simulator.facades.stripe.errors import StripeError, failure_of, message_of, missing
from clearway.simulator.facades.stripe.events import Announcer
from clearway.simulator.facades.stripe.methods import Methods
from clearway.simulator.facades.stripe.parameters import Cancellation, Capture, Confirmation, IntentChange, NewIntent
from clearway.simulator.facades.stripe.views import Try, Views
from clearway.simulator.records import OPEN, Records, Status
from clearway.simulator.wire import NewCapture, NewPayment

PAYMENT_MARK: Final = "clearway_payment"
"""The metadata by which the journal knows a payment; without it, it knows the intent's id."""
MULTICAPTURE_BRANDS: Final = frozenset({"visa", "mastercard", "amex", "discover"})
_CANCELLABLE: Final = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
)


@dataclass(frozen=True, slots=True)
class Intents:
    """The operations. multicapture: whether the accounts may capture in parts (at Stripe a matter of their pricing)."""

    books: Books
    records: Records
    engine: Engine
    methods: Methods
    views: Views
    announcer: Announcer
    multicapture: bool

    def find(self, account: str, intent_id: str) -> Thing:
        """Return an intent of an account. Raises StripeError (404)."""
        found = self.books.get(account, Kind.INTENT, intent_id)
        if found is None:
            raise missing("payment_intent", intent_id)
        return found

    def create(self, call: Call, asked: NewIntent) -> dict[str, Any]:
        """Make an intent, and confirm it if asked to."""
        check_charge(asked.amount, asked.currency.upper())
        if asked.return_url and not asked.confirm:
            message = "The parameter `return_url` cannot be passed unless `confirm` is set to true."
            raise StripeError(400, message, param="return_url")
        method = self.methods.resolve(call.account, asked.payment_method) if asked.payment_method else None
        intent_id = f"pi_{secrets.token_hex(12)}"
        document = _document(intent_id, asked, method)
        if method is not None:
            _check_type(document, method)
        intent = Thing(intent_id, call.account, Kind.INTENT, document, call.at)
        self.books.add(intent)
        self.announcer.announce(intent, "payment_intent.created", call.at)
        if asked.confirm:
            return self._confirm(call, intent, method, no_action=asked.error_on_requires_action)
        return self.views.intent(intent)

    def change(self, call: Call, intent_id: str, asked: IntentChange) -> dict[str, Any]:
        """Change what does not move money. A metadata key with an empty text is removed."""
        intent = self.find(call.account, intent_id)
        given = asked.model_dump(exclude_none=True, exclude={"expand", "metadata"})
        intent.document |= given
        _merge_metadata(intent.document, asked.metadata)
        self.books.save(intent)
        return self.views.intent(intent)

    def confirm(self, call: Call, intent_id: str, asked: Confirmation) -> dict[str, Any]:
        """Try to pay. Raises StripeError (402) with the intent if it is declined."""
        intent = self.find(call.account, intent_id)
        if call.caller.publishable and asked.client_secret != intent.document["client_secret"]:
            raise missing("payment_intent", intent_id)
        self._require(intent, "confirmed", ("requires_payment_method", "requires_confirmation"))
        name = asked.payment_method or intent.document["payment_method"]
        if not name or (asked.payment_method is None and self.views.status(intent) == "requires_payment_method"):
            message = "You cannot confirm this PaymentIntent because it's missing a payment method."
            raise self._unexpected(intent, message)
        method = self.methods.resolve(call.account, name)
        changes = {
            "return_url": asked.return_url or intent.document["return_url"],
            "use_stripe_sdk": asked.use_stripe_sdk,
            "capture_method": asked.capture_method or intent.document["capture_method"],
            "payment_method_types": asked.payment_method_types or intent.document["payment_method_types"],
        }
        _check_type(intent.document | changes, method)
        intent.document |= changes
        if asked.payment_method_options is not None:
            intent.document |= _options(asked.payment_method_options.card)
        return self._confirm(call, intent, method, no_action=asked.error_on_requires_action)

    def capture(self, call: Call, intent_id: str, asked: Capture) -> dict[str, Any]:
        """Take part or all of what is authorised; what is left is released, unless more captures will follow."""
        intent = self.find(call.account, intent_id)
        self._require(intent, "captured", ("requires_capture",))
        tried = self._tried(intent)
        currency, open_amount = tried.payment.currency, tried.payment.open_authorisation
        amount = stripe_amount(open_amount, currency) if asked.amount_to_capture is None else asked.amount_to_capture
        self._check_capture(intent, tried, amount, asked)
        _merge_metadata(intent.document, asked.metadata)
        self.books.save(intent)
        key = engine_key(self.records, call, f"{intent.id}:capture")
        minor = journal_amount(amount, currency, "amount_to_capture")
        body = NewCapture(amount=minor, currency=currency)
        self.engine.capture(
            key, tried.payment.reference, body, wrong_amount=call.wrong_amount, final=asked.final_capture
        )
        return self.views.intent(intent)

    def cancel(self, call: Call, intent_id: str, asked: Cancellation) -> dict[str, Any]:
        """Cancel the intent: nothing more is tried, and what is authorised and not captured is released."""
        intent = self.find(call.account, intent_id)
        self._require(intent, "canceled", _CANCELLABLE)
        tried = self.views.tried(intent)
        intent.document |= {"canceled_at": int(call.at), "cancellation_reason": asked.cancellation_reason}
        self.books.save(intent)
        if tried is not None and (tried.operation.status in OPEN or tried.payment.open_authorisation):
            self.engine.void(engine_key(self.records, call, f"{intent.id}:cancel"), tried.payment.reference)
        else:
            self.announcer.announce(intent, "payment_intent.canceled", call.at)
        return self.views.intent(intent)

    def _confirm(self, call: Call, intent: Thing, method: Thing | None, *, no_action: bool) -> dict[str, Any]:
        if method is None:
            raise self._unexpected(intent, "You cannot confirm this PaymentIntent: it's missing a payment method.")
        self.methods.take(method, intent.id)
        charge = self._try(call, intent, method)
        order = self._order(intent, method)
        assert charge.operation_key is not None, "it was just given one"
        self.engine.pay(
            charge.operation_key,
            order,
            wrong_amount=call.wrong_amount,
            channel=CHANNEL,
            delay_s=0.0 if method.document["type"] == "card" else None,
        )
        tried = self.views.attempt(charge.operation_key)
        match tried.operation.status:
            case Status.DECLINED:
                raise self._declined(intent, tried)
            case Status.REQUIRES_ACTION if no_action:
                self.engine.answer_page(tried.payment.reference, "fail")
                raise self._unauthenticated(intent)
            case Status.REQUIRES_ACTION:
                self.announcer.announce(intent, "payment_intent.requires_action", call.at)
            case Status.PROCESSING:
                self.announcer.announce(intent, "payment_intent.processing", call.at)
        return self.views.intent(intent)

    def _try(self, call: Call, intent: Thing, method: Thing) -> Thing:
        """Store the attempt before the engine makes it and its events are written."""
        charge_id = f"ch_{secrets.token_hex(12)}"
        key = engine_key(self.records, call, charge_id)
        document = intent.document
        brand = method.document.get("card", {}).get("brand")
        shared = {name: document[name] for name in ("metadata", "transfer_group")}
        asked_for = document["request_multicapture"] and document["capture_method"] == "manual"
        multicapture = self.multicapture and asked_for and brand in MULTICAPTURE_BRANDS
        document |= {"tried": key, "payment_method": method.id}
        self.books.save(intent)
        charge = Thing(
            charge_id, call.account, Kind.CHARGE, {**shared, "multicapture": multicapture}, call.at, intent.id, key
        )
        self.books.add(charge)
        return charge

    def _order(self, intent: Thing, method: Thing) -> NewPayment:
        document = intent.document
        currency = document["currency"].upper()
        return NewPayment(
            merchant_reference=document["metadata"].get(PAYMENT_MARK, intent.id)[:128] or intent.id,
            amount=journal_amount(document["amount"], currency),
            currency=currency,
            method="card",
            instrument=method.id,
            capture="manual" if document["capture_method"] == "manual" else "automatic",
            return_url=_coming_back(intent),
            description=(document["description"] or "")[:512] or None,
            account=intent.account,
        )

    def _check_capture(self, intent: Thing, tried: Try, amount: int, asked: Capture) -> None:
        charge = self.books.of_operation(tried.operation.key)
        if not asked.final_capture and not (charge and charge.document["multicapture"]):
            message = "Setting `final_capture` to false needs multicapture, which this charge does not have."
            raise StripeError(400, message, param="final_capture")
        available = stripe_amount(tried.payment.open_authorisation, tried.payment.currency)
        if not 0 < amount <= available:
            message = f"The amount to capture is greater than the amount you can capture for this charge ({available})."
            shown = self.views.intent(intent)
            raise StripeError(400, message, code="amount_too_large", param="amount_to_capture", payment_intent=shown)

    def _require(self, intent: Thing, done: str, statuses: tuple[str, ...]) -> None:
        status = self.views.status(intent)
        if status not in statuses:
            allowed = ", ".join(statuses)
            message = (
                f"This PaymentIntent could not be {done} because it has a status of {status}. Only a PaymentIntent with"
                f" one of the following statuses may be {done}: {allowed}."
            )
            raise self._unexpected(intent, message)

    def _unexpected(self, intent: Thing, message: str) -> StripeError:
        shown = self.views.intent(intent)
        return StripeError(400, message, code="payment_intent_unexpected_state", payment_intent=shown)

    def _declined(self, intent: Thing, tried: Try) -> StripeError:
        assert tried.operation.failure is not None, "what is declined has a reason"
        shown = self.views.intent(intent, tried)
        error = failure_of(tried.operation.failure).error(message_of(tried.operation.failure))
        more = {name: value for name, value in error.items() if name not in {"type", "code", "message", "doc_url"}}
        charge = {"charge": shown["latest_charge"]} if shown["latest_charge"] else {}
        method = shown["last_payment_error"]["payment_method"]
        return StripeError(
            402,
            error["message"],
            type="card_error",
            code=error["code"],
            payment_intent=shown,
            payment_method=method,
            **charge,
            **more,
        )

    def _unauthenticated(self, intent: Thing) -> StripeError:
        message = "This payment required an authentication action to complete, but `error_on_requires_action` was set."
        shown = self.views.intent(intent)
        return StripeError(402, message, type="card_error", code="authentication_required", payment_intent=shown)

    def _tried(self, intent: Thing) -> Try:
        tried = self.views.tried(intent)
        assert tried is not None, "what can be captured was confirmed"
        return tried


def _document(intent_id: str, asked: NewIntent, method: Thing | None) -> dict[str, Any]:
    automatic = asked.automatic_payment_methods
    enabled = automatic is not None and automatic.enabled
    return {
        "amount": asked.amount,
        "currency": asked.currency.lower(),
        "capture_method": asked.capture_method,
        "metadata": asked.metadata,
        "description": asked.description,
        "statement_descriptor_suffix": asked.statement_descriptor_suffix,
        "transfer_group": asked.transfer_group,
        "return_url": asked.return_url,
        "use_stripe_sdk": asked.use_stripe_sdk,
        "payment_method": method.id if method else None,
        "payment_method_types": asked.payment_method_types or (["card", "link"] if enabled else ["card"]),
        "automatic_payment_methods": automatic.model_dump() if automatic else None,
        "client_secret": f"{intent_id}_secret_{secrets.token_hex(12)}",
        "canceled_at": None,
        "cancellation_reason": None,
        "tried": None,
        **_options(asked.payment_method_options.card),
    }


def _options(card: Any) -> dict[str, Any]:
    return {
        "request_multicapture": card.request_multicapture == "if_available",
        "request_three_d_secure": card.request_three_d_secure,
    }


def _check_type(document: dict[str, Any], method: Thing) -> None:
    kind = method.document["type"]
    if kind not in document["payment_method_types"]:
        allowed = ", ".join(document["payment_method_types"])
        message = f"The PaymentMethod provided ({kind}) is not allowed for this PaymentIntent, which takes: {allowed}."
        raise StripeError(400, message, param="payment_method")


def _merge_metadata(document: dict[str, Any], given: dict[str, str] | None) -> None:
    if given is not None:
        merged = document["metadata"] | given
        document["metadata"] = {name: value for name, value in merged.items() if value}


def _coming_back(intent: Thing) -> str | None:
    """Return the return URL, with the parameters that Stripe adds."""
    url = intent.document["return_url"]
    if not url:
        return None
    secret = intent.document["client_secret"]
    back = f"{url}{'&' if '?' in url else '?'}payment_intent={intent.id}&payment_intent_client_secret={secret}"
    return back[:2_048]
