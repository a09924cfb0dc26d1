"""Reserving refunds and every change of them, in one statement with the payment's amounts, the ledger and the events.

A refund is reserved only if the payment is unchanged since it was read (optimistic locking), and the row's constraints
refuse more than was captured. So racing refunds never exceed the captured amount.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import Label, Row, bindparam, case, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import audit, ledger
from clearway.db.events import DueDelivery, Endpoint, Happening, announce, due_for_step, endpoints_beside, endpoints_in
from clearway.db.payments import recording_attempts as attempts
from clearway.db.payments.recording import (
    PaymentUnknownError,
    as_read,
    find,
    find_with,
    is_recorded,
    refuse_another_step,
    refuse_gap,
)
from clearway.db.payments.rows import payment_of, settlement_of
from clearway.db.refunds.rows import columns_after, first_row, refund_of, resource_of
from clearway.db.tables import captures, payments, refunds
from clearway.db.writing import NOTHING, Changed, Rows, Write, row_after, until_written, write_if
from clearway.domain import ledger as books
from clearway.domain.actor import in_history
from clearway.domain.attempt import AttemptKept
from clearway.domain.capture import StandingCapture, capture_to_refund
from clearway.domain.events import CREATED_STEP, EventType
from clearway.domain.ledger import LedgerTransaction
from clearway.domain.money import Money
from clearway.domain.payment import Payment
from clearway.domain.refund import (
    TAKES,
    NewRefund,
    Refund,
    RefundApplied,
    RefundChange,
    RefundStatus,
    apply_refund_change,
)
from clearway.domain.resources import RefundResource

_SIDES: Final = (
    *("quote_id", "amount_minor", "currency", "fx_exact_minor", "settlement_minor", "settlement_currency"),
    "settlement_refunded_minor",
)
_PAID: Final[Label[Any]] = case(
    (
        payments.c.quote_id.is_not(None),
        func.json_build_object(*chain.from_iterable((name, payments.c[name]) for name in _SIDES)),
    )
).label("paid")
"""The two sides of a payment by quote, as JSON; NULL for others."""
FIND: Final = (
    select(
        refunds,
        payments.c.gateway_reference.label("payment_reference"),
        _PAID,
        captures.c.gateway_references.label("capture_references"),
        captures.c.state.label("capture_state"),
        attempts.KEPT,
        endpoints_beside(refunds.c.merchant_id),
    )
    .join(payments, payments.c.id == refunds.c.payment_id)
    .outerjoin(captures, captures.c.id == refunds.c.capture_id)
    .where(refunds.c.id == bindparam("refund_id"))
)

_RETURNED: Final = (
    select(func.coalesce(func.sum(refunds.c.amount_minor), 0))
    .where(refunds.c.capture_id == captures.c.id, refunds.c.status.in_(sorted(TAKES)))
    .scalar_subquery()
)
_CAPTURES: Final = (
    select(
        func.json_agg(
            aggregate_order_by(
                func.json_build_array(
                    captures.c.id, captures.c.amount_minor, _RETURNED, captures.c.gateway_references, captures.c.state
                ),
                captures.c.created_at,
                captures.c.id,
            )
        )
    )
    .where(captures.c.payment_id == payments.c.id)
    .scalar_subquery()
    .label("captures")
)
FIND_PAYMENT: Final = find_with(attempts.KEPT, _CAPTURES)


class AmountNotRefundableError(Exception):
    """The refund exceeds what was captured and is neither refunded nor promised; str(error) is for the merchant."""


class StepUpRequiredError(Exception):
    """The payment's refunds together exceed what this one allows; str(error) is for the merchant."""


class RefundUnknownError(Exception):
    """There is no such refund: the workflow has a bug."""


@dataclass(frozen=True, slots=True)
class RecordedRefund:
    """A refund after a step, its resource, and the deliveries due. kept: of its payment's attempt."""

    refund: Refund
    resource: RefundResource
    kept: AttemptKept
    due: list[DueDelivery]
    again: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class StandingRefund:
    """A refund with what a new run needs to continue."""

    refund: Refund
    resource: RefundResource
    kept: AttemptKept
    created_at: datetime


async def reserve(
    connection: AsyncConnection, new: NewRefund, *, now: datetime, delivered: bool = True
) -> RecordedRefund:
    """Reserve a refund. Nothing is written when it raises. delivered: whether its event goes to endpoints.

    Raises PaymentUnknownError, AmountNotRefundableError or StepUpRequiredError.
    """

    async def attempt() -> RecordedRefund | None:
        payment_row = await find(connection, new.payment_id, FIND_PAYMENT)
        if payment_row.merchant_id != new.merchant_id:
            raise PaymentUnknownError(new.payment_id)
        there = (await connection.execute(FIND, {"refund_id": new.id})).first()
        if there is not None:
            return await _already(connection, there, CREATED_STEP)
        return await _reserve(connection, payment_row, new, now, endpoints_in(payment_row) if delivered else ())

    return await until_written(new.payment_id, attempt)


