"""Stripe's API v1 under `/stripe`: the routes, and the subject of each for fault rules."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from clearway.simulator.facades.stripe.accounts import Caller, require_secret
from clearway.simulator.facades.stripe.amounts import journal_amount
from clearway.simulator.facades.stripe.books import Kind, Thing
from clearway.simulator.facades.stripe.calls import Call
from clearway.simulator.facades.stripe.desk import SubjectOf
from clearway.simulator.facades.stripe.errors import StripeError
from clearway.simulator.facades.stripe.facade import StripeFacade
from clearway.simulator.facades.stripe.intents import PAYMENT_MARK
from clearway.simulator.facades.stripe.parameters import (
    Cancellation,
    Capture,
    Confirmation,
    IntentChange,
    Listing,
    NewEndpoint,
    NewIntent,
    NewMethod,
    NewRefund,
    NewToken,
    Nothing,
    Search,
    SettledListing,
)
from clearway.simulator.faults import Operation, Subject

router = APIRouter(prefix="/stripe/v1")


def _facade(request: Request) -> StripeFacade:
    facade = request.app.state.stripe
    assert isinstance(facade, StripeFacade)
    return facade


Stripe = Annotated[StripeFacade, Depends(_facade)]


class _Retrieval(Nothing):
    """A look at an intent; a publishable key needs its client secret."""

    client_secret: str | None = None


@router.post("/payment_intents")
async def create_intent(request: Request, stripe: Stripe) -> Response:
    """Create a PaymentIntent, and confirm it if asked to."""

    def act(call: Call, asked: NewIntent) -> dict[str, Any]:
        require_secret(call.caller)
        return stripe.intents.create(call, asked)

    def about(_caller: Caller, asked: NewIntent, key: str | None) -> Subject:
        operation = Operation.AUTHORISE if asked.confirm else Operation.PREPARE
        amount = _journal_amount(asked.amount, asked.currency)
        return Subject(operation, key, asked.metadata.get(PAYMENT_MARK), "card", amount, asked.payment_method)

    return await stripe.desk.write(request, NewIntent, act, about)


@router.get("/payment_intents")
async def list_intents(request: Request, stripe: Stripe) -> Response:
    """List PaymentIntents."""
    return await _list(request, stripe, Kind.INTENT)


@router.get("/payment_intents/search")
async def search_intents(request: Request, stripe: Stripe) -> Response:
    """Search PaymentIntents; the newest are not found yet."""
    return await stripe.desk.look(request, Search, stripe.search, _asking)


@router.get("/payment_intents/{intent}")
async def get_intent(request: Request, intent: str, stripe: Stripe) -> Response:
    """Retrieve a PaymentIntent."""

    def act(caller: Caller, asked: _Retrieval) -> dict[str, Any]:
        found = stripe.intents.find(caller.account, intent)
        if asked.client_secret != found.document["client_secret"]:
            require_secret(caller)
        return stripe.views.intent(found)

    return await stripe.desk.look(request, _Retrieval, act, _about(stripe, Operation.LOOK_UP, intent))


@router.post("/payment_intents/{intent}")
async def change_intent(request: Request, intent: str, stripe: Stripe) -> Response:
    """Change a PaymentIntent's description, metadata or transfer group."""

    def act(call: Call, asked: IntentChange) -> dict[str, Any]:
        require_secret(call.caller)
        return stripe.intents.change(call, intent, asked)

    return await stripe.desk.write(request, IntentChange, act, _about(stripe, Operation.PREPARE, intent))


@router.post("/payment_intents/{intent}/confirm")
async def confirm_intent(request: Request, intent: str, stripe: Stripe) -> Response:
    """Try to pay a PaymentIntent."""
    return await stripe.desk.write(
        request,
        Confirmation,
        lambda call, asked: stripe.intents.confirm(call, intent, asked),
        _about(stripe, Operation.AUTHORISE, intent),
    )


@router.post("/payment_intents/{intent}/capture")
async def capture_intent(request: Request, intent: str, stripe: Stripe) -> Response:
    """Capture part or all of a PaymentIntent."""

    def act(call: Call, asked: Capture) -> dict[str, Any]:
        require_secret(call.caller)
        return stripe.intents.capture(call, intent, asked)

    return await stripe.desk.write(request, Capture, act, _about(stripe, Operation.CAPTURE, intent))


@router.post("/payment_intents/{intent}/cancel")
async def cancel_intent(request: Request, intent: str, stripe: Stripe) -> Response:
    """Cancel a PaymentIntent."""

    def act(call: Call, asked: Cancellation) -> dict[str, Any]:
        require_secret(call.caller)
        return stripe.intents.cancel(call, intent, asked)

    return await stripe.desk.write(request, Cancellation, act, _about(stripe, Operation.VOID, intent))


@router.post("/refunds")
async def create_refund(request: Request, stripe: Stripe) -> Response:
    """Create a refund."""

    def act(call: Call, asked: NewRefund) -> dict[str, Any]:
        require_secret(call.caller)
        return stripe.refunds.create(call, asked)

    def about(caller: Caller, asked: NewRefund, key: str | None) -> Subject:
        return _about(stripe, Operation.REFUND, asked.payment_intent or "")(caller, asked, key)

    return await stripe.desk.write(request, NewRefund, act, about)


@router.get("/refunds")
async def list_refunds(request: Request, stripe: Stripe) -> Response:
    """List refunds."""
    return await _list(request, stripe, Kind.REFUND)


@router.get("/refunds/{refund}")
async def get_refund(request: Request, refund: str, stripe: Stripe) -> Response:
    """Retrieve a refund."""
    return await _get(request, stripe, Kind.REFUND, refund)


