"""Recording payments and every change of them: row, captures, ledger, order, events and deliveries in one statement.

Nothing else writes to `payments`, except `clearway.db.refunds` to the refunded amounts. Recording is idempotent: a
recorded payment is recognised by its id, a recorded step by its number. Rows are not locked between read and write
(optimistic locking, ADR 0008): a change is written only if the row is unchanged since it was read, else it is retried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import audit, card_declines, gateways, ledger
from clearway.db.events import (
    DueDelivery,
    Endpoint,
    Happening,
    announce,
    due_for_step,
    endpoints_beside,
    endpoints_in,
    endpoints_of,
    statuses_of_step,
)
from clearway.db.payments import recording_attempts as attempts
from clearway.db.payments import recording_commands as commands
from clearway.db.payments.rows import (
    RecordMovedError,
    columns_after,
    fingerprint_of,
    first_row,
    payment_of,
    resource_of,
    settlement_of,
)
from clearway.db.tables import captures, events, orders, payment_attempts, payment_commands, payments
from clearway.db.writing import Changed, Rows, Write, row_after, until_written, write_if
from clearway.domain.actor import in_history
from clearway.domain.attempt import Attempt, GatewayChoice, attempt_key
from clearway.domain.command import PaymentCommand
from clearway.domain.events import CREATED_STEP, EventType
from clearway.domain.ledger import LedgerTransaction
from clearway.domain.order import OrderStatus
from clearway.domain.payment import (
    Applied,
    CapturedAmount,
    Change,
    NewPayment,
    Payment,
    PaymentStatus,
    PersonalData,
    apply_change,
)
from clearway.domain.resources import PaymentResource


def find_with(*beside: ColumnElement[Any]) -> Select[Any]:
    """Return the query for a payment by its id, with its endpoints and further columns."""
    query = select(payments, endpoints_beside(payments.c.merchant_id), *beside)
    return query.where(payments.c.id == bindparam("payment_id"))


FIND: Final = find_with()

MOVING: Final = ("version", "refunded_minor", "refund_pending_minor")
"""The columns that show whether a row has changed since it was read: each change changes one of them."""


class OrderTakenError(Exception):
    """The order has a payment in progress or a successful one."""


class QuoteUsedError(Exception):
    """Another payment has used the quote."""


class OrderClosedError(Exception):
    """The order was cancelled or has expired."""


class OrderUnknownError(Exception):
    """There is no such order of this merchant in this currency."""


class PaymentUnknownError(Exception):
    """There is no such payment: the workflow has a bug."""


@dataclass(frozen=True, slots=True)
class RecordedPayment:
    """A payment after a step, its resource, and the deliveries that are due.

    again: the step was recorded before.
    """

    payment: Payment
    resource: PaymentResource
    due: list[DueDelivery]
    again: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class StandingPayment:
    """A payment with what a new run needs to continue. authorised_at: the last time it became authorized.

    gateways: all that the merchant has.
    personal: the encrypted personal data, which a retry may have replaced.
    """

    payment: Payment
    resource: PaymentResource
    personal: str | None
    created_at: datetime
    authorised_at: datetime | None
    commands: Sequence[PaymentCommand]
    attempts: Sequence[Attempt]
    gateways: Sequence[GatewayChoice]


async def record(
    connection: AsyncConnection,
    new: NewPayment,
    personal: PersonalData,
    *,
    sealed_return_url: str | None = None,
    delivered: bool = True,
    now: datetime,
) -> RecordedPayment:
    """Insert a payment with its first event.

    Raises OrderTakenError, OrderClosedError, QuoteUsedError or OrderUnknownError; nothing is written then.

    personal: the decrypted personal data of `new`. delivered: whether its event goes to endpoints.
    """
    row = first_row(new, personal, sealed_return_url, now)
    attempted = Changed(
        orders,
        new.order_id,
        {"status": OrderStatus.ATTEMPTED.value, "updated_at": now},
        where={"status": OrderStatus.CREATED.value},
    )
    happening = Happening(
        type=EventType.PAYMENT_CREATED,
        merchant_id=new.merchant_id,
        data=resource_of(row).data(),
        step=CREATED_STEP,
        subject_id=new.id,
        payment_id=new.id,
        to_status=PaymentStatus.PENDING.value,
        reason="payment recorded",
        actor=in_history(new.asked_by),
    )
    endpoints = await endpoints_of(connection, new.merchant_id) if delivered else []
    announced = announce([happening], endpoints, now=now)
    detail = {"amount": new.amount_minor, "currency": new.currency, "order_id": new.order_id}
    audited = audit.beside(new.asked_by, "payment.create", new.id, detail, now=now)
    # On conflict with any unique index: when two record the same payment at once, the second may meet any.
    inserted = Rows(payments, [vars(row)], unless_there=True)
    try:
        recorded = await write_if(
            connection, inserted, [attempts.first(payment_of(row), now), attempted, *announced.writes, *audited]
        )
    except IntegrityError as error:
        if "fk_payments_order" in str(error.orig):
            raise OrderUnknownError(new.order_id) from error
        if "payments_order_open" in str(error.orig):
            raise OrderClosedError(new.order_id) from error
        raise
    if recorded:
        return RecordedPayment(payment_of(row), resource_of(row), announced.due)
    try:
        return await _already(connection, await find(connection, new.id), CREATED_STEP)
    except PaymentUnknownError:
        if new.quote_id is not None and await _is_used(connection, new.quote_id):
            raise QuoteUsedError(new.quote_id) from None
        raise OrderTakenError(new.order_id) from None


async def _is_used(connection: AsyncConnection, quote_id: str) -> bool:
    return await connection.scalar(select(payments.c.id).where(payments.c.quote_id == quote_id)) is not None


async def apply(
    connection: AsyncConnection,
    payment_id: str,
    change: Change,
    *,
    personal: PersonalData | None = None,
    sealed_return_url: str | None = None,
    delivered: bool = True,
    now: datetime,
) -> RecordedPayment:
    """Apply a change and write it with its captures, ledger, order, events and deliveries.

    personal: the decrypted personal data with another instrument that a retry brings. sealed_return_url: what comes
    with it, if anything. delivered: whether its events go to endpoints.

    Raises MoveRefusedError, RecordMovedError or PaymentUnknownError; nothing is written then.
    """

    async def attempt() -> RecordedPayment | None:
        row = await find(connection, payment_id)
        refuse_gap(row, change.step)
        if is_recorded(row, change.step):
            await _refuse_another_change(connection, row, change)
            return await _already(connection, row, change.step)
        instead = {} if personal is None else _instead(row, change, personal, sealed_return_url)
        endpoints = endpoints_in(row) if delivered else ()
        return await _change(connection, row, change, now, instead=instead, endpoints=endpoints)

    return await until_written(payment_id, attempt)


async def load(connection: AsyncConnection, payment_id: str) -> StandingPayment:
    """Read a payment for a run that continues from the row. Raises PaymentUnknownError."""
    row = await find(connection, payment_id)
    authorised = select(func.max(events.c.created_at)).where(
        events.c.payment_id == payment_id,
        events.c.type == EventType.PAYMENT_AUTHORIZED.value,
    )
    return StandingPayment(
        payment=payment_of(row),
        resource=resource_of(row),
        personal=row.personal,
        created_at=row.created_at,
        authorised_at=await connection.scalar(authorised),
        commands=await commands.all_of(connection, payment_id),
        attempts=await attempts.all_of(connection, payment_id),
        gateways=[GatewayChoice(each.kind, each.id) for each in await gateways.list_all(connection, row.merchant_id)],
    )


async def _change(
    connection: AsyncConnection,
    row: Row[Any],
    change: Change,
    now: datetime,
    *,
    instead: Mapping[str, Any],
    endpoints: Sequence[Endpoint],
) -> RecordedPayment | None:
    """Write the row and all related rows. None, with nothing written: the row has changed since it was read."""
    before = payment_of(row)
    applied = apply_change(before, change)
    after = columns_after(applied.payment, now) | dict(instead)
    resource = resource_of(row_after(row, after))
    data = resource.data()
    if EventType.PAYMENT_ATTEMPT_FAILED in applied.events:
        data = (await attempts.failed(connection, before, change, now)).data()
    announced = announce(_happenings(before, applied, change, data), endpoints, now=now)
    writes: list[Write] = attempts.following(before, applied, change, now)
    writes += card_declines.of_failure(row, applied, change, now)
    if change.retry is not None:
        writes += commands.retrying(applied.payment, change.retry, now)
    if change.capture is not None:
        writes.append(_capture(before, change.capture, now))
    if applied.payment.status is PaymentStatus.SUCCESS:
        writes.append(Changed(orders, before.order_id, {"status": OrderStatus.PAID.value, "updated_at": now}))
    if change.command is not None:
        writes.append(commands.ending(change.command, now))
    booked = (*applied.transactions, *_exchanged(row, applied, change))
    writes += ledger.bookings(booked, payment_id=before.id, now=now)
    writes += _decision(before, change, now)
    changed = Changed(payments, before.id, after, where=as_read(row))
    if await write_if(connection, changed, [*writes, *announced.writes]):
        return RecordedPayment(applied.payment, resource, announced.due)
    return None


def _instead(row: Row[Any], change: Change, personal: PersonalData, sealed_return_url: str | None) -> Mapping[str, Any]:
    """Return the columns that another instrument of a retry replaces. Without a return URL the first one stays."""
    assert change.retry is not None, "only a retry brings another instrument"
    instead = {
        "personal": change.retry.personal,
        "instrument": personal.shown,
        "former_instruments": [*row.former_instruments, [change.step, row.instrument]],
        "card_fingerprint": fingerprint_of(personal),
    }
    return instead if sealed_return_url is None else instead | {"sealed_return_url": sealed_return_url}


def _exchanged(row: Row[Any], applied: Applied, change: Change) -> tuple[LedgerTransaction, ...]:
    """Return what a capture of a payment by quote moves to the order's currency."""
    settlement = settlement_of(row)
    if settlement is None or change.capture is None:
        return ()
    return settlement.captured(change.capture.id, row.captured_minor, applied.payment.captured_minor)


