"""The page of an order: the customer pays, is declined, or leaves. Plain HTML that works without scripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from clearway.domain.money import Money
from clearway.simulator.facades.hosted.books import Thing
from clearway.simulator.facades.hosted.orders import UNPAID, Orders, State
from clearway.simulator.facades.hosted.serving import StandIn
from clearway.simulator.faults import Fault
from clearway.simulator.faults import Operation as FaultOperation
from clearway.simulator.pages import HEADERS, choice_page, result_page

WALLETS: Final = {"pay": "success", "decline": "failure", "empty": "lowfunds", "pay-refund-fails": "refundfails"}
"""The buttons that pay, and the wallet of the engine that each pays with."""
ENDS: Final = {
    State.DECLINED: "The payment was declined. No money was taken.",
    State.EXPIRED: "The time to pay is over. No money was taken.",
    State.RELEASED: "The payment was called off. No money was taken.",
}

Button = tuple[str, str]
Pressed = Callable[[Thing, str, Fault | None], Response]
"""Carries out a button of an order that waits, with its fault."""


def show(orders: Orders, title: str, order: Thing, path: str, buttons: Sequence[Button]) -> Response:
    """Show the page of an order that waits for its customer, or what became of it."""
    state = orders.standing(order).state
    if state not in UNPAID:
        return said("This payment is done", ENDS.get(state, "The payment was approved."))
    document = order.document
    facts = {
        "Amount": str(Money(document["amount"], document["currency"])),
        "Order": document["number"],
        "For": document["description"] or "-",
    }
    return HTMLResponse(choice_page(title, facts, path, buttons), headers=HEADERS)


async def press(request: Request, stand_in: StandIn, order: Thing, button: str, pressed: Pressed) -> Response:
    """Carry out a button, with the fault that is switched on for it."""
    state = stand_in.orders.standing(order).state
    if state not in UNPAID:
        return said("This payment is done", ENDS.get(state, "The payment was approved."))
    subject = stand_in.orders.subject(FaultOperation.AUTHORISE, order)
    return await stand_in.serve(request, subject, lambda fault: pressed(order, button, fault), apology)


def back(url: str | None, **fields: str) -> Response:
    """Send the customer back to the shop, with fields in the query; or say thank you when no shop is known."""
    if not url:
        return said("Thank you", "Your answer is recorded. You can close this page and go back to the shop.")
    joint = "&" if "?" in url else "?"
    target = f"{url}{joint}{urlencode(fields)}" if fields else url
    return RedirectResponse(target, 303, HEADERS)


def said(title: str, text: str, status: int = 200) -> Response:
    """Return a page with only a message."""
    return HTMLResponse(result_page(title, text), status, HEADERS)


def apology(status: int, code: str, message: str, retry_after_s: int | None = None) -> Response:
    """Return the page of a fault, for the customer."""
    del code, retry_after_s
    return said("Please try again", message, status)
