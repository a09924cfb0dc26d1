"""Ameriabank vPOS under `/ameriabank/VPOS`: its calls, its pay page, and the unsigned way back."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError

from clearway.domain.money import exponent
from clearway.simulator.facades.ameriabank import answers
from clearway.simulator.facades.ameriabank.requests import About, AboutMoney, Init
from clearway.simulator.facades.hosted.amounts import AmountRefusedError, checked, currency_of
from clearway.simulator.facades.hosted.books import Account, Thing
from clearway.simulator.facades.hosted.orders import NewOrder, Orders, OrderStateError, State, payment_id_in
from clearway.simulator.facades.hosted.serving import StandIn, credentials, own
from clearway.simulator.facades.hosted.stand_ins import HostedGateways
from clearway.simulator.facades.hosted.visiting import WALLETS, back, press, said, show
from clearway.simulator.faults import Fault, Operation

router = APIRouter(prefix="/ameriabank/VPOS")

BUTTONS: Final = (
    ("pay", "Pay"),
    ("code", "Pay with 3-D Secure"),
    ("decline", "Pay with a card that is declined"),
    ("empty", "Pay with a card without money"),
    ("leave", "Leave"),
)
CODE_BUTTONS: Final = (("pay", "Enter the right code"), ("decline", "Enter a wrong code"), ("leave", "Leave"))

Body = TypeVar("Body", Init, About, AboutMoney)
Act = Callable[[Thing, Fault | None], None]


@router.post("/api/VPOS/InitPayment")
async def init_payment(request: Request, gateways: HostedGateways) -> Response:
    """Open a payment: no money moves. Its order number may be used once."""
    bank = gateways["ameriabank"]
    asked = await _read(request, Init)
    if asked is None:
        return _begun(answers.PARAMETERS)
    account = credentials(bank, asked.Username, asked.Password)
    if account is None:
        return _begun(answers.CREDENTIALS)
    if bank.books.numbered(asked.Username, str(asked.OrderID)) is not None:
        return _begun(answers.ORDER_EXISTS)
    try:
        order = _order(bank, account, asked)
    except AmountRefusedError:
        return _begun(answers.PARAMETERS)

    def execute(_fault: Fault | None) -> Response:
        opened = bank.orders.open(order, str(uuid.uuid4()).upper())
        return JSONResponse({"PaymentID": opened.id, "ResponseCode": answers.INIT_APPROVED, "ResponseMessage": "OK"})

    subject = bank.orders.subject(Operation.PREPARE, None)
    return await bank.serve(request, subject, execute, _say)


@router.post("/api/VPOS/GetPaymentDetails")
async def get_payment_details(request: Request, gateways: HostedGateways) -> Response:
    """Return what became of a payment."""
    bank = gateways["ameriabank"]
    asked = await _read(request, About)
    order = _found(bank, asked)
    if asked is None or isinstance(order, str):
        return JSONResponse({"ResponseCode": order if isinstance(order, str) else answers.PARAMETERS})
    subject = bank.orders.subject(Operation.LOOK_UP, order)
    return await bank.serve(request, subject, lambda _fault: JSONResponse(answers.details(bank.orders, order)), _say)


@router.post("/api/VPOS/ConfirmPayment")
async def confirm_payment(request: Request, gateways: HostedGateways) -> Response:
    """Take part or all of a reserved amount."""
    bank = gateways["ameriabank"]
    asked = await _read(request, AboutMoney)
    return await _change(
        request, bank, asked, Operation.CAPTURE, lambda order, fault: _capture(bank.orders, order, asked, fault)
    )


@router.post("/api/VPOS/CancelPayment")
async def cancel_payment(request: Request, gateways: HostedGateways) -> Response:
    """Release a reserved amount, or give back a taken one whole."""
    bank = gateways["ameriabank"]
    asked = await _read(request, About)
    return await _change(request, bank, asked, Operation.VOID, lambda order, _fault: _cancel(bank.orders, order))


@router.post("/api/VPOS/RefundPayment")
async def refund_payment(request: Request, gateways: HostedGateways) -> Response:
    """Give money back. A repeat gives it back once more."""
    bank = gateways["ameriabank"]
    asked = await _read(request, AboutMoney)

    def refund(order: Thing, fault: Fault | None) -> None:
        assert asked is not None, "it was checked before"
        bank.orders.refund(order, _minor(asked.Amount, order.document["currency"]), fault=fault)

    return await _change(request, bank, asked, Operation.REFUND, refund)


@router.get("/Payments/Pay")
async def pay_page(gateways: HostedGateways, id: str = "") -> Response:  # noqa: A002 - the bank's name for it
    """Show the page with its buttons."""
    bank = gateways["ameriabank"]
    order = bank.books.order(id)
    if order is None:
        return said("Not found", "There is no such payment.", 404)
    buttons = CODE_BUTTONS if order.document["challenged"] else BUTTONS
    return show(bank.orders, "Stand-in of Ameriabank", order, f"/ameriabank/VPOS/Payments/{id}", buttons)


@router.post("/Payments/{payment_id}/{button}")
async def press_button(request: Request, payment_id: str, button: str, gateways: HostedGateways) -> Response:
    """Pay, be declined, be asked for a code, or leave; the browser comes back with a code that nobody signed."""
    bank = gateways["ameriabank"]
    order = bank.books.order(payment_id)
    if order is None or button not in dict(BUTTONS):
        return said("Not found", "There is no such payment.", 404)

    def pressed(order: Thing, button: str, fault: Fault | None) -> Response:
        document = order.document
        if button == "code":
            bank.orders.challenge(order)
            return back(f"{bank.root}/VPOS/Payments/Pay?id={order.id}")
        if button in WALLETS:
            bank.orders.pay(order, WALLETS[button], fault=fault)
        # The bank's own document spells it so.
        return back(
            document["back_url"],
            orderID=document["number"],
            resposneCode=answers.code_of(bank.orders.standing(order)),
            paymentID=order.id,
            opaque=document["opaque"],
        )

    return await press(request, bank, order, button, pressed)


async def _read(request: Request, model: type[Body]) -> Body | None:
    try:
        return model.model_validate_json(await request.body())
    except ValidationError:
        return None


def _found(bank: StandIn, asked: About | None) -> Thing | str:
    """Return the payment of a call, or the code with which it is refused."""
    if asked is None:
        return answers.PARAMETERS
    if credentials(bank, asked.Username, asked.Password) is None:
        return answers.CREDENTIALS
    return own(asked.Username, bank.books.order(asked.PaymentID)) or answers.UNKNOWN_ORDER


async def _change(request: Request, bank: StandIn, asked: About | None, operation: Operation, act: Act) -> Response:
    order = _found(bank, asked)
    if isinstance(order, str):
        return JSONResponse(answers.simple(order))

    def execute(fault: Fault | None) -> Response:
        try:
            act(order, fault)
        except (OrderStateError, AmountRefusedError):
            return JSONResponse(answers.simple(answers.PARAMETERS))
        return JSONResponse(answers.simple(answers.APPROVED, order.document["opaque"]))

    amount = asked.charged() if asked is not None else None
    minor = _minor_or_none(amount, order.document["currency"])
    return await bank.serve(request, bank.orders.subject(operation, order, minor), execute, _say)


def _capture(orders: Orders, order: Thing, asked: AboutMoney | None, fault: Fault | None) -> None:
    assert asked is not None, "it was checked before"
    orders.capture(order, _minor(asked.Amount, order.document["currency"]), fault=fault)


def _cancel(orders: Orders, order: Thing) -> None:
    standing = orders.standing(order)
    if standing.state is State.TAKEN:
        orders.refund(order, standing.captured)
    else:
        orders.release(order)


def _order(bank: StandIn, account: Account, asked: Init) -> NewOrder:
    currency = currency_of(asked.Currency)
    number = str(asked.OrderID)
    return NewOrder(
        account=asked.Username,
        number=number,
        payment_id=payment_id_in(asked.Opaque or number),
        amount=_minor(asked.Amount, currency),
        currency=currency,
        life_s=asked.Timeout * bank.life_scale,
        capture="manual" if account.two_stage else "automatic",
        description=asked.Description,
        extra={"back_url": asked.BackURL, "opaque": asked.Opaque},
    )


def _minor(amount: Decimal, currency: str) -> int:
    return checked(amount.scaleb(exponent(currency)))


def _minor_or_none(amount: Any, currency: str) -> int | None:
    try:
        return _minor(amount, currency) if isinstance(amount, Decimal) else None
    except AmountRefusedError:
        return None


def _begun(code: str) -> Response:
    """Return the refusal of InitPayment: its codes are numbers."""
    return JSONResponse({"PaymentID": None, "ResponseCode": int(code), "ResponseMessage": answers.MESSAGES[code]})


def _say(status: int, code: str, message: str, retry_after_s: int | None = None) -> Response:
    del code
    if status == 404:  # noqa: PLR2004 - not found yet
        return JSONResponse({"ResponseCode": answers.UNKNOWN_ORDER})
    if status == 500:  # noqa: PLR2004 - the bank answers 200 with a code of its own
        return JSONResponse(answers.simple(answers.SYSTEM))
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    return JSONResponse({"Message": message}, status, headers)
