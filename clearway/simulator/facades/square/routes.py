"""Square's API under `/square`: the routes, and the subject of each for fault rules."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from clearway.simulator.facades.square.books import Kind, Thing
from clearway.simulator.facades.square.calls import Call
from clearway.simulator.facades.square.desk import SubjectOf
from clearway.simulator.facades.square.errors import missing
from clearway.simulator.facades.square.facade import SquareFacade
from clearway.simulator.facades.square.parameters import (
    CancellationByKey,
    Completion,
    EntryListing,
    Listing,
    NewPayment,
    NewRefund,
    NewSubscription,
    Nothing,
    PaymentChange,
    PayoutListing,
    read_query,
)
from clearway.simulator.facades.square.payments import CREATE, PAYMENT_MARK
from clearway.simulator.faults import Operation, Subject

router = APIRouter(prefix="/square")


def _facade(request: Request) -> SquareFacade:
    facade = request.app.state.square
    assert isinstance(facade, SquareFacade)
    return facade


Square = Annotated[SquareFacade, Depends(_facade)]


@router.post("/v2/payments")
async def create_payment(request: Request, square: Square) -> Response:
    """Take or reserve money."""

    def about(_account: str, asked: NewPayment) -> Subject:
        marked = PAYMENT_MARK.fullmatch(asked.reference_id or "")
        amount, key = asked.amount_money.amount, asked.idempotency_key
        payment_id = marked[1] if marked else None
        return Subject(Operation.AUTHORISE, key, payment_id, "card", amount, asked.source_id)

    return await square.desk.write(request, CREATE, NewPayment, square.payments.create, about)


@router.get("/v2/payments")
async def list_payments(request: Request, square: Square) -> Response:
    """List payments."""
    return await _list(request, square, Kind.PAYMENT)


@router.post("/v2/payments/cancel")
async def cancel_by_key(request: Request, square: Square) -> Response:
    """Cancel the payment of a key."""

    def act(call: Call, asked: CancellationByKey) -> dict[str, Any]:
        square.payments.cancel_by_key(call, asked.idempotency_key)
        return {}

    def about(_account: str, asked: CancellationByKey) -> Subject:
        return Subject(Operation.VOID, asked.idempotency_key, method="card")

    return await square.desk.note(request, CancellationByKey, act, about)


@router.get("/v2/payments/{payment}")
async def get_payment(request: Request, payment: str, square: Square) -> Response:
    """Show a payment."""

    def act(account: str) -> dict[str, Any]:
        return {"payment": square.views.payment(square.payments.find(account, payment))}

    return await square.desk.look(request, act, _about(square, Operation.LOOK_UP, payment))


@router.put("/v2/payments/{payment}")
async def update_payment(request: Request, payment: str, square: Square) -> Response:
    """Lower the amount of a payment, the first part of a partial capture."""

    def act(call: Call, asked: PaymentChange) -> Thing:
        return square.payments.lower(call, payment, asked.payment)

    return await square.desk.write(request, "update", PaymentChange, act, _about(square, Operation.CAPTURE, payment))


@router.post("/v2/payments/{payment}/complete")
async def complete_payment(request: Request, payment: str, square: Square) -> Response:
    """Take the reserved money."""

    def act(call: Call, asked: Completion) -> Thing:
        return square.payments.complete(call, payment, asked)

    return await square.desk.write(request, "complete", Completion, act, _about(square, Operation.CAPTURE, payment))


@router.post("/v2/payments/{payment}/cancel")
async def cancel_payment(request: Request, payment: str, square: Square) -> Response:
    """Release the reserved money."""

    def act(call: Call, _asked: Nothing) -> Thing:
        return square.payments.cancel(call, payment)

    return await square.desk.write(request, "cancel", Nothing, act, _about(square, Operation.VOID, payment))


@router.post("/v2/refunds")
async def create_refund(request: Request, square: Square) -> Response:
    """Give money back."""

    def about(account: str, asked: NewRefund) -> Subject:
        return _about(square, Operation.REFUND, asked.payment_id)(account, asked)

    return await square.desk.write(request, "refund", NewRefund, square.refunds.create, about)


@router.get("/v2/refunds")
async def list_refunds(request: Request, square: Square) -> Response:
    """List refunds."""
    return await _list(request, square, Kind.REFUND)


@router.get("/v2/refunds/{refund}")
async def get_refund(request: Request, refund: str, square: Square) -> Response:
    """Show a refund."""

    def act(account: str) -> dict[str, Any]:
        return {"refund": square.views.refund(square.refunds.find(account, refund))}

    return await square.desk.look(request, act, _about(square, Operation.LOOK_UP, refund))


@router.get("/v2/payouts")
async def list_payouts(request: Request, square: Square) -> Response:
    """List payouts."""

    def act(account: str) -> dict[str, Any]:
        return square.payouts.list(account, read_query(PayoutListing, request.query_params))

    return await square.desk.look(request, act, _asking)


@router.get("/v2/payouts/{payout}/payout-entries")
async def list_payout_entries(request: Request, payout: str, square: Square) -> Response:
    """List what a payout pays."""

    def act(account: str) -> dict[str, Any]:
        return square.payouts.entries(account, payout, read_query(EntryListing, request.query_params))

    return await square.desk.look(request, act, _asking)


@router.get("/v2/locations")
async def list_locations(request: Request, square: Square) -> Response:
    """List the locations of the seller."""
    return await square.desk.look(request, lambda account: {"locations": square.accounts.locations(account)}, _asking)


@router.get("/v2/locations/{location}")
async def get_location(request: Request, location: str, square: Square) -> Response:
    """Show a location."""
    return await square.desk.look(
        request, lambda account: {"location": square.accounts.location(account, location)}, _asking
    )


@router.post("/v2/webhooks/subscriptions")
async def subscribe(request: Request, square: Square) -> Response:
    """Make a subscription of webhooks."""
    return await square.desk.note(request, NewSubscription, square.subscribe, _asking)


@router.get("/v2/webhooks/subscriptions")
async def list_subscriptions(request: Request, square: Square) -> Response:
    """List the subscriptions of webhooks."""
    return await square.desk.look(request, square.subscriptions, _asking)


@router.delete("/v2/webhooks/subscriptions/{subscription}")
async def unsubscribe(request: Request, subscription: str, square: Square) -> Response:
    """Remove a subscription of webhooks."""

    def act(call: Call, _asked: Nothing) -> dict[str, Any]:
        return square.unsubscribe(call.account, subscription)

    return await square.desk.note(request, Nothing, act, _asking)


@router.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE"])
async def unrecognised(request: Request, path: str, square: Square) -> Response:
    """Refuse unknown routes."""

    def act(_account: str) -> dict[str, Any]:
        raise missing("resource", path)

    return await square.desk.look(request, act, _asking)


async def _list(request: Request, square: SquareFacade, kind: Kind) -> Response:
    def act(account: str) -> dict[str, Any]:
        return square.list(account, kind, read_query(Listing, request.query_params))

    return await square.desk.look(request, act, _asking)


def _about(square: SquareFacade, operation: Operation, object_id: str) -> SubjectOf:
    """Return the subject of a request about a payment, or about a refund of it."""

    def subject(account: str, asked: Any) -> Subject:
        key = getattr(asked, "idempotency_key", None)
        found = square.books.any(object_id)
        if found is None or found.account != account or found.kind is Kind.SUBSCRIPTION:
            return Subject(operation, key)
        payment = square.books.any(found.parent) if found.parent else found
        assert payment is not None, "a refund has its payment"
        backed = square.views.backed(payment)
        given = getattr(asked, "amount_money", None) or getattr(getattr(asked, "payment", None), "amount_money", None)
        amount = given.amount if given else square.views.amount(payment, backed)
        return Subject(operation, key, backed.payment.payment_id, "card", amount, backed.payment.instrument)

    return subject


def _asking(_account: str, _asked: Any) -> Subject:
    return Subject(Operation.LOOK_UP)
