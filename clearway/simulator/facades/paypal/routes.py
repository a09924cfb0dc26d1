"""PayPal's APIs under `/paypal`: the routes, and the subject of each for fault rules."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from clearway.simulator.facades.paypal.books import Kind, Thing
from clearway.simulator.facades.paypal.calls import Call
from clearway.simulator.facades.paypal.desk import Family, SubjectOf, say_as
from clearway.simulator.facades.paypal.errors import PayPalError, missing
from clearway.simulator.facades.paypal.facade import PayPalFacade
from clearway.simulator.facades.paypal.orders import FUNDINGS, WAITING
from clearway.simulator.facades.paypal.pages import approval_page
from clearway.simulator.facades.paypal.parameters import (
    NewCapture,
    NewOrder,
    NewRefund,
    NewWebhook,
    Nothing,
    Reauthorization,
    Verification,
    read_query,
)
from clearway.simulator.facades.paypal.subjects import about, about_new_order
from clearway.simulator.facades.paypal.views import payer_id
from clearway.simulator.faults import Operation, Subject
from clearway.simulator.misbehaviour import misbehave
from clearway.simulator.pages import HEADERS, result_page

router = APIRouter(prefix="/paypal")


def _facade(request: Request) -> PayPalFacade:
    facade = request.app.state.paypal
    assert isinstance(facade, PayPalFacade)
    return facade


PayPal = Annotated[PayPalFacade, Depends(_facade)]


@router.post("/v1/oauth2/token")
async def issue_token(request: Request, paypal: PayPal) -> Response:
    """Exchange client credentials for an access token."""
    form = parse_qs((await request.body()).decode(errors="replace"))

    def execute() -> Response:
        try:
            issued = paypal.accounts.issue(
                request.headers.get("authorization", ""), next(iter(form.get("grant_type", [])), None)
            )
        except PayPalError as refusal:
            return Response(json.dumps(refusal.body("")), refusal.status, media_type="application/json")
        return Response(json.dumps(issued), 200, media_type="application/json")

    fault = paypal.switches.for_request(Subject(Operation.TOKEN))
    return await misbehave(request, fault, execute, say_as("token"))


@router.post("/v2/checkout/orders")
async def create_order(request: Request, paypal: PayPal) -> Response:
    """Create an order."""
    return await paypal.desk.write(request, NewOrder, paypal.orders.create, about_new_order, Family.ORDERS)


@router.get("/v2/checkout/orders/{order}")
async def get_order(request: Request, order: str, paypal: PayPal) -> Response:
    """Show an order with its payments."""
    return await paypal.desk.look(
        request,
        lambda account: paypal.views.order(paypal.orders.find(account, order)),
        _about(paypal, Operation.LOOK_UP, order),
    )


@router.post("/v2/checkout/orders/{order}/capture")
async def capture_order(request: Request, order: str, paypal: PayPal) -> Response:
    """Take the money of an approved order."""

    def act(call: Call, _asked: Nothing) -> Thing:
        return paypal.orders.capture(call, order)

    subject = _about(paypal, Operation.AUTHORISE, order)
    return await paypal.desk.write(request, Nothing, act, subject, Family.ORDERS)


@router.post("/v2/checkout/orders/{order}/authorize")
async def authorize_order(request: Request, order: str, paypal: PayPal) -> Response:
    """Reserve the money of an approved order."""

    def act(call: Call, _asked: Nothing) -> Thing:
        return paypal.orders.authorize(call, order)

    subject = _about(paypal, Operation.AUTHORISE, order)
    return await paypal.desk.write(request, Nothing, act, subject, Family.ORDERS)


@router.get("/v2/payments/authorizations/{authorization}")
async def get_authorization(request: Request, authorization: str, paypal: PayPal) -> Response:
    """Show an authorization."""
    return await _look(request, paypal, Kind.AUTHORIZATION, authorization)


@router.post("/v2/payments/authorizations/{authorization}/capture")
async def capture_authorization(request: Request, authorization: str, paypal: PayPal) -> Response:
    """Take part or all of an authorization."""

    def act(call: Call, asked: NewCapture) -> Thing:
        return paypal.payments.capture(call, authorization, asked)

    subject = _about(paypal, Operation.CAPTURE, authorization)
    return await paypal.desk.write(request, NewCapture, act, subject, Family.PAYMENTS)


@router.post("/v2/payments/authorizations/{authorization}/reauthorize")
async def reauthorize(request: Request, authorization: str, paypal: PayPal) -> Response:
    """Renew an authorization."""

    def act(call: Call, asked: Reauthorization) -> Thing:
        return paypal.payments.reauthorize(call, authorization, asked)

    subject = _about(paypal, Operation.AUTHORISE, authorization)
    return await paypal.desk.write(request, Reauthorization, act, subject, Family.PAYMENTS)


@router.post("/v2/payments/authorizations/{authorization}/void")
async def void_authorization(request: Request, authorization: str, paypal: PayPal) -> Response:
    """Release an authorization. It takes no request id; without Prefer the answer is empty."""

    def act(call: Call, _asked: Nothing) -> Thing:
        return paypal.payments.void(call, authorization)

    subject = _about(paypal, Operation.VOID, authorization)
    answer = await paypal.desk.write(request, Nothing, act, subject, Family.WITHOUT)
    wants_all = "return=representation" in request.headers.get("prefer", "")
    return answer if answer.status_code != 200 or wants_all else Response(status_code=204)  # noqa: PLR2004 - OK


@router.get("/v2/payments/captures/{capture}")
async def get_capture(request: Request, capture: str, paypal: PayPal) -> Response:
    """Show a capture."""
    return await _look(request, paypal, Kind.CAPTURE, capture)


@router.post("/v2/payments/captures/{capture}/refund")
async def refund_capture(request: Request, capture: str, paypal: PayPal) -> Response:
    """Refund part or all of a capture."""

    def act(call: Call, asked: NewRefund) -> Thing:
        return paypal.payments.refund(call, capture, asked)

    subject = _about(paypal, Operation.REFUND, capture)
    return await paypal.desk.write(request, NewRefund, act, subject, Family.PAYMENTS)


@router.get("/v2/payments/refunds/{refund}")
async def get_refund(request: Request, refund: str, paypal: PayPal) -> Response:
    """Show a refund."""
    return await _look(request, paypal, Kind.REFUND, refund)


@router.post("/v1/notifications/webhooks")
async def create_webhook(request: Request, paypal: PayPal) -> Response:
    """Make a webhook."""

    def act(account: str, asked: NewWebhook, _body: bytes) -> dict[str, Any]:
        return paypal.add_webhook(account, asked, time.time())

    return await paypal.desk.note(request, NewWebhook, act, 201)


@router.get("/v1/notifications/webhooks")
async def list_webhooks(request: Request, paypal: PayPal) -> Response:
    """List webhooks."""
    return await paypal.desk.look(request, paypal.webhooks, _asking)


@router.get("/v1/notifications/webhooks/{webhook}")
async def get_webhook(request: Request, webhook: str, paypal: PayPal) -> Response:
    """Show a webhook."""
    return await paypal.desk.look(request, lambda account: paypal.webhook(account, webhook), _asking)


@router.delete("/v1/notifications/webhooks/{webhook}")
async def delete_webhook(request: Request, webhook: str, paypal: PayPal) -> Response:
    """Remove a webhook."""

    def act(account: str, _asked: Nothing, _body: bytes) -> dict[str, Any]:
        paypal.delete_webhook(account, webhook)
        return {}

    answer = await paypal.desk.note(request, Nothing, act, 200)
    return answer if answer.status_code != 200 else Response(status_code=204)  # noqa: PLR2004 - OK


@router.get("/v1/notifications/webhooks-events")
async def list_events(request: Request, paypal: PayPal) -> Response:
    """List events, newest first."""
    return await paypal.desk.look(request, paypal.events, _asking)


@router.get("/v1/notifications/webhooks-events/{event}")
async def get_event(request: Request, event: str, paypal: PayPal) -> Response:
    """Show an event."""
    return await paypal.desk.look(request, lambda account: paypal.event(account, event), _asking)


@router.post("/v1/notifications/verify-webhook-signature")
async def verify_signature(request: Request, paypal: PayPal) -> Response:
    """Return whether a webhook is signed by PayPal."""
    return await paypal.desk.note(request, Verification, paypal.verify, 200)


@router.get("/v1/notifications/certs/{name}")
async def get_certificate(name: str, paypal: PayPal) -> Response:
    """Serve the certificate of the webhooks; it needs no token."""
    try:
        return PlainTextResponse(paypal.certificate(name), media_type="application/x-pem-file")
    except PayPalError as refusal:
        return Response(json.dumps(refusal.body("")), refusal.status, media_type="application/json")


@router.get("/v1/reporting/transactions")
async def list_transactions(request: Request, paypal: PayPal) -> Response:
    """List what moved the balance."""

    def act(account: str) -> dict[str, Any]:
        return paypal.reporting.transactions(account, read_query(request.query_params))

    return await paypal.desk.look(request, act, _asking)


@router.get("/checkoutnow", response_class=HTMLResponse)
async def show_page(token: str, paypal: PayPal) -> Response:
    """Show the payer an order that waits for them."""
    order = paypal.books.any(token)
    if order is None or order.kind is not Kind.ORDER:
        return HTMLResponse(result_page("There is no such payment", "Go back to the shop."), 404, HEADERS)
    if order.document["status"] not in WAITING:
        return HTMLResponse(result_page("This payment is done", "There is nothing more to do here."), headers=HEADERS)
    return HTMLResponse(approval_page(order), headers=HEADERS)


@router.post("/checkoutnow/{token}/cancel")
async def cancel(token: str, paypal: PayPal) -> Response:
    """Send the payer back: the order stays as it is."""
    return _back(paypal.books.any(token), "cancel_url")


@router.post("/checkoutnow/{token}/approve/{funding}")
async def approve(token: str, funding: str, paypal: PayPal) -> Response:
    """Take the payer's approval and send them back to the shop."""
    order = paypal.books.any(token)
    if order is None or order.kind is not Kind.ORDER or funding not in FUNDINGS:
        return HTMLResponse(result_page("There is no such payment", "Go back to the shop."), 404, HEADERS)
    with paypal.desk.store.transaction():
        approved = paypal.orders.approve(order, funding)
    for ring in paypal.orders.engine.on_change:
        ring()
    if not approved:
        return HTMLResponse(result_page("This payment is done", "There is nothing more to do here."), headers=HEADERS)
    return _back(order, "return_url")


