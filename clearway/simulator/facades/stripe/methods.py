"""Payment methods and tokens: Stripe's test names, and raw test cards, of which no number is kept."""

from __future__ import annotations

import datetime as dt
import secrets
import time
from typing import Any, Final

from clearway.simulator.cards import CheckedCard, brand_of, check
from clearway.simulator.engine import Engine
from clearway.simulator.facades.stripe.books import Books, Kind, Thing
from clearway.simulator.facades.stripe.errors import StripeError, failure_of, missing
from clearway.simulator.facades.stripe.parameters import Card, NewMethod, NewToken
from clearway.simulator.failures import CARD_MESSAGES
from clearway.simulator.scenarios import APPROVE, CARDS, NEVER, Scenario

NAMED_CARDS: Final = {
    "visa": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "mastercard_debit": "5200828282828210",
    "mastercard_prepaid": "5105105105105100",
    "amex": "378282246310005",
    "discover": "6011111111111117",
    "diners": "3056930009020004",
    "jcb": "3566002020360505",
    "unionpay": "6200000000000005",
    "in": "4000003560000008",
    "bypassPending": "4000000000000077",
    "authenticationRequired": "4000002760003184",
    "threeDSecure2Required": "4000000000003220",
    "threeDSecureRequired": "4000000000003063",
    "chargeDeclined": "4000000000000002",
    "visa_chargeDeclined": "4000000000000002",
    "chargeCustomerFail": "4000000000000341",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclinedLostCard": "4000000000009987",
    "visa_chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "visa_chargeDeclinedVelocityLimitExceeded": "4000000000006975",
    "radarBlock": "4100000000000019",
    "pendingRefund": "4000000000007726",
    "refundFail": "4000000000005126",
}
"""Names after `pm_card_` and `tok_`, each with the card of docs.stripe.com/testing that it stands for."""
NAMED_ACCOUNTS: Final = {"success": APPROVE, "processing": NEVER}
"""Names after `pm_usBankAccount_`: paid after a while, and never decided."""
FUNDING: Final = {"debit": "debit", "prepaid": "prepaid"}


class Methods:
    """Makes and finds payment methods. The engine stores the scenario of each under its id."""

    def __init__(self, books: Books, engine: Engine) -> None:
        self._books = books
        self._engine = engine

    def create(self, account: str, asked: NewMethod) -> Thing:
        """Make a payment method of a raw card or of a token."""
        if asked.card.token is not None:
            return self._of_token(account, asked.card.token, asked)
        return self._add(account, _checked(asked.card), "credit", asked)

    def create_token(self, account: str, asked: NewToken) -> dict[str, Any]:
        """Make a token of a raw card; it makes one payment method."""
        method = self._add(account, _checked(asked.card), "credit")
        token = Thing(f"tok_{secrets.token_hex(12)}", account, Kind.TOKEN, {"method": method.id}, time.time())
        self._books.add(token)
        return {
            "id": token.id,
            "object": "token",
            "created": int(token.created_at),
            "livemode": False,
            "type": "card",
            "used": False,
            "client_ip": None,
        }

    def resolve(self, account: str, name: str) -> Thing:
        """Return the payment method of an id; a test name makes a new one. Raises StripeError (400)."""
        if name.startswith("pm_card_") and name[8:] in NAMED_CARDS:
            return self._add(account, *_named(name[8:]))
        if name.startswith("pm_usBankAccount_") and name[17:] in NAMED_ACCOUNTS:
            return self._add_bank_account(account, NAMED_ACCOUNTS[name[17:]])
        found = self._books.get(account, Kind.METHOD, name)
        if found is None:
            raise missing("PaymentMethod", name, "payment_method", 400)
        return found

    def take(self, method: Thing, intent_id: str) -> None:
        """Store which intent uses a method. Raises StripeError (400) if another intent used it before."""
        used_by = method.document.get("used_by")
        if used_by not in {None, intent_id}:
            message = (
                "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, and"
                " may not be used again. To use a PaymentMethod multiple times, attach it to a Customer first."
            )
            raise StripeError(400, message, param="payment_method")
        if used_by is None:
            method.document["used_by"] = intent_id
            self._books.save(method)

    def _of_token(self, account: str, name: str, asked: NewMethod) -> Thing:
        if name.startswith("tok_") and name[4:] in NAMED_CARDS:
            return self._add(account, *_named(name[4:]), asked)
        token = self._books.get(account, Kind.TOKEN, name)
        if token is None:
            raise missing("token", name, "card[token]", 400)
        if token.document.get("used"):
            message = f"You cannot use a Stripe token more than once: {name}."
            raise StripeError(400, message, code="token_already_used", param="card[token]")
        token.document["used"] = True
        self._books.save(token)
        found = self._books.get(account, Kind.METHOD, token.document["method"])
        assert found is not None, "a token has the method it stands for"
        return found

    def _add(self, account: str, card: CheckedCard, funding: str, asked: NewMethod | None = None) -> Thing:
        method_id = f"pm_{secrets.token_hex(12)}"
        self._engine.add_token(card, method_id)
        summary = {
            "brand": card.brand,
            "last4": card.last4,
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
            "funding": funding,
        }
        document: dict[str, Any] = {"type": "card", "card": summary, "name": None, "email": None, "metadata": {}}
        if asked is not None:
            document |= {**asked.billing_details.model_dump(), "metadata": asked.metadata}
        method = Thing(method_id, account, Kind.METHOD, document, time.time())
        self._books.add(method)
        return method

    def _add_bank_account(self, account: str, scenario: Scenario) -> Thing:
        method_id = f"pm_{secrets.token_hex(12)}"
        self._engine.add_token(CheckedCard(scenario, "unknown", "6789", 1, 2000), method_id)
        document: dict[str, Any] = {"type": "us_bank_account", "name": None, "email": None, "metadata": {}}
        method = Thing(method_id, account, Kind.METHOD, document, time.time())
        self._books.add(method)
        return method


def _named(name: str) -> tuple[CheckedCard, str]:
    """Return the card of a test name, and how it is funded."""
    number = NAMED_CARDS[name]
    expiry = dt.datetime.now(tz=dt.UTC).year + 1
    card = CheckedCard(CARDS.get(number, APPROVE), brand_of(number), number[-4:], 12, expiry)
    return card, FUNDING.get(name.rpartition("_")[2], "credit")


def _checked(card: Card) -> CheckedCard:
    today = dt.datetime.now(tz=dt.UTC).date()
    if card.number is None:
        raise StripeError(400, "Missing required param: card[number].", code="parameter_missing", param="card[number]")
    checked = check(card.number, card.exp_month, card.exp_year, card.cvc, today=today)
    if isinstance(checked, CheckedCard):
        return checked
    place = {"incorrect_number": "number", "invalid_cvc": "cvc"}.get(checked, checked.removeprefix("invalid_expiry_"))
    param = f"card[{place if place in {'number', 'cvc'} else 'exp_' + place}]"
    failure = failure_of(checked)
    advice = {"advice_code": failure.advice_code} if checked == failure.code else {}
    raise StripeError(402, CARD_MESSAGES[checked], type="card_error", code=checked, param=param, **advice)