async def apply(
    connection: AsyncConnection, refund_id: str, change: RefundChange, *, now: datetime, delivered: bool = True
) -> RecordedRefund:
    """Apply a change to the refund and to its payment's amounts. delivered: whether its event goes to endpoints.

    Raises MoveRefusedError, RecordMovedError or RefundUnknownError; nothing is written then.
    """

    async def attempt() -> RecordedRefund | None:
        row = (await connection.execute(FIND, {"refund_id": refund_id})).first()
        if row is None:
            raise RefundUnknownError(refund_id)
        refuse_gap(row, change.step)
        if is_recorded(row, change.step):
            await refuse_another_step(connection, row, change.step, change.to.value)
            return await _already(connection, row, change.step)
        return await _change(connection, row, change, now, endpoints_in(row) if delivered else ())

    return await until_written(refund_id, attempt)


async def load(connection: AsyncConnection, refund_id: str) -> StandingRefund:
    """Read a refund for a run that continues from the row. Raises RefundUnknownError."""
    row = (await connection.execute(FIND, {"refund_id": refund_id})).first()
    if row is None:
        raise RefundUnknownError(refund_id)
    return StandingRefund(refund_of(row), resource_of(row), _kept(row), row.created_at)


async def _reserve(
    connection: AsyncConnection, payment_row: Row[Any], new: NewRefund, now: datetime, endpoints: Sequence[Endpoint]
) -> RecordedRefund | None:
    """Write the reservation; None, with nothing written, if the payment's row has changed since it was read."""
    payment = payment_of(payment_row)
    amount_minor = _refundable(payment, new.amount_minor)
    settlement = settlement_of(payment_row)
    taken = payment.refunded_minor + payment.refund_pending_minor
    if new.total_max_minor is not None and taken + amount_minor > new.total_max_minor:
        raise StepUpRequiredError(_step_up_message(payment, taken + amount_minor, new.total_max_minor))
    settled_minor = settlement.of_refund(taken, amount_minor) if settlement else 0
    capture = _capture(payment, payment_row.captures, amount_minor, of_one=new.of_one_capture)
    capture_id = capture.id if capture else None
    row = first_row(new, payment, amount_minor, now, capture_id=capture_id, settled_minor=settled_minor)
    booked = books.refund_reserved(new.id, payment.merchant_id, Money(amount_minor, payment.currency))
    asked = RefundChange(
        step=CREATED_STEP, to=RefundStatus.PENDING, reason="refund requested", actor=in_history(new.asked_by)
    )
    happening = _happening(row, EventType.REFUND_CREATED, asked, None)
    announced = announce([happening], endpoints, now=now)
    promised = _added_to_payment(
        payment.id, pending_minor=amount_minor, settled_minor=settled_minor, now=now, where=as_read(payment_row)
    )
    exchanged = settlement.refunded(f"{new.id}/{CREATED_STEP}", amount_minor, settled_minor) if settlement else ()
    booking = ledger.bookings([booked], payment_id=payment.id, refund_id=new.id, of_payment=exchanged, now=now)
    detail = {"refund_id": new.id, "amount": amount_minor}
    audited = audit.beside(new.asked_by, "payment.refund", payment.id, detail, now=now)
    if await write_if(connection, promised, [Rows(refunds, [vars(row)]), *audited, *booking, *announced.writes]):
        kept = attempts.kept_in(payment_row, payment.gateway_reference)
        kept = kept.with_capture(capture.kept) if capture else kept
        return RecordedRefund(refund_of(row), resource_of(row), kept, announced.due)
    return None


def _decision(refund_id: str, change: RefundChange, now: datetime) -> list[Write]:
    detail = {
        "outcome": change.to.value,
        "amount": change.moved_minor,
        "gateway_reference": change.gateway_reference,
    }
    return audit.beside(change.decided_by, "refund.resolve", refund_id, detail, now=now)


async def _change(
    connection: AsyncConnection, row: Row[Any], change: RefundChange, now: datetime, endpoints: Sequence[Endpoint]
) -> RecordedRefund | None:
    """Write the row and all related rows. None, with nothing written: the row has changed since it was read."""
    applied = apply_refund_change(refund_of(row), change)
    after = columns_after(applied.refund, now)
    changed = row_after(row, after)
    happening = _happening(changed, applied.event, change, row.status)
    announced = announce([happening], endpoints, now=now)
    writes: list[Write] = []
    pending_minor, refunded_minor = applied.pending_delta_minor, applied.refunded_delta_minor
    settled_minor, exchanged = _exchanged(row, applied, change)
    after["settlement_minor"] = row.settlement_minor + settled_minor
    if pending_minor or refunded_minor:
        # Additions need no condition: they are valid for any amounts, and the row's constraints check the result.
        added = _added_to_payment(
            row.payment_id,
            pending_minor=pending_minor,
            refunded_minor=refunded_minor,
            settled_minor=settled_minor,
            now=now,
        )
        writes.append(added)
    writes += ledger.bookings(
        applied.transactions, payment_id=row.payment_id, refund_id=row.id, of_payment=exchanged, now=now
    )
    writes += _decision(row.id, change, now)
    moved = Changed(refunds, row.id, after, where={"version": row.version})
    if await write_if(connection, moved, [*writes, *announced.writes]):
        return RecordedRefund(applied.refund, resource_of(changed), _kept(row), announced.due)
    return None


