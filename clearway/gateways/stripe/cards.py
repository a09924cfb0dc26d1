"""Stripe's names of test cards, so that card numbers are not sent to Stripe.

Stripe refuses raw card numbers of most accounts, in test mode too. A card that is not listed is sent as a number:
Stripe may allow that for the account.
"""

from __future__ import annotations

from typing import Any, Final

from clearway.gateways.contract import (
    UNKNOWN,
    AnswerUnreadableError,
    Card,
    CardRefusedError,
    CardToken,
    GatewayUnavailableError,
    OutcomeKind,
)
from clearway.gateways.stripe.exchange import Answer

_NAMES: Final = {
    "4242424242424242": "visa",
    "4000056655665556": "visa_debit",
    "5555555555554444": "mastercard",
    "5200828282828210": "mastercard_debit",
    "5105105105105100": "mastercard_prepaid",
    "378282246310005": "amex",
    "6011111111111117": "discover",
    "3056930009020004": "diners",
    "3566002020360505": "jcb",
    "6200000000000005": "unionpay",
    "4000000000000077": "bypassPending",
    "4000002760003184": "authenticationRequired",
    "4000000000003220": "threeDSecure2Required",
    "4000000000000002": "visa_chargeDeclined",
    "4000000000009995": "visa_chargeDeclinedInsufficientFunds",
    "4000000000009987": "visa_chargeDeclinedLostCard",
    "4000000000009979": "visa_chargeDeclinedStolenCard",
    "4000000000000069": "chargeDeclinedExpiredCard",
    "4000000000000127": "chargeDeclinedIncorrectCvc",
    "4000000000000119": "chargeDeclinedProcessingError",
    "4000000000006975": "visa_chargeDeclinedVelocityLimitExceeded",
    "4100000000000019": "radarBlock",
    "4000000000007726": "pendingRefund",
    "4000000000005126": "refundFail",
}


METHOD_PREFIX: Final = "pm_"
_BRANDS: Final = frozenset({"mastercard", "amex", "discover", "diners", "jcb", "unionpay"})


def named(card: Card) -> CardToken | None:
    """Return Stripe's own name for a test card (docs.stripe.com/testing), if it has one."""
    digits = _digits(card)
    name = _NAMES.get(digits)
    if name is None:
        return None
    first = name.partition("_")[0]
    brand = first if first in _BRANDS else "visa"
    return CardToken(f"pm_card_{name}", brand, digits[-4:], card.expiry_month, card.expiry_year)


def new_method(card: Card) -> dict[str, Any]:
    """Return the parameters that make a payment method of a card."""
    given = {"number": _digits(card), "exp_month": card.expiry_month, "exp_year": card.expiry_year, "cvc": card.cvv}
    return {"type": "card", "card": given}


def token(answer: Answer) -> CardToken:
    """Read the new payment method. Raises CardRefusedError or GatewayUnavailableError, without the number."""
    if answer.body is None:
        outcome = answer.outcome or UNKNOWN
        if outcome.kind is OutcomeKind.DECLINED and outcome.error_code:
            raise CardRefusedError(outcome.error_code, outcome.error_description or "Stripe refused the card.")
        raise GatewayUnavailableError("Stripe did not answer, or not in a form that can be read")
    try:
        kept = answer.body["card"]
        return CardToken(answer.body["id"], kept["brand"], kept["last4"], kept["exp_month"], kept["exp_year"])
    except (KeyError, TypeError, AnswerUnreadableError):
        raise GatewayUnavailableError("Stripe's answer about the card cannot be read") from None


def _digits(card: Card) -> str:
    return card.number.replace(" ", "").replace("-", "")
