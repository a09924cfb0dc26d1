"""Creating a payment: from a checked request to a recorded payment, safe to repeat at every point.

The order matters. The id is allocated first (`clearway.services.Allocation`). Then the workflow of that id starts and
records the payment, and its answer counts. Look-ups before that only give an earlier refusal; they decide nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import structlog
from sqlalchemy import Row
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from clearway.db import across_merchants, events
from clearway.db.across_merchants import PayableOrder
from clearway.domain.actor import Actor
from clearway.domain.errors import ConflictError, NotFoundError, UnavailableError, UnprocessableError
from clearway.domain.ids import ORDER, is_id
from clearway.domain.money import Money
from clearway.domain.order import closed_as
from clearway.domain.payment import CaptureMethod, NewPayment, PaymentStatus, PersonalData
from clearway.domain.refusals import ORDER_CLOSED, ORDER_NOT_FOUND, ORDER_TAKEN, QUOTE_USED, RUN_RESET
from clearway.domain.resources import PaymentResource
from clearway.domain.retry import RetryPolicy
from clearway.domain.routing_conditions import PaymentFacts
from clearway.durable import calls
from clearway.durable import search_attributes as attribute
from clearway.durable.calls import RefusedError, WorkflowEndedError
from clearway.durable.messages import PAYMENT_WORKFLOW, RECORD, PaymentInput, payment_workflow_id
from clearway.durable.sealed import seal
from clearway.payments import quoted
from clearway.payments.instruments import Instrument, make_usable, refuse_raw_card
from clearway.payments.routing import Route, facts_of, route
from clearway.recovery import reaching
from clearway.recovery.taking_up import timings_of
from clearway.services import Allocation, Services

ROUNDS_MAX: Final = 3


def order_not_found(order_id: str) -> NotFoundError:
    """Return the error for an order this merchant does not have."""
    return NotFoundError("order_not_found", f"You have no order {order_id!r}. Nothing was charged.")


def order_taken(order_id: str) -> ConflictError:
    """Return the error for an order that already has a payment."""
    detail = f"Order {order_id} has a payment in progress or a successful one. Nothing was charged by this request."
    return ConflictError("order_has_payment", detail)


def order_closed(order_id: str) -> ConflictError:
    """Return the error for an order that takes no payment any more."""
    detail = f"Order {order_id} was cancelled or has expired. Nothing was charged. Create another order."
    return ConflictError("order_closed", detail)


async def read_order(services: Services, order_id: str, *, merchant_id: str | None = None) -> PayableOrder:
    """Return an order; with merchant_id, only one of this merchant. Raises NotFoundError."""
    async with services.reader.connect() as connection:
        order = await across_merchants.find_payable(connection, order_id) if is_id(ORDER, order_id) else None
    if order is None or (merchant_id is not None and order.merchant_id != merchant_id):
        raise order_not_found(order_id)
    return order


@dataclass(frozen=True)
class PaymentTerms:
    """What a merchant may say about a payment beside its order and its instrument.

    gateway_id: the merchant's choice, if any. country: of the customer, for routing. quote_id: to pay in another
    currency. retries: None: the payment fails with its attempt. asked_by: a person who pays in a session: audited.
    """

    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC
    customer: dict[str, str] | None = None
    notes: dict[str, str] | None = None
    gateway_id: str | None = None
    country: str | None = None
    quote_id: str | None = None
    retries: RetryPolicy | None = None
    asked_by: Actor | None = None


STANDARD_TERMS: Final = PaymentTerms()


@dataclass(frozen=True)
class _Choice:
    """What is paid, and where. quote: of a payment in another currency. order: with what the customer pays."""

    quote: Row[Any] | None
    order: PayableOrder
    facts: PaymentFacts
    route: Route


async def create_payment(
    services: Services,
    order: PayableOrder,
    instrument: Instrument,
    allocation: Allocation,
    terms: PaymentTerms = STANDARD_TERMS,
) -> PaymentResource:
    """Record a payment of the order and return it as it was created."""
    if not allocation.again and order.held_by not in {None, allocation.resource_id}:
        # An early refusal while another payment has the order. An earlier request may have made a payment that ended
        # before that one: then, as in all else, the workflow of this id decides.
        raise order_taken(order.resource.id)
    if closed_as(order.resource.status, order.resource.expires_at, datetime.now(UTC)):
        # An earlier run of this request may have recorded the payment in time.
        recorded = await _as_created(services, order.merchant_id, allocation.resource_id)
        if recorded is None:
            raise order_closed(order.resource.id)
        return recorded
    refuse_raw_card(order.mode, instrument)
    try:
        choice = await _choose(services, order, instrument, allocation.resource_id, terms)
    except (NotFoundError, ConflictError, UnprocessableError):
        # An earlier run of this request may have recorded the payment when there still was a gateway.
        recorded = await _as_created(services, order.merchant_id, allocation.resource_id)
        if recorded is None:
            raise
        return recorded
    usable = await make_usable(services, order.mode, instrument, choice.route.config)
    personal = PersonalData(
        *(usable.instrument, usable.shown, terms.customer, terms.notes or {}),
        return_url=instrument.return_url,
        card=usable.card,
    )
    for _ in range(ROUNDS_MAX):
        sealed = seal(services.cipher, allocation.resource_id, personal)
        routing = choice.route.to_json(choice.facts, services.settings.payment_failovers_max)
        new = _new_payment(choice, instrument, terms, id=allocation.resource_id, personal=sealed, routing=routing)
        recorded = await _record(services, new, personal)
        if recorded is not None and allocation.again and await _as_created(services, new.merchant_id, new.id) is None:
            # A workflow answers from its history also when a restored database has lost the rows.
            await reaching.bring_back(services.recovery, new.id)
            recorded = None
        if recorded is not None:
            return recorded
        await allocation.renew()
    raise UnavailableError(
        "temporal_unavailable",
        "The payment could not be recorded. Nothing was charged. Repeat the request with the same Idempotency-Key.",
    )


async def _choose(
    services: Services, order: PayableOrder, instrument: Instrument, payment_id: str, terms: PaymentTerms
) -> _Choice:
    quote = await quoted.find(services, order, terms.quote_id)
    payable = quoted.payable(order, quote)
    facts = facts_of(
        payment_id,
        payable,
        instrument,
        capture_method=terms.capture_method,
        customer=terms.customer,
        notes=terms.notes,
        country=terms.country,
    )
    return _Choice(quote, payable, facts, await route(services, payable, facts, terms.gateway_id))


def _new_payment(choice: _Choice, instrument: Instrument, terms: PaymentTerms, **given: Any) -> NewPayment:
    order, config = choice.order, choice.route.config
    return NewPayment(
        merchant_id=order.merchant_id,
        order_id=order.resource.id,
        amount_minor=order.resource.amount,
        currency=order.resource.currency,
        method=instrument.method.value,
        capture_method=terms.capture_method.value,
        gateway=config.kind.value,
        gateway_id=config.id,
        retries=None if terms.retries is None else asdict(terms.retries),
        asked_by=terms.asked_by,
        **given,
        **quoted.settlement(choice.quote),
    )


async def _record(services: Services, new: NewPayment, personal: PersonalData) -> PaymentResource | None:
    """Return the payment as created, or None if this id was refused before and can never be used."""
    structlog.contextvars.bind_contextvars(payment_id=new.id)
    try:
        answered = PaymentResource.model_validate(await _start(services, new) | personal.in_resource())
    except RefusedError as refusal:
        raise _error_of(refusal, new.order_id) from refusal
    except WorkflowEndedError:
        return await _as_created(services, new.merchant_id, new.id)
    # An update that comes late meets a payment that has moved on; the answer to a creation is the payment as created.
    return (
        answered if answered.status is PaymentStatus.PENDING else await _as_created(services, new.merchant_id, new.id)
    )


async def _start(services: Services, new: NewPayment) -> dict[str, object]:
    return await calls.start_and_update(
        services.temporal,
        PAYMENT_WORKFLOW,
        PaymentInput(new, timings_of(services.settings)),
        workflow_id=payment_workflow_id(new.id),
        update=RECORD,
        attributes=_search_attributes(new),
        summary=f"{new.method} payment of {Money(new.amount_minor, new.currency)}",
    )


def _search_attributes(new: NewPayment) -> TypedSearchAttributes:
    return TypedSearchAttributes(
        [
            SearchAttributePair(attribute.MERCHANT_ID, new.merchant_id),
            SearchAttributePair(attribute.PAYMENT_ID, new.id),
            SearchAttributePair(attribute.ORDER_ID, new.order_id),
            SearchAttributePair(attribute.PAYMENT_STATUS, PaymentStatus.PENDING.value),
            SearchAttributePair(attribute.GATEWAY, new.gateway),
            SearchAttributePair(attribute.AMOUNT, new.amount_minor),
            SearchAttributePair(attribute.CURRENCY, new.currency),
        ]
    )


async def _as_created(services: Services, merchant_id: str, payment_id: str) -> PaymentResource | None:
    async with services.reader.connect() as connection:
        body = await events.creation_body(connection, merchant_id, payment_id)
    return None if body is None else PaymentResource.model_validate(orjson.loads(body)["data"])


def _error_of(refusal: RefusedError, order_id: str) -> Exception:
    if refusal.type == QUOTE_USED:
        return quoted.used()
    known = {ORDER_TAKEN: order_taken, ORDER_CLOSED: order_closed, ORDER_NOT_FOUND: order_not_found}
    if refusal.type == RUN_RESET:
        return UnavailableError(
            "temporal_unavailable",
            "An operator reset this payment before it was recorded. Repeat the request with the same Idempotency-Key.",
        )
    return known[refusal.type](order_id) if refusal.type in known else refusal
