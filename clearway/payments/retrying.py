"""Retrying a payment whose attempt failed: here or at another gateway, with the same instrument or another one.

The workflow decides and records, as for every command (`clearway/payments/commands.py`). A card token belongs to one
gateway, so a card goes elsewhere only when the customer gives it again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from clearway.domain.actor import Actor
from clearway.domain.attempt import GatewayChoice
from clearway.domain.errors import ConflictError, UnprocessableError
from clearway.domain.payment import CaptureMethod, PaymentMethod, PaymentStatus, PersonalData
from clearway.domain.refusals import NOT_RETRYABLE
from clearway.domain.resources import PaymentResource
from clearway.domain.retry import refusal_by_status
from clearway.durable.calls import RefusedError, WorkflowEndedError
from clearway.durable.messages import RETRY, RetryInput
from clearway.durable.sealed import seal
from clearway.payments.commands import by_its_end
from clearway.payments.creation import read_order
from clearway.payments.finding import find
from clearway.payments.instruments import Instrument, make_usable
from clearway.payments.routing import Route, facts_of, route
from clearway.recovery import reaching
from clearway.services import Services

SHOWN: Final = ("vpa", "card", "bank", "wallet")
"""The fields of a payment that show its instrument: another instrument replaces all of them."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where and with what to retry. None: as before. instrument: another one of the payment's method."""

    gateway_id: str | None = None
    instrument: Instrument | None = None


async def retry(services: Services, actor: Actor, payment_id: str, retry_id: str, wanted: Wanted) -> PaymentResource:
    """Begin another attempt and return the payment, which is pending."""
    before = await find(services, actor.merchant_id, payment_id)
    if before.status is not PaymentStatus.RETRYING:
        # Before a card is exchanged for a token. A repeat of a request that was carried out is answered by its end.
        return await by_its_end(services, actor, before, retry_id, _not_retrying(before))
    try:
        asked, shown = await _asked(services, actor, before, retry_id, wanted)
        answer = await reaching.update(services.recovery, payment_id, RETRY, asked, update_id=retry_id)
    except (RefusedError, WorkflowEndedError, ConflictError) as refusal:
        payment = await find(services, actor.merchant_id, payment_id)
        return await by_its_end(services, actor, payment, retry_id, _refused(refusal, payment))
    personal = before.personal() | (dict.fromkeys(SHOWN) | shown if wanted.instrument else {})
    return PaymentResource.model_validate(answer | personal)


async def _asked(
    services: Services, actor: Actor, payment: PaymentResource, retry_id: str, wanted: Wanted
) -> tuple[RetryInput, dict[str, Any]]:
    """Return the message to the workflow, and what is shown of another instrument."""
    gateway_id, instrument = wanted.gateway_id, wanted.instrument
    if gateway_id is None and instrument is None:
        return RetryInput(retry_id, asked_by=actor), {}
    _refuse_what_does_not_fit(payment, gateway_id, instrument)
    chosen, mode = await _route(services, actor, payment, gateway_id or payment.gateway_id, instrument)
    at = GatewayChoice(chosen.config.kind.value, chosen.config.id)
    if instrument is None:
        return RetryInput(retry_id, at, asked_by=actor), {}
    usable = await make_usable(services, mode, instrument, chosen.config)
    customer = payment.customer.model_dump(exclude_none=True) if payment.customer else None
    personal = PersonalData(
        *(usable.instrument, usable.shown, customer, payment.notes), return_url=instrument.return_url, card=usable.card
    )
    return RetryInput(retry_id, at, seal(services.cipher, payment.id, personal), actor), usable.shown


def _refuse_what_does_not_fit(payment: PaymentResource, gateway_id: str | None, instrument: Instrument | None) -> None:
    """Refuse another method, and a card that would go to a gateway that has no token of it."""
    if instrument is not None and instrument.method is not payment.method:
        detail = (
            f"Payment {payment.id} is a {payment.method} payment. Nothing was charged. To pay in another way, cancel "
            "it and make another payment of the order."
        )
        raise UnprocessableError("retry_method_differs", detail)
    moves = gateway_id is not None and gateway_id != payment.gateway_id
    if instrument is None and moves and payment.method is PaymentMethod.CARD:
        detail = (
            f"The card token of payment {payment.id} belongs to gateway {payment.gateway_id}. Nothing was charged. "
            f"Send the card or a token for gateway {gateway_id}, or leave `gateway_id` out."
        )
        raise UnprocessableError("gateway_cannot", detail)


async def _route(
    services: Services, actor: Actor, payment: PaymentResource, gateway_id: str, instrument: Instrument | None
) -> tuple[Route, Any]:
    order = await read_order(services, payment.order_id, merchant_id=actor.merchant_id)
    # What the customer pays, which a quote may have put into another currency than the order's.
    money = {"amount": payment.amount, "currency": payment.currency}
    order = replace(order, resource=order.resource.model_copy(update=money))
    facts = facts_of(
        payment.id,
        order,
        instrument or Instrument(PaymentMethod(payment.method), vpa=payment.vpa),
        capture_method=CaptureMethod(payment.capture_method),
        customer=None,
        notes=payment.notes,
        country=None,
    )
    return await route(services, order, facts, gateway_id), order.mode


def _refused(refusal: Exception, payment: PaymentResource) -> Exception:
    """Return the conflict to answer with. A refusal of another kind is a bug and is returned unchanged."""
    if isinstance(refusal, RefusedError):
        return ConflictError(NOT_RETRYABLE, str(refusal)) if refusal.type == NOT_RETRYABLE else refusal
    return _not_retrying(payment) if isinstance(refusal, WorkflowEndedError) else refusal


def _not_retrying(payment: PaymentResource) -> ConflictError:
    return ConflictError(NOT_RETRYABLE, refusal_by_status(payment.id, payment.status))
