"""Capturing and cancelling payments: one update of the payment's workflow each.

The workflow decides. It records each command together with its row in the audit log, and then its result. If it refuses
or has ended, the answer is the recorded result of this command, not the payment's status.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from clearway.db.payments import reading
from clearway.domain.actor import Actor
from clearway.domain.command import CommandKind, CommandStatus
from clearway.domain.errors import ConflictError, OutcomeUnknownError
from clearway.domain.refusals import NOT_CANCELLABLE, NOT_CAPTURABLE, NOT_RETRYABLE
from clearway.domain.resources import PaymentResource
from clearway.durable.calls import RefusedError, WorkflowEndedError
from clearway.durable.messages import CANCEL, CAPTURE, CancelInput, CaptureInput
from clearway.payments.capabilities import capabilities_at, refuse_capture
from clearway.payments.finding import find
from clearway.recovery import reaching
from clearway.services import Services

REFUSALS: Final = {
    CommandKind.CAPTURE: NOT_CAPTURABLE,
    CommandKind.VOID: NOT_CANCELLABLE,
    CommandKind.RETRY: NOT_RETRYABLE,
}
"""The code of the refusal of each kind of command."""


async def capture(services: Services, actor: Actor, payment_id: str, asked: CaptureInput) -> PaymentResource:
    """Capture part or all of an authorised payment. A success means that this capture took its amount."""
    before = await find(services, actor.merchant_id, payment_id)
    able = await capabilities_at(services, actor.merchant_id, before)
    refuse_capture(able, before, asked.amount_minor, final=asked.final)
    try:
        named = replace(asked, asked_by=actor)
        return await _update(services, before, CAPTURE, named, update_id=asked.capture_id)
    except (RefusedError, WorkflowEndedError, OutcomeUnknownError) as refusal:
        payment = await find(services, actor.merchant_id, payment_id)
        return await by_its_end(services, actor, payment, asked.capture_id, _refused(refusal, NOT_CAPTURABLE, payment))


async def cancel(
    services: Services, actor: Actor, payment_id: str, update_id: str, asked: CancelInput
) -> PaymentResource:
    """Cancel a payment, or void what is not captured. A success means that this request released it."""
    before = await find(services, actor.merchant_id, payment_id)
    try:
        return await _update(services, before, CANCEL, replace(asked, asked_by=actor), update_id=update_id)
    except (RefusedError, WorkflowEndedError, OutcomeUnknownError) as refusal:
        payment = await find(services, actor.merchant_id, payment_id)
        return await by_its_end(services, actor, payment, update_id, _refused(refusal, NOT_CANCELLABLE, payment))


async def by_its_end(
    services: Services, actor: Actor, payment: PaymentResource, command_id: str, refusal: Exception
) -> PaymentResource:
    """Answer from the command's own row: a replay may arrive after its workflow has moved on or ended.

    A replay after a review has what the review came to.
    """
    async with services.reader.connect() as connection:
        command = await reading.find_command(connection, actor.merchant_id, payment.id, command_id)
    if command is None or not isinstance(refusal, ConflictError | OutcomeUnknownError):
        raise refusal
    if command.status is CommandStatus.DONE:
        return await find(services, actor.merchant_id, payment.id)
    if command.status is CommandStatus.SENT and isinstance(refusal, OutcomeUnknownError):
        raise refusal
    if command.status is CommandStatus.SENT:
        detail = (
            "The gateway was called for this request, and its outcome is not known yet. Do not repeat the request with "
            f"another Idempotency-Key. Payment {payment.id} will show the outcome, and a webhook will report it."
        )
        raise OutcomeUnknownError("gateway_outcome_unknown", detail) from refusal
    raise ConflictError(REFUSALS[command.kind], command.refusal or str(refusal)) from refusal


async def _update(
    services: Services, before: PaymentResource, name: str, argument: object, *, update_id: str
) -> PaymentResource:
    """Return the payment that the workflow answers. It has no personal data, which a command never changes."""
    answer = await reaching.update(services.recovery, before.id, name, argument, update_id=update_id)
    return PaymentResource.model_validate(answer | before.personal())


def _refused(refusal: Exception, code: str, payment: PaymentResource) -> Exception:
    """Return the conflict to answer with. Doubt is returned as it is, and so is a bug: a refusal of another kind."""
    if isinstance(refusal, OutcomeUnknownError):
        return refusal
    if isinstance(refusal, RefusedError):
        return ConflictError(code, str(refusal)) if refusal.type == code else refusal
    what = "captured" if code == NOT_CAPTURABLE else "cancelled"
    detail = f"Payment {payment.id} is {payment.status} and cannot be {what}. This request changed nothing."
    return ConflictError(code, detail)