async def find(connection: AsyncConnection, payment_id: str, query: Select[Any] = FIND) -> Row[Any]:
    """Return the row, with the endpoints that subscribe to its events (`endpoints_in`)."""
    found: Row[Any] | None = (await connection.execute(query, {"payment_id": payment_id})).first()
    if found is None:
        raise PaymentUnknownError(payment_id)
    return found


def as_read(row: Row[Any]) -> Mapping[str, Any]:
    """Return the conditions that hold while a payment's row is unchanged since it was read."""
    return {name: getattr(row, name) for name in MOVING}


def is_recorded(row: Row[Any], step: str) -> bool:
    """Return whether this step of a payment or refund is recorded: it is the last one, or has a lower number."""
    return bool(row.last_step == step or (step.isdecimal() and int(step) <= row.version))


def refuse_gap(row: Row[Any], step: str) -> None:
    """Refuse a step whose previous step is not recorded: the row was restored to an earlier time."""
    if step.isdecimal() and int(step) > row.version + 1:
        message = f"{row.id} has taken {row.version} steps and its run is about to record step {step}"
        raise RecordMovedError(message)


async def refuse_another_step(connection: AsyncConnection, row: Row[Any], step: str, to: str) -> None:
    """Refuse a change whose step number another change has: its run was reset, restored or killed, and knows less.

    Such a run must not act on its own change: the row may be cancelled, or its next attempt be at another gateway.
    """
    became = await statuses_of_step(connection, row.merchant_id, row.id, step)
    if became and to not in became:
        message = f"step {step} of {row.id} made it {', '.join(sorted(became))}, and its run is about to make it {to}"
        raise RecordMovedError(message)


