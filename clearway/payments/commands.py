"""Capturing and calling off payments: one update of the payment's workflow each.

The workflow decides. The database is read before, so that another merchant's payment is not found, and after, when the
workflow has ended and can say nothing any more.
"""

from __future__ import annotations

from clearway.db import audit
from clearway.db.payments import reading
from clearway.domain.actor import Actor
from clearway.domain.errors import ConflictError
from clearway.domain.payment import PaymentStatus
from clearway.domain.refusals import NOT_CANCELLABLE, NOT_CAPTURABLE
from clearway.domain.resources import PaymentResource
from clearway.durable import calls
from clearway.durable.calls import RefusedError, WorkflowEndedError
from clearway.durable.messages import CANCEL, CAPTURE, CancelInput, CaptureInput, payment_workflow_id
from clearway.payments.finding import find
from clearway.services import Services


async def capture(services: Services, actor: Actor, payment_id: str, asked: CaptureInput) -> PaymentResource:
    """Capture part or all of an authorised payment. What is captured in full already is answered as it is."""
    payment = await find(services, actor.merchant_id, payment_id)
    if is_captured_in_full(payment):
        return payment
    detail: dict[str, object] = {"capture_id": asked.capture_id, "amount": asked.amount_minor}
    await _note(services, actor, "payment.capture", payment_id, detail)
    try:
        return await _update(services, payment_id, CAPTURE, asked, update_id=asked.capture_id)
    except (RefusedError, WorkflowEndedError) as refusal:
        payment = await find(services, actor.merchant_id, payment_id)
        if is_captured_in_full(payment) or await _took_place(services, actor, asked.capture_id):
            return payment
        raise _refused(refusal, NOT_CAPTURABLE, payment, "captured") from refusal


async def cancel(
    services: Services, actor: Actor, payment_id: str, update_id: str, asked: CancelInput
) -> PaymentResource:
    """Call a payment off, or release what is not captured. What is cancelled already is answered as it is."""
    payment = await find(services, actor.merchant_id, payment_id)
    if payment.status is PaymentStatus.CANCELLED:
        return payment
    await _note(services, actor, "payment.cancel", payment_id, {})
    try:
        return await _update(services, payment_id, CANCEL, asked, update_id=update_id)
    except (RefusedError, WorkflowEndedError) as refusal:
        payment = await find(services, actor.merchant_id, payment_id)
        if payment.status is PaymentStatus.CANCELLED:
            return payment
        raise _refused(refusal, NOT_CANCELLABLE, payment, "cancelled") from refusal


def is_captured_in_full(payment: PaymentResource) -> bool:
    """Tell whether there is nothing left that a capture could take."""
    return payment.amount_captured == payment.amount


async def _update(
    services: Services, payment_id: str, name: str, argument: object, *, update_id: str
) -> PaymentResource:
    workflow_id = payment_workflow_id(payment_id)
    answer = await calls.update_running(services.temporal, workflow_id, name, argument, update_id=update_id)
    return PaymentResource.model_validate(answer)


async def _took_place(services: Services, actor: Actor, capture_id: str) -> bool:
    """A repeat may come when the workflow has ended and only the books remember what the first request did."""
    async with services.reader.connect() as connection:
        return await reading.capture_is_recorded(connection, actor.merchant_id, capture_id)


def _refused(refusal: Exception, code: str, payment: PaymentResource, participle: str) -> Exception:
    """Return the conflict to answer with; a refusal of another kind is a bug, and stays what it is."""
    if isinstance(refusal, RefusedError):
        return ConflictError(code, str(refusal)) if refusal.type == code else refusal
    return ConflictError(code, f"Payment {payment.id} is {payment.status} and cannot be {participle}.")


async def _note(services: Services, actor: Actor, action: str, payment_id: str, detail: dict[str, object]) -> None:
    async with services.reader.connect() as connection:
        await audit.record(connection, actor, action, payment_id, detail)