@router.api_route("/{path:path}", methods=["GET", "POST", "PATCH", "DELETE"])
async def unrecognised(request: Request, path: str, paypal: PayPal) -> Response:
    """Refuse unknown routes."""
    del path

    def act(_account: str) -> dict[str, Any]:
        raise missing()

    return await paypal.desk.look(request, act, _asking)


async def _look(request: Request, paypal: PayPalFacade, kind: Kind, object_id: str) -> Response:
    return await paypal.desk.look(
        request,
        lambda account: paypal.views.show(paypal.payments.find(account, kind, object_id)),
        _about(paypal, Operation.LOOK_UP, object_id),
    )


def _about(paypal: PayPalFacade, operation: Operation, object_id: str) -> SubjectOf:
    return about(paypal.books, paypal.views, operation, object_id)


def _asking(_account: str, _asked: Any, _key: str | None) -> Subject:
    return Subject(Operation.LOOK_UP)


def _back(order: Thing | None, name: str) -> Response:
    context = order.document.get("context") if order is not None and order.kind is Kind.ORDER else None
    if order is None or not context:
        return HTMLResponse(result_page("Thank you", "You can close this page."), headers=HEADERS)
    url = context[name]
    joined = f"{url}{'&' if '?' in url else '?'}token={order.id}"
    if name == "return_url":
        joined += f"&PayerID={payer_id(order)}"
    return RedirectResponse(joined, 303, HEADERS)