def _exchanged(row: Row[Any], applied: RefundApplied, change: RefundChange) -> tuple[int, Sequence[LedgerTransaction]]:
    """Return what a change adds to the settlement of the refund, and what it books for it."""
    settlement = settlement_of(SimpleNamespace(**row.paid, merchant_id=row.merchant_id)) if row.paid else None
    if settlement is None:
        return 0, ()
    amount_minor = applied.pending_delta_minor + applied.refunded_delta_minor
    if not amount_minor:
        return 0, ()  # it was promised, and is paid out
    settled_minor = -row.settlement_minor
    if applied.refund.status is RefundStatus.PROCESSED:
        settled_minor += settlement.of_difference(applied.refund.amount_minor, row.settlement_minor)
    return settled_minor, settlement.refunded(f"{row.id}/{change.step}", amount_minor, settled_minor)


def _refundable(payment: Payment, asked_minor: int | None) -> int:
    left = payment.refundable_minor
    amount_minor = left if asked_minor is None else asked_minor
    if 0 < amount_minor <= left:
        return amount_minor
    if payment.captured_minor == 0:
        message = f"Payment {payment.id} is {payment.status} and has no captured amount. Nothing was refunded."
    else:
        asked = "" if asked_minor is None else f"{Money(asked_minor, payment.currency)} asked for, but "
        message = (
            f"{asked}{Money(left, payment.currency)} of payment {payment.id} is left to refund: "
            f"{payment.captured_minor} captured, {payment.refunded_minor} refunded, "
            f"{payment.refund_pending_minor} in pending refunds (minor units). Nothing was refunded by this request."
        )
    raise AmountNotRefundableError(message)


def _step_up_message(payment: Payment, total_minor: int, total_max_minor: int) -> str:
    return (
        f"The refunds of payment {payment.id} would come to {Money(total_minor, payment.currency)}, above the "
        f"{Money(total_max_minor, payment.currency)} that need no step-up. Nothing was refunded by this request. "
        "Confirm that it is you: POST /users/me/step_up."
    )


def _capture(
    payment: Payment, rows: Sequence[Sequence[Any]] | None, amount_minor: int, *, of_one: bool
) -> StandingCapture | None:
    """Return the capture that is given back; None: the gateway takes the amount from all of them."""
    found = [
        StandingCapture(capture_id, captured, returned, AttemptKept(references, state))
        for capture_id, captured, returned, references, state in rows or ()
    ]
    capture = capture_to_refund(found, amount_minor)
    if capture is not None or not of_one:
        return capture
    largest = Money(max((each.left_minor for each in found), default=0), payment.currency)
    message = (
        f"{Money(amount_minor, payment.currency)} asked for, but {payment.gateway} refunds each capture by itself, and "
        f"at most {largest} is left of one capture of payment {payment.id}. Nothing was refunded by this request. "
        "Refund the parts one by one."
    )
    raise AmountNotRefundableError(message)


def _added_to_payment(
    payment_id: str,
    *,
    pending_minor: int,
    refunded_minor: int = 0,
    settled_minor: int = 0,
    now: datetime,
    where: Mapping[str, Any] = NOTHING,
) -> Changed:
    added = {
        "refund_pending_minor": pending_minor,
        "refunded_minor": refunded_minor,
        "settlement_refunded_minor": settled_minor,
    }
    return Changed(payments, payment_id, {"updated_at": now}, added=added, where=where)


def _kept(row: Row[Any]) -> AttemptKept:
    kept = attempts.kept_in(row, row.payment_reference)
    return kept.with_capture(AttemptKept(row.capture_references or {}, row.capture_state))


async def _already(connection: AsyncConnection, row: Row[Any], step: str) -> RecordedRefund:
    due = await due_for_step(connection, row.merchant_id, row.id, step)
    return RecordedRefund(refund_of(row), resource_of(row), _kept(row), due, again=True)


def _happening(
    row: Row[Any] | SimpleNamespace, event_type: EventType, change: RefundChange, from_status: str | None
) -> Happening:
    return Happening(
        type=event_type,
        merchant_id=row.merchant_id,
        data=resource_of(row).data(),
        step=change.step,
        subject_id=row.id,
        payment_id=row.payment_id,
        from_status=from_status,
        to_status=row.status,
        reason=change.reason,
        actor=change.actor,
    )
