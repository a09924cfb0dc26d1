"""The page where the payer approves an order. Plain HTML that works without scripts."""

from __future__ import annotations

from typing import Final

from clearway.simulator.facades.paypal.books import Thing
from clearway.simulator.facades.paypal.views import ROOT
from clearway.simulator.pages import choice_page

_BUTTONS: Final = (
    ("approve/balance", "Pay with the balance"),
    ("approve/declined", "Pay with a card that is declined"),
    ("approve/empty", "Pay with an account without money"),
    ("approve/review", "Pay with a payment that PayPal reviews first"),
    ("approve/review-declined", "Pay with a payment that PayPal refuses after its review"),
    ("approve/refund-fails", "Pay with an account that takes no refund"),
    ("cancel", "Cancel and go back"),
)


def approval_page(order: Thing) -> str:
    """Return the page with the ways to pay."""
    amount = order.document["unit"]["amount"]
    facts = {"Amount": f"{amount['value']} {amount['currency_code']}", "Order": order.id}
    return choice_page("Stand-in of PayPal", facts, f"{ROOT}/checkoutnow/{order.id}", _BUTTONS)
