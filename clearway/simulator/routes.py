"""The gateway API of the simulator: tokens, payments, follow-ups, look-ups."""

from __future__ import annotations

import datetime as dt
import time
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse, Response

from clearway.simulator.cards import check
from clearway.simulator.engine import Answer
from clearway.simulator.failures import CARD_MESSAGES
from clearway.simulator.fault_kinds import FaultKind
from clearway.simulator.faults import Fault, Operation, Subject
from clearway.simulator.misbehaviour import misbehave
from clearway.simulator.records import Kind
from clearway.simulator.service import Running, Service
from clearway.simulator.wire import (
    NewCapture,
    NewPayment,
    NewRefund,
    NewToken,
    NewVoid,
    error_body,
    payment_body,
)

router = APIRouter()

Key = Annotated[str, Header(alias="Idempotency-Key", min_length=1, max_length=255)]


@router.post("/v1/tokens", status_code=201)
async def create_token(request: Request, card: NewToken, service: Running) -> Response:
    """Exchange a card for a token. Only the last four digits and the scenario are stored."""
    today = dt.datetime.now(tz=dt.UTC).date()

    def execute() -> Response:
        checked = check(card.number, card.exp_month, card.exp_year, card.cvc, today=today)
        if isinstance(checked, str):
            return JSONResponse(error_body(checked, CARD_MESSAGES[checked]), 402)
        kept = {name: getattr(checked, name) for name in ("brand", "last4", "exp_month", "exp_year")}
        return JSONResponse({"object": "token", "id": service.engine.add_token(checked), "card": kept}, 201)

    return await misbehave(request, service.switches.for_request(Subject(Operation.TOKEN)), execute)


@router.get("/v1/tokens/{token}")
async def get_token(request: Request, token: str, service: Running) -> Response:
    """Say which card a token stands for: what may be shown of it."""

    def execute() -> Response:
        kept = service.engine.card_of(token)
        if kept is None:
            return JSONResponse(error_body("token_not_found", "There is no such token."), 404)
        return JSONResponse({"object": "token", "id": token, "card": kept})

    return await misbehave(request, service.switches.for_request(Subject(Operation.TOKEN)), execute)


@router.post("/v1/payments", status_code=201)
async def create_payment(request: Request, order: NewPayment, key: Key, service: Running) -> Response:
    """Accept a payment. 201: see its status; 402: declined at once; 409: the key was used for another request."""
    subject = Subject(
        Operation.AUTHORISE,
        key=key,
        payment_id=order.merchant_reference,
        method=order.method,
        amount=order.amount,
        instrument=order.instrument,
        account=order.account,
    )
    fault = service.switches.for_request(subject, service.engine.scenario(order).fault)
    return await misbehave(
        request, fault, lambda: _answer(service.engine.pay(key, order, wrong_amount=_is_wrong(fault)))
    )


@router.post("/v1/payments/{reference}/capture", status_code=201)
async def capture_payment(
    request: Request, reference: str, *, body: NewCapture, key: Key, service: Running
) -> Response:
    """Take part or all of an authorised amount; may be repeated until nothing is left."""
    fault = _fault(service, Operation.CAPTURE, key, reference, body.amount)
    return await misbehave(
        request, fault, lambda: _answer(service.engine.capture(key, reference, body, wrong_amount=_is_wrong(fault)))
    )


@router.post("/v1/payments/{reference}/void", status_code=201)
async def void_payment(
    request: Request, reference: str, *, key: Key, service: Running, body: NewVoid | None = None
) -> Response:
    """Release what is authorised and not captured, or cancel a pending payment."""
    del body  # Accepted so that it is checked: a void is always of all that is left.
    fault = _fault(service, Operation.VOID, key, reference, None)
    return await misbehave(request, fault, lambda: _answer(service.engine.void(key, reference)))


@router.post("/v1/payments/{reference}/refunds", status_code=201)
async def refund_payment(request: Request, reference: str, *, body: NewRefund, key: Key, service: Running) -> Response:
    """Refund part or all of the captured money."""
    fault = _fault(service, Operation.REFUND, key, reference, body.amount)
    return await misbehave(
        request, fault, lambda: _answer(service.engine.refund(key, reference, body, wrong_amount=_is_wrong(fault)))
    )


@router.get("/v1/operations")
async def list_operations(
    service: Running,
    *,
    since: dt.datetime,
    payment: str | None = None,
    account: str | None = None,
    after: int = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """List the operations created or changed since a moment, oldest first.

    payment: only of the payment with this merchant reference. account: only of this account.
    after: the `next` of the page before; null is the end.
    """
    if since.tzinfo is None:
        return JSONResponse(error_body("invalid_request", "`since` needs a time zone, such as a final Z."), 400)
    found, following = service.engine.operations(since.timestamp(), payment, account, after, limit)
    shown = [one for one in found if not _is_hidden(service, one)]
    return JSONResponse({"object": "list", "data": shown, "next": following})


@router.get("/v1/operations/{key:path}")
async def look_up(request: Request, key: str, service: Running) -> Response:
    """Return the present state of the operation with this idempotency key."""
    found = service.engine.find(key)
    if found is None:
        fault = service.switches.for_request(Subject(Operation.LOOK_UP, key=key))
        return await misbehave(request, fault, _operation_not_found)
    operation, payment = found
    subject = Subject(
        Operation.LOOK_UP,
        key=key,
        payment_id=payment.payment_id,
        method=payment.method,
        amount=operation.amount,
        instrument=payment.instrument,
        account=payment.account,
        age_s=time.time() - operation.created_at,
    )
    denied = operation.kind is Kind.PAYMENT and payment.scenario.fault is FaultKind.NOT_FOUND_YET
    magic = payment.scenario.fault if denied else None
    fault = service.switches.for_request(subject, magic)
    return await misbehave(request, fault, lambda: JSONResponse(service.engine.describe(operation, payment)))


@router.get("/v1/payments/{reference}")
async def get_payment(reference: str, service: Running) -> Response:
    """Return a payment's state and running totals."""
    return JSONResponse(payment_body(*service.engine.payment_with_operation(reference)))


def _fault(service: Service, operation: Operation, key: str, reference: str, amount: int | None) -> Fault | None:
    """Choose the fault of a follow-up: rules match its payment."""
    payment, _ = service.engine.payment_with_operation(reference)
    magic = payment.scenario.refund_fault if operation is Operation.REFUND else None
    subject = Subject(
        operation,
        key=key,
        payment_id=payment.payment_id,
        method=payment.method,
        amount=amount,
        instrument=payment.instrument,
        account=payment.account,
    )
    return service.switches.for_request(subject, magic)


def _is_hidden(service: Service, operation: dict[str, Any]) -> bool:
    key, payment_id = operation["idempotency_key"], operation["merchant_reference"]
    return service.switches.for_row(Subject(Operation.LISTING, key=key, payment_id=payment_id)) is not None


def _is_wrong(fault: Fault | None) -> bool:
    return fault is not None and fault.kind is FaultKind.WRONG_AMOUNT


def _answer(answer: Answer) -> Response:
    headers = {"idempotent-replayed": "true"} if answer.replayed else {}
    return Response(answer.body, 402 if answer.declined else 201, headers, "application/json")


def _operation_not_found() -> Response:
    return JSONResponse(error_body("operation_not_found", "There is no operation with this key."), 404)
