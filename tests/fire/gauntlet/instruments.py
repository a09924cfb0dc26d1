"""How customers pay in the gauntlet: test values of the simulator, mostly plain, some with a fault of their own."""

from __future__ import annotations

import random
from typing import Any, Final

CARD: Final = {"expiry_month": 12, "expiry_year": 2031, "cvv": "123", "holder_name": "A Customer"}

PLAIN: Final[tuple[tuple[int, str, str], ...]] = (
    (30, "upi", "success@razorpay"),
    (6, "upi", "customer@shop"),
    (3, "upi", "failure@razorpay"),
    (2, "upi", "lowfunds@clearway"),
    (24, "card", "4242424242424242"),
    (6, "card", "5555555555554444"),
    (4, "card", "378282246310005"),
    (2, "card", "4000000000000002"),
    (2, "card", "4000000000009995"),
    (8, "netbanking", "SUCC"),
    (3, "netbanking", "HDFC"),
    (2, "netbanking", "FAIL"),
    (8, "wallet", "success"),
    (2, "wallet", "paytm"),
    (2, "wallet", "lowfunds"),
)
"""Weight, method, test value. The chance of the gateway decides where the value says nothing."""

FAULTY: Final = (
    "timeout@clearway",
    "error500@clearway",
    "dropped@clearway",
    "unknown@clearway",
    "error503@clearway",
    "ratelimited@clearway",
    "malformed@clearway",
    "duplicate@clearway",
    "reordered@clearway",
    "nowebhook@clearway",
    "slow@clearway",
    "wrongamount@clearway",
)
"""VPAs whose payment meets a fault of the gateway once, strikes or not."""
FAULTY_SHARE: Final = 0.06

PAGES: Final = (("card", "4000000000003220"), ("card", "4000002500003155"), ("netbanking", "PAGE"))
APPROVED: Final = (("upi", "success@razorpay"), ("card", "4242424242424242"), ("netbanking", "SUCC"))
REFUND_VALUES: Final = (
    *((("upi", "success@razorpay"), 6), (("card", "4242424242424242"), 6), (("card", "4000000000007726"), 1)),
    *((("upi", "refundfails@clearway"), 1), (("upi", "refundtimeout@clearway"), 1)),
    (("upi", "refunderror500@clearway"), 1),
)
DECLINED: Final = (("upi", "failure@razorpay"), ("card", "4000000000000002"), ("wallet", "failure"))
PAYPAL_BUTTONS: Final = (*("approve/balance",) * 8, "approve/declined", "approve/empty")
PAYPAL_FIRST: Final = {"wallet": "paypal"}
SIMULATOR_FIRST: Final = {"wallet": "either"}
"""Notes that the routing rules of shops with three gateways ask: where a payment by PayPal's wallet is tried first."""
SOFT_DECLINES: Final = (("upi", "lowfunds@clearway"), ("card", "4000000000009995"), ("card", "4000000000000119"))
RETRIES: Final = ((True,), (True,), (False, True), (False,))
"""Whether the instruments of a payment's retries are approved, one after the other."""
RETRIED_WITH: Final = {
    "upi": {True: "success@razorpay", False: "lowfunds@clearway"},
    "card": {True: "4242424242424242", False: "4000000000009995"},
}
QUOTED: Final = (
    ("upi", "success@razorpay", "INR"),
    ("card", "4242424242424242", "JPY"),
    ("card", "4242424242424242", "EUR"),
)
"""Method, test value and the currency that the customer pays in."""
CARD_CURRENCIES: Final = ("INR", "INR", "USD", "EUR", "JPY", "KWD")


def any_value(chance: random.Random) -> dict[str, str]:
    """Draw a method and a test value."""
    if chance.random() < FAULTY_SHARE:
        return {"method": "upi", "value": chance.choice(FAULTY)}
    _, method, value = chance.choices(PLAIN, [weight for weight, _, _ in PLAIN])[0]
    return {"method": method, "value": value}


def approved_value(chance: random.Random) -> dict[str, str]:
    """Draw a value that the gateway approves, unless a strike keeps it from it."""
    method, value = chance.choice(APPROVED)
    return {"method": method, "value": value}


def declined_value(chance: random.Random) -> dict[str, str]:
    """Draw a value that the gateway declines."""
    method, value = chance.choice(DECLINED)
    return {"method": method, "value": value}


def page_value(chance: random.Random) -> dict[str, str]:
    """Draw a value for which the customer must visit a page."""
    method, value = chance.choice(PAGES)
    return {"method": method, "value": value}


def refund_value(chance: random.Random) -> dict[str, str]:
    """Draw a value that is approved, and whose refunds go in various ways."""
    (method, value), _ = chance.choices(REFUND_VALUES, [weight for _, weight in REFUND_VALUES])[0]
    return {"method": method, "value": value}


def paypal_value(_: random.Random) -> dict[str, str]:
    """Return the wallet that PayPal is. At the simulator, chance decides about it."""
    return {"method": "wallet", "value": "paypal"}


def soft_decline(chance: random.Random) -> dict[str, str]:
    """Draw a value whose decline may pass."""
    method, value = chance.choice(SOFT_DECLINES)
    return {"method": method, "value": value}


def quoted_value(chance: random.Random) -> dict[str, str]:
    """Draw a value and the currency to pay in; the order is in another."""
    method, value, currency = chance.choice(QUOTED)
    return {"method": method, "value": value, "pays_in": currency}


def price(chance: random.Random, method: str) -> dict[str, Any]:
    """Draw an amount in minor units and a currency. Whole hundreds of rupees have meanings and are avoided."""
    currency = chance.choice(CARD_CURRENCIES) if method == "card" else "INR"
    return {"amount": chance.choice((chance.randint(101, 999), chance.randint(1_001, 9_999_999))), "currency": currency}


def instrument(method: str, value: str) -> dict[str, Any]:
    """Return the part of a payment's body that names how it is paid."""
    match method:
        case "upi":
            return {"method": method, "vpa": value}
        case "card":
            return {"method": method, "card": {"number": value, **CARD}}
        case "netbanking":
            return {"method": method, "bank": {"code": value}}
        case _:
            return {"method": method, "wallet": {"code": value}}