async def _refuse_another_change(connection: AsyncConnection, row: Row[Any], change: Change) -> None:
    await refuse_another_step(connection, row, change.step, change.to.value)
    for query in _traces(row.id, change):
        if await connection.scalar(query) is None:
            message = f"step {change.step} of {row.id} is recorded, and is not what its run is about to record"
            raise RecordMovedError(message)


def _traces(payment_id: str, change: Change) -> Iterator[Select[Any]]:
    """Yield queries for the rows that a change has left if it is recorded."""
    if change.capture is not None:
        yield select(captures.c.id).where(captures.c.id == change.capture.id)
    if change.retry is not None:
        yield select(payment_commands.c.id).where(payment_commands.c.id == change.retry.id)
    elif change.next_attempt is not None and change.attempt is not None:
        column, number = payment_attempts.c, change.attempt.number + 1
        at = column.gateway_id == change.next_attempt.gateway_id
        yield select(column.id).where(column.id == attempt_key(payment_id, number), at)


def _decision(payment: Payment, change: Change, now: datetime) -> list[Write]:
    detail = {
        "outcome": change.to.value,
        "amount": change.capture.amount_minor if change.capture else None,
        "gateway_reference": change.gateway_reference,
    }
    return audit.beside(change.decided_by, "payment.resolve", payment.id, detail, now=now)


def _capture(payment: Payment, capture: CapturedAmount, now: datetime) -> Rows:
    row = {
        "id": capture.id,
        "merchant_id": payment.merchant_id,
        "payment_id": payment.id,
        "amount_minor": capture.amount_minor,
        "currency": payment.currency,
        "gateway_reference": capture.gateway_reference,
        "gateway_references": capture.references,
        "state": capture.state,
        "created_at": now,
    }
    return Rows(captures, [row])


async def _already(connection: AsyncConnection, row: Row[Any], step: str) -> RecordedPayment:
    due = await due_for_step(connection, row.merchant_id, row.id, step)
    return RecordedPayment(payment_of(row), resource_of(row), due, again=True)


def _happenings(before: Payment, applied: Applied, change: Change, data: dict[str, Any]) -> list[Happening]:
    return [
        Happening(
            type=event_type,
            merchant_id=before.merchant_id,
            data=data,
            step=change.step,
            subject_id=before.id,
            payment_id=before.id,
            from_status=before.status.value,
            to_status=applied.payment.status.value,
            reason=change.reason,
            actor=change.actor,
        )
        for event_type in applied.events
    ]
