"""ArCa under `/arca/payment`: its calls, its form page, and the browser's way back."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, Literal
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from clearway.simulator.facades.arca import answers
from clearway.simulator.facades.hosted.amounts import AmountRefusedError, checked, currency_of
from clearway.simulator.facades.hosted.books import Thing
from clearway.simulator.facades.hosted.orders import NewOrder, OrderStateError, State, payment_id_in
from clearway.simulator.facades.hosted.serving import StandIn, credentials, own
from clearway.simulator.facades.hosted.stand_ins import HostedGateways
from clearway.simulator.facades.hosted.visiting import WALLETS, back, press, said, show
from clearway.simulator.faults import Fault, Operation

router = APIRouter(prefix="/arca/payment")

NUMBER_LENGTH_MAX: Final = 32
SESSION_S: Final = 1_200
BUTTONS: Final = (
    ("pay", "Pay"),
    ("code", "Pay with 3-D Secure"),
    ("decline", "Pay with a card that is declined"),
    ("empty", "Pay with a card without money"),
    ("leave", "Leave"),
)
CODE_BUTTONS: Final = (("pay", "Enter the right code"), ("decline", "Enter a wrong code"), ("leave", "Leave"))

Form = Mapping[str, str]
Act = Callable[[Thing, Fault | None], None]


@router.post("/rest/register.do")
async def register(request: Request, gateways: HostedGateways) -> Response:
    """Register an order whose money is taken at once. Its number may be used once."""
    return await _register(request, gateways["arca"], "automatic")


@router.post("/rest/registerPreAuth.do")
async def register_pre_auth(request: Request, gateways: HostedGateways) -> Response:
    """Register an order whose money is reserved."""
    return await _register(request, gateways["arca"], "manual")


@router.post("/rest/getOrderStatusExtended.do")
async def get_order_status(request: Request, gateways: HostedGateways) -> Response:
    """Return where an order stands: by the gateway's id, or by the merchant's number."""
    arca = gateways["arca"]
    form = await _form(request)
    order = _found(arca, form)
    if isinstance(order, Response):
        return order
    subject = arca.orders.subject(Operation.LOOK_UP, order)

    def execute(_fault: Fault | None) -> Response:
        return JSONResponse(answers.order_status(arca.orders, order))

    return await arca.serve(request, subject, execute, answers.say)


@router.post("/rest/deposit.do")
async def deposit(request: Request, gateways: HostedGateways) -> Response:
    """Take part or all of a reserved amount, once; 0 is all. The rest is released."""
    arca = gateways["arca"]
    form = await _form(request)

    def act(order: Thing, fault: Fault | None) -> None:
        held = arca.orders.require(order, State.HELD).authorised
        amount = held if form.get("amount", "0") == "0" else _amount(form)
        arca.orders.capture(order, amount, fault=fault)

    return await _change(request, arca, form, Operation.CAPTURE, act)


@router.post("/rest/reverse.do")
async def reverse(request: Request, gateways: HostedGateways) -> Response:
    """Release a reserved amount."""
    arca = gateways["arca"]
    form = await _form(request)
    return await _change(request, arca, form, Operation.VOID, lambda order, _fault: arca.orders.release(order))


@router.post("/rest/refund.do")
async def refund(request: Request, gateways: HostedGateways) -> Response:
    """Give money back. A repeat gives it back once more."""
    arca = gateways["arca"]
    form = await _form(request)

    def act(order: Thing, fault: Fault | None) -> None:
        arca.orders.refund(order, _amount(form), fault=fault)

    return await _change(request, arca, form, Operation.REFUND, act)


@router.get("/merchants/shop/payment_en.html")
async def form_page(gateways: HostedGateways, mdOrder: str = "") -> Response:  # noqa: N803 - the gateway's name for it
    """Show the bank's form with its buttons."""
    arca = gateways["arca"]
    order = arca.books.order(mdOrder)
    if order is None:
        return said("Not found", "There is no such order.", 404)
    buttons = CODE_BUTTONS if order.document["challenged"] else BUTTONS
    return show(arca.orders, "Stand-in of ArCa", order, f"/arca/payment/form/{mdOrder}", buttons)


