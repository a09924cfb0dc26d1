"""Idram under `/idram`: the form that the customer's browser posts, and the page where they pay."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from clearway.simulator.facades.hosted.amounts import AmountRefusedError, minor_of
from clearway.simulator.facades.hosted.books import Thing
from clearway.simulator.facades.hosted.orders import UNPAID, NewOrder, payment_id_in
from clearway.simulator.facades.hosted.stand_ins import HostedGateways
from clearway.simulator.facades.hosted.visiting import WALLETS, apology, back, press, said, show
from clearway.simulator.facades.idram.reports import CURRENCY, is_accepted
from clearway.simulator.faults import Fault, Operation
from clearway.simulator.pages import HEADERS

router = APIRouter(prefix="/idram")

BUTTONS: Final = (("pay", "Pay"), ("empty", "Pay from a wallet without money"), ("leave", "Leave"))


@router.post("/Payment/GetPayment")
async def get_payment(request: Request, gateways: HostedGateways) -> Response:
    """Take the form of a shop, and show the page. Every post is a visit of its own: bill numbers may repeat."""
    idram = gateways["idram"]
    fields = dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))
    name = fields.get("EDP_REC_ACCOUNT", "")
    try:
        order = _order(name, fields)
    except AmountRefusedError as error:
        return said("The form is not valid", f"The amount is wrong: {error}.", 400)
    if idram.books.account(name) is None or not order.number:
        return said("The form is not valid", "There is no such shop, or the bill has no number.", 400)

    def execute(_fault: Fault | None) -> Response:
        opened = idram.orders.open(order, secrets.token_hex(8))
        return RedirectResponse(f"{idram.root}/pay/{opened.id}", 303, HEADERS)

    subject = idram.orders.subject(Operation.PREPARE, None)
    return await idram.serve(request, subject, execute, apology)


@router.get("/pay/{order_id}")
async def show_order(order_id: str, gateways: HostedGateways) -> Response:
    """Show the page with its buttons."""
    idram = gateways["idram"]
    order = idram.books.order(order_id)
    if order is None:
        return said("Not found", "There is no such payment.", 404)
    return show(idram.orders, "Stand-in of Idram", order, f"/idram/pay/{order_id}", BUTTONS)


@router.post("/pay/{order_id}/{button}")
async def press_button(request: Request, order_id: str, button: str, gateways: HostedGateways) -> Response:
    """Pay if the shop says `OK`, stay without money, or leave."""
    idram = gateways["idram"]
    order = idram.books.order(order_id)
    account = idram.books.account(order.account) if order is not None else None
    if order is None or account is None or button not in dict(BUTTONS):
        return said("Not found", "There is no such payment.", 404)
    own: Mapping[str, str] = order.document["own_fields"]
    if button == "leave":
        return back(account.fail_url, **own)
    if button == "empty":
        return said("Not enough money", "Your wallet does not have enough money. Nothing was taken.")
    waits = idram.orders.standing(order).state in UNPAID
    if waits and not await is_accepted(account, order):
        return back(account.fail_url, **own)

    def pressed(order: Thing, button: str, fault: Fault | None) -> Response:
        idram.orders.pay(order, WALLETS[button], fault=fault)
        return back(account.success_url, **own)

    return await press(request, idram, order, button, pressed)


def _order(account: str, fields: Mapping[str, str]) -> NewOrder:
    number = fields.get("EDP_BILL_NO", "")
    own = {name: text for name, text in fields.items() if not name.startswith("EDP_")}
    return NewOrder(
        account=account,
        number=number,
        # For the journal alone: Idram knows no such field, and returns it like any other of the shop.
        payment_id=payment_id_in(own.get("payment_id") or number),
        amount=minor_of(fields.get("EDP_AMOUNT", ""), CURRENCY),
        currency=CURRENCY,
        life_s=None,
        description=fields.get("EDP_DESCRIPTION", ""),
        extra={"own_fields": own},
    )
