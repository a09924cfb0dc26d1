"""Telcell under `/telcell`: the request for an invoice in the customer's browser, and the invoice's page."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from clearway.simulator.facades.hosted.amounts import AmountRefusedError, minor_of
from clearway.simulator.facades.hosted.books import Account, Thing
from clearway.simulator.facades.hosted.orders import NewOrder, payment_id_in
from clearway.simulator.facades.hosted.serving import StandIn
from clearway.simulator.facades.hosted.stand_ins import HostedGateways
from clearway.simulator.facades.hosted.visiting import WALLETS, apology, back, press, said, show
from clearway.simulator.facades.telcell.codes import security_code
from clearway.simulator.facades.telcell.reports import CURRENCY
from clearway.simulator.faults import Fault, Operation
from clearway.simulator.pages import HEADERS

router = APIRouter(prefix="/telcell")

DAY_S: Final = 86_400
SIGNS: Final = ("֏", "AMD")
BUTTONS: Final = (("pay", "Pay"), ("decline", "Pay from a wallet that is declined"), ("leave", "Leave"))


@router.get("/invoices")
async def post_invoice(request: Request, gateways: HostedGateways) -> Response:
    """Open an invoice, and show its page. The same invoice again shows the same page."""
    telcell = gateways["telcell"]
    fields = dict(request.query_params)
    account = telcell.books.account(fields.get("issuer", ""))
    problem = "There is no such shop." if account is None else _problem(account, fields)
    if problem is not None:
        return said("The invoice is not valid", problem, 400)
    earlier = telcell.books.numbered(fields["issuer"], _plain(fields["issuer_id"]))
    if earlier is not None and earlier.document["security_code"] == fields["security_code"]:
        return _to_page(telcell, earlier)

    def execute(_fault: Fault | None) -> Response:
        return _to_page(telcell, telcell.orders.open(_order(telcell, fields), secrets.token_hex(8)))

    subject = telcell.orders.subject(Operation.PREPARE, None)
    return await telcell.serve(request, subject, execute, apology)


@router.get("/invoice/{invoice}")
async def show_invoice(invoice: str, gateways: HostedGateways) -> Response:
    """Show an invoice with its buttons."""
    telcell = gateways["telcell"]
    order = telcell.books.order(invoice)
    if order is None:
        return said("Not found", "There is no such invoice.", 404)
    return show(telcell.orders, "Stand-in of Telcell", order, f"/telcell/invoice/{invoice}", BUTTONS)


@router.post("/invoice/{invoice}/{button}")
async def press_button(request: Request, invoice: str, button: str, gateways: HostedGateways) -> Response:
    """Pay, be declined, or leave the invoice as it is."""
    telcell = gateways["telcell"]
    order = telcell.books.order(invoice)
    if order is None or button not in dict(BUTTONS):
        return said("Not found", "There is no such invoice.", 404)

    def pressed(order: Thing, button: str, fault: Fault | None) -> Response:
        if button in WALLETS:
            telcell.orders.pay(order, WALLETS[button], fault=fault)
        account = telcell.books.account(order.account)
        return back(account.success_url if account else None, issuer_id=order.document["issuer_id"])

    return await press(request, telcell, order, button, pressed)


def _problem(account: Account, fields: Mapping[str, str]) -> str | None:
    """Return why an invoice is refused. Reasons for which money could go wrong are checked before the code."""
    if not hmac.compare_digest(
        security_code(account.secret, fields).encode(), fields.get("security_code", "").encode()
    ):
        return "The security code is wrong."
    if fields.get("action") != "PostInvoice" or fields.get("currency") not in SIGNS:
        return "The action or the currency is wrong."
    if not fields.get("issuer_id") or not fields.get("valid_days", "").isdecimal() or int(fields["valid_days"]) < 1:
        return "The issuer's id or the number of days is wrong."
    if not fields.get("price", "").isdecimal():
        return "The price is not a whole number of drams."
    try:
        minor_of(fields["price"], CURRENCY)
    except AmountRefusedError as error:
        return f"The price is wrong: {error}."
    return None


def _order(telcell: StandIn, fields: Mapping[str, str]) -> NewOrder:
    number = _plain(fields["issuer_id"])
    return NewOrder(
        account=fields["issuer"],
        number=number,
        payment_id=payment_id_in(number),
        amount=minor_of(fields["price"], CURRENCY),
        currency=CURRENCY,
        life_s=int(fields["valid_days"]) * DAY_S * telcell.life_scale,
        description=_plain(fields.get("product", "")),
        extra={"issuer_id": fields["issuer_id"], "security_code": fields["security_code"]},
    )


def _plain(text: str) -> str:
    """Return a text out of base64, or as it is when it is not base64."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return text


def _to_page(telcell: StandIn, invoice: Thing) -> Response:
    return RedirectResponse(f"{telcell.root}/invoice/{invoice.id}", 303, HEADERS)