@router.post("/form/{order_id}/{button}")
async def press_button(request: Request, order_id: str, button: str, gateways: HostedGateways) -> Response:
    """Pay, be declined, be asked for a code, or leave; the browser comes back with the order's id alone."""
    arca = gateways["arca"]
    order = arca.books.order(order_id)
    if order is None or button not in dict(BUTTONS):
        return said("Not found", "There is no such order.", 404)

    def pressed(order: Thing, button: str, fault: Fault | None) -> Response:
        document = order.document
        if button == "code":
            arca.orders.challenge(order)
            return back(_page(arca, order))
        if button in WALLETS:
            arca.orders.pay(order, WALLETS[button], fault=fault)
        declined = arca.orders.standing(order).state is State.DECLINED
        url = document["fail_url"] if declined and document["fail_url"] else document["return_url"]
        return back(url, orderId=order.id, lang="en")

    return await press(request, arca, order, button, pressed)


async def _register(request: Request, arca: StandIn, capture: Literal["automatic", "manual"]) -> Response:
    form = await _form(request)
    name = form.get("userName", "")
    if credentials(arca, name, form.get("password", "")) is None:
        return answers.error(answers.WRONG, answers.ACCESS)
    if any(not form.get(field) for field in ("orderNumber", "amount", "returnUrl")):
        return answers.error(answers.MISSING)
    try:
        order = _order(arca, name, form, capture)
    except AmountRefusedError:
        return answers.error(answers.WRONG)
    if order is None:
        return answers.error(answers.WRONG)
    if arca.books.numbered(name, order.number) is not None:
        return answers.error(answers.REGISTERED)

    def execute(_fault: Fault | None) -> Response:
        opened = arca.orders.open(order, str(uuid.uuid4()))
        return JSONResponse({"orderId": opened.id, "formUrl": _page(arca, opened)})

    subject = arca.orders.subject(Operation.PREPARE, None)
    return await arca.serve(request, subject, execute, answers.say)


async def _form(request: Request) -> Form:
    return dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))


def _found(arca: StandIn, form: Form) -> Thing | Response:
    """Return the order of a call, or the answer with which it is refused."""
    name = form.get("userName", "")
    if credentials(arca, name, form.get("password", "")) is None:
        return answers.error(answers.WRONG, answers.ACCESS)
    if form.get("orderId"):
        order = own(name, arca.books.order(form["orderId"]))
    else:
        order = arca.books.numbered(name, form.get("orderNumber", ""))
    return order or answers.error(answers.UNKNOWN_ORDER)


async def _change(request: Request, arca: StandIn, form: Form, operation: Operation, act: Act) -> Response:
    order = _found(arca, form)
    if isinstance(order, Response):
        return order

    def execute(fault: Fault | None) -> Response:
        try:
            act(order, fault)
        except AmountRefusedError:
            return answers.error(answers.WRONG)
        except OrderStateError as error:
            return answers.error(answers.SYSTEM, str(error))
        return answers.done(order)

    amount = form.get("amount", "")
    minor = int(amount) if amount.isdecimal() else None
    return await arca.serve(request, arca.orders.subject(operation, order, minor), execute, answers.say)


def _order(arca: StandIn, account: str, form: Form, capture: Literal["automatic", "manual"]) -> NewOrder | None:
    number, params = form["orderNumber"], answers.read_params(form.get("jsonParams", ""))
    session = form.get("sessionTimeoutSecs", str(SESSION_S))
    if len(number) > NUMBER_LENGTH_MAX or params is None or not session.isdecimal():
        return None
    return NewOrder(
        account=account,
        number=number,
        payment_id=payment_id_in(params.get("payment_id", number)),
        amount=_amount(form),
        currency=currency_of(form.get("currency", "051")),
        life_s=int(session) * arca.life_scale,
        capture=capture,
        description=form.get("description", ""),
        extra={"return_url": form["returnUrl"], "fail_url": form.get("failUrl"), "params": params},
    )


def _amount(form: Form) -> int:
    text = form.get("amount", "")
    if not text.isdecimal():
        raise AmountRefusedError("it is not a number of minor units")
    return checked(Decimal(text))


def _page(arca: StandIn, order: Thing) -> str:
    return f"{arca.root}/payment/merchants/shop/payment_en.html?mdOrder={order.id}"