@router.get("/charges")
async def list_charges(request: Request, stripe: Stripe) -> Response:
    """List charges."""
    return await _list(request, stripe, Kind.CHARGE)


@router.get("/charges/{charge}")
async def get_charge(request: Request, charge: str, stripe: Stripe) -> Response:
    """Retrieve a charge."""
    return await _get(request, stripe, Kind.CHARGE, charge)


@router.post("/payment_methods")
async def create_method(request: Request, stripe: Stripe) -> Response:
    """Create a payment method of a raw test card or of a token."""
    return await stripe.desk.write(
        request,
        NewMethod,
        lambda call, asked: stripe.views.show(stripe.methods.create(call.account, asked)),
        _tokenising,
    )


@router.get("/payment_methods/{method}")
async def get_method(request: Request, method: str, stripe: Stripe) -> Response:
    """Retrieve a payment method."""
    return await _get(request, stripe, Kind.METHOD, method)


@router.post("/tokens")
async def create_token(request: Request, stripe: Stripe) -> Response:
    """Create a token of a raw test card."""
    return await stripe.desk.write(
        request, NewToken, lambda call, asked: stripe.methods.create_token(call.account, asked), _tokenising
    )


@router.get("/events")
async def list_events(request: Request, stripe: Stripe) -> Response:
    """List events."""
    return await _list(request, stripe, Kind.EVENT)


@router.get("/events/{event}")
async def get_event(request: Request, event: str, stripe: Stripe) -> Response:
    """Retrieve an event."""
    return await _get(request, stripe, Kind.EVENT, event)


@router.post("/webhook_endpoints")
async def create_endpoint(request: Request, stripe: Stripe) -> Response:
    """Create a webhook endpoint."""
    return await stripe.desk.write(request, NewEndpoint, stripe.add_endpoint, _asking)


@router.get("/webhook_endpoints")
async def list_endpoints(request: Request, stripe: Stripe) -> Response:
    """List webhook endpoints."""
    return await _list(request, stripe, Kind.ENDPOINT)


@router.delete("/webhook_endpoints/{endpoint}")
async def delete_endpoint(request: Request, endpoint: str, stripe: Stripe) -> Response:
    """Delete a webhook endpoint."""
    return await stripe.desk.look(
        request, Nothing, lambda caller, _asked: stripe.delete_endpoint(caller, endpoint), _asking
    )


@router.get("/balance_transactions")
async def list_transactions(request: Request, stripe: Stripe) -> Response:
    """List balance transactions."""
    return await stripe.desk.look(request, SettledListing, stripe.settling.transactions, _asking)


@router.get("/payouts")
async def list_payouts(request: Request, stripe: Stripe) -> Response:
    """List payouts."""
    return await stripe.desk.look(request, SettledListing, stripe.settling.payouts, _asking)


@router.get("/account")
async def get_account(request: Request, stripe: Stripe) -> Response:
    """Retrieve the account of the key."""
    return await stripe.desk.look(request, Nothing, lambda caller, _asked: stripe.account(caller), _asking)


@router.get("/balance")
async def get_balance(request: Request, stripe: Stripe) -> Response:
    """Retrieve the balance of the account."""
    return await stripe.desk.look(request, Nothing, lambda caller, _asked: stripe.balance(caller), _asking)


@router.api_route("/{path:path}", methods=["GET", "POST", "DELETE"])
async def unrecognised(request: Request, path: str, stripe: Stripe) -> Response:
    """Refuse unknown routes."""

    def act(_caller: Caller, _asked: Nothing) -> dict[str, Any]:
        message = f"Unrecognized request URL ({request.method}: /v1/{path}). The stand-in does not have it."
        raise StripeError(404, message)

    return await stripe.desk.look(request, Nothing, act, _asking)


async def _list(request: Request, stripe: StripeFacade, kind: Kind) -> Response:
    def about(caller: Caller, asked: Listing, _key: str | None) -> Subject:
        return _about(stripe, Operation.LOOK_UP, asked.payment_intent or "")(caller, asked, None)

    return await stripe.desk.look(request, Listing, lambda caller, asked: stripe.list(caller, kind, asked), about)


async def _get(request: Request, stripe: StripeFacade, kind: Kind, object_id: str) -> Response:
    return await stripe.desk.look(
        request, Nothing, lambda caller, _asked: stripe.find(caller, kind, object_id), _asking
    )


def _about(stripe: StripeFacade, operation: Operation, intent_id: str) -> SubjectOf:
    """Return what faults match of a request about an intent."""

    def about(caller: Caller, asked: Any, key: str | None) -> Subject:
        intent = stripe.books.get(caller.account, Kind.INTENT, intent_id)
        return _subject(operation, intent, asked, key) if intent else Subject(operation, key)

    return about


def _subject(operation: Operation, intent: Thing, asked: Any, key: str | None) -> Subject:
    document = intent.document
    given = getattr(asked, "amount_to_capture", None) or getattr(asked, "amount", None)
    return Subject(
        operation,
        key=key,
        payment_id=document["metadata"].get(PAYMENT_MARK, intent.id),
        method="card",
        amount=_journal_amount(given or document["amount"], document["currency"]),
        instrument=getattr(asked, "payment_method", None) or document["payment_method"],
    )


def _journal_amount(amount: int, currency: str) -> int | None:
    try:
        return journal_amount(amount, currency.upper())
    except StripeError:
        return None  # The operation refuses it with Stripe's error.


def _asking(_caller: Caller, _asked: Any, _key: str | None) -> Subject:
    return Subject(Operation.LOOK_UP)


def _tokenising(_caller: Caller, _asked: Any, key: str | None) -> Subject:
    return Subject(Operation.TOKEN, key)
