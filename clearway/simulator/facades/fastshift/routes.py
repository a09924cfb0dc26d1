"""FastShift under `/fastshift`: register an order, its page, its status."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from clearway.simulator.facades.hosted.amounts import shortest
from clearway.simulator.facades.hosted.books import Thing
from clearway.simulator.facades.hosted.orders import NewOrder, Standing, State, payment_id_in
from clearway.simulator.facades.hosted.serving import StandIn
from clearway.simulator.facades.hosted.stand_ins import HostedGateways
from clearway.simulator.facades.hosted.visiting import WALLETS, back, press, said, show
from clearway.simulator.faults import Fault, Operation

router = APIRouter(prefix="/fastshift")

CURRENCY: Final = "AMD"
DRAM: Final = 100
"""A dram in minor units: the gateway takes whole drams."""
LIFE_S: Final = 1_200.0
BUTTONS: Final = (("pay", "Pay"), ("decline", "Pay from a wallet that is declined"), ("leave", "Leave"))
STATUSES: Final = {State.TAKEN: "completed", State.DECLINED: "rejected", State.EXPIRED: "expired"}
TOKEN: Final = "token_"  # noqa: S105 - the first part of the tokens of the stand-in


class NewRegistration(BaseModel):
    """The order to register."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    order_number: uuid.UUID
    amount: StrictInt = Field(gt=0, le=10**10)
    description: str = Field(max_length=255)
    callback_url: str = Field(max_length=2_048, pattern=r"^https?://")
    webhook_url: str | None = Field(default=None, max_length=2_048, pattern=r"^https?://")
    external_order_id: str | None = Field(default=None, max_length=255)


@router.post("/api/en/vpos/order/register")
async def register_order(request: Request, gateways: HostedGateways) -> Response:
    """Register an order: no money moves. Its number may be used once."""
    fastshift = gateways["fastshift"]
    account = _account(fastshift, request)
    if account is None:
        return _refused(401, "Unauthenticated.")
    try:
        asked = NewRegistration.model_validate_json(await request.body())
    except ValidationError as error:
        places = {".".join(map(str, problem["loc"])) or "body": problem["msg"] for problem in error.errors()}
        return _refused(422, "The given data was invalid.", places)
    if fastshift.books.numbered(account, str(asked.order_number)) is not None:
        return _refused(422, "The given data was invalid.", {"order_number": "It has already been taken."})

    def execute(_fault: Fault | None) -> Response:
        order = fastshift.orders.open(_order(fastshift, account, asked), str(uuid.uuid4()))
        body = {"redirect_url": f"{fastshift.root}/pay/{order.id}", "order": _shown(fastshift, order)}
        return JSONResponse({"status": "success", "data": body})

    subject = fastshift.orders.subject(Operation.PREPARE, None)
    return await fastshift.serve(request, subject, execute, _say)


@router.get("/api/en/vpos/order/status/{number}")
async def order_status(request: Request, number: str, gateways: HostedGateways) -> Response:
    """Return where an order stands."""
    fastshift = gateways["fastshift"]
    account = _account(fastshift, request)
    if account is None:
        return _refused(401, "Unauthenticated.")
    order = fastshift.books.numbered(account, number)

    def execute(_fault: Fault | None) -> Response:
        if order is None:
            return _refused(404, "Order not found.")
        return JSONResponse({"status": "success", "data": {"order": _shown(fastshift, order)}})

    return await fastshift.serve(request, fastshift.orders.subject(Operation.LOOK_UP, order), execute, _say)


@router.get("/pay/{order_id}")
async def show_order(order_id: str, gateways: HostedGateways) -> Response:
    """Show the page with its buttons."""
    fastshift = gateways["fastshift"]
    order = fastshift.books.order(order_id)
    if order is None:
        return said("Not found", "There is no such order.", 404)
    return show(fastshift.orders, "Stand-in of FastShift", order, f"/fastshift/pay/{order_id}", BUTTONS)


@router.post("/pay/{order_id}/{button}")
async def press_button(request: Request, order_id: str, button: str, gateways: HostedGateways) -> Response:
    """Pay, be declined, or leave; the customer comes back with a status that nobody signed."""
    fastshift = gateways["fastshift"]
    order = fastshift.books.order(order_id)
    if order is None or button not in dict(BUTTONS):
        return said("Not found", "There is no such order.", 404)

    def pressed(order: Thing, button: str, fault: Fault | None) -> Response:
        if button in WALLETS:
            fastshift.orders.pay(order, WALLETS[button], fault=fault)
        document, status = order.document, _status(fastshift.orders.standing(order))
        return back(document["callback_url"], status=status, order_number=document["number"])

    return await press(request, fastshift, order, button, pressed)


def _account(fastshift: StandIn, request: Request) -> str | None:
    """Return the account of a bearer token: that of NAME is `token_NAME`."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    name = token.removeprefix(TOKEN)
    known = scheme.lower() == "bearer" and name != token and fastshift.books.account(name) is not None
    return name if known else None


def _order(fastshift: StandIn, account: str, asked: NewRegistration) -> NewOrder:
    number = str(asked.order_number)
    return NewOrder(
        account=account,
        number=number,
        payment_id=payment_id_in(asked.external_order_id or number),
        amount=asked.amount * DRAM,
        currency=CURRENCY,
        life_s=LIFE_S * fastshift.life_scale,
        description=asked.description,
        extra={"callback_url": asked.callback_url, "webhook_url": asked.webhook_url},
    )


def _shown(fastshift: StandIn, order: Thing) -> dict[str, Any]:
    standing = fastshift.orders.standing(order)
    minor = standing.payment.amount if standing.payment else order.document["amount"]
    return {
        "order_number": order.document["number"],
        "status": _status(standing),
        "amount": minor // DRAM if minor % DRAM == 0 else shortest(minor, CURRENCY),
        "currency": CURRENCY,
        "description": order.document["description"],
    }


def _status(standing: Standing) -> str:
    return STATUSES.get(standing.state, "pending")


def _refused(status: int, message: str, errors: Mapping[str, str] | None = None) -> Response:
    body: dict[str, Any] = {"status": "error", "message": message}
    return JSONResponse(body | ({"errors": dict(errors)} if errors else {}), status)


def _say(status: int, code: str, message: str, retry_after_s: int | None = None) -> Response:
    del code
    response = _refused(status, "Order not found." if status == 404 else message)  # noqa: PLR2004 - Not Found
    if retry_after_s is not None:
        response.headers["retry-after"] = str(retry_after_s)
    return response
