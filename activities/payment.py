"""Recording payments: local activities, each one statement that writes and the start of the deliveries it makes due.

The order matters: first the statement commits, then the deliveries are started. A crash in between runs the whole
activity again; the change is then recognised as recorded, and its deliveries are started.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from clearway.crypto.encryption import Cipher
from clearway.db.engine import each_for_itself
from clearway.db.orders import NewOrder, record_order_again
from clearway.db.payments import recording
from clearway.db.payments import recording_commands as commands
from clearway.db.payments.rows import RecordMovedError
from clearway.domain.attempt import Attempt, GatewayChoice
from clearway.domain.command import CommandEnd, NewCommand, PaymentCommand
from clearway.domain.payment import Change, MoveRefusedError, NewPayment, Payment, PersonalData
from clearway.domain.refusals import (
    MOVE_REFUSED,
    ORDER_CLOSED,
    ORDER_NOT_FOUND,
    ORDER_TAKEN,
    PAYMENT_NOT_FOUND,
    QUOTE_USED,
    RECORD_MOVED,
    RUN_RESET,
)
from clearway.durable.deliveries import TemporalDeliveries
from clearway.durable.sealed import seal_return_url, unseal

REFUSAL: Final = ApplicationErrorCategory.BENIGN
"""A refusal is an answer, not a failure: it is not logged as one, nor counted."""


@dataclass(frozen=True)
class PaymentState:
    """A payment after a step: its domain state, and the resource without personal data.

    again: the step was recorded before, by an earlier attempt of this activity or by an earlier run.
    """

    payment: Payment
    resource: dict[str, Any]
    again: bool = False


@dataclass(frozen=True)
class LoadedPayment:
    """A payment from its row, for a run that continues from there. commands, attempts: all of them, in order.

    gateways: all that the merchant has, in the order of their priority.
    personal: its encrypted personal data; a retry may have replaced that of the run's input.
    """

    state: PaymentState
    created_at: datetime
    authorised_at: datetime | None
    commands: tuple[PaymentCommand, ...]
    attempts: tuple[Attempt, ...] = ()
    gateways: tuple[GatewayChoice, ...] = ()
    personal: str | None = None


@dataclass(frozen=True)
class BeginInput:
    """Record a command of a payment before it is sent."""

    payment: Payment
    command: NewCommand


@dataclass(frozen=True)
class Begun:
    """A recorded command. again: it was recorded before, so it may have been sent already."""

    command: PaymentCommand
    again: bool


@dataclass(frozen=True)
class ChangeInput:
    """Record `change` of a payment."""

    payment_id: str
    change: Change


def record_moved(error: Exception) -> ApplicationError:
    """Return the failure for a run whose row differs from its state, or is lost."""
    return ApplicationError(str(error), type=RECORD_MOVED, non_retryable=True, category=REFUSAL)


@dataclass(frozen=True)
class RecordInput:
    """Record a payment. only_if_there: return the payment of an existing row, and write nothing."""

    payment: NewPayment
    only_if_there: bool = False


class PaymentActivities:
    """The payments in the database."""

    def __init__(self, engine: AsyncEngine, deliveries: TemporalDeliveries, cipher: Cipher) -> None:
        self._engine = each_for_itself(engine)
        self._cipher = cipher
        self._deliveries = deliveries

    @activity.defn(name="record_payment")
    async def record(self, what: RecordInput) -> PaymentState:
        """Record a payment with its first event. Fails, non-retryable, with one of the refusals of `record`."""
        new = what.payment
        if what.only_if_there:
            await self._refuse_unless_there(new.id)
        try:
            recorded = await self._record(new)
        except recording.QuoteUsedError as error:
            message = f"quote {error} is used"
            raise ApplicationError(message, type=QUOTE_USED, non_retryable=True, category=REFUSAL) from error
        except recording.OrderTakenError as error:
            message = (
                f"order {new.order_id} has a payment in progress or is paid; no second payment was made. "
                "Wait for the first to end: if it fails, the order can be paid again."
            )
            raise ApplicationError(message, type=ORDER_TAKEN, non_retryable=True, category=REFUSAL) from error
        except recording.OrderClosedError as error:
            message = f"order {new.order_id} was cancelled or has expired; nothing was recorded"
            raise ApplicationError(message, type=ORDER_CLOSED, non_retryable=True, category=REFUSAL) from error
        except recording.OrderUnknownError as error:
            message = f"there is no order {new.order_id} in {new.currency}; nothing was recorded"
            raise ApplicationError(message, type=ORDER_NOT_FOUND, non_retryable=True, category=REFUSAL) from error
        return await self._told(recorded)

    @activity.defn(name="record_payment_again")
    async def record_again(self, what: RecordInput) -> PaymentState:
        """Record a lost payment again, and its order too if a restored database lost both.

        A payment has its order's amount and currency, so only the order's receipt and notes stay lost.
        """
        try:
            return await self.record(what)
        except ApplicationError as error:
            if error.type != ORDER_NOT_FOUND:
                raise
        new = what.payment
        amount_minor, currency = new.settlement_minor or new.amount_minor, new.settlement_currency or new.currency
        order = NewOrder(new.order_id, new.merchant_id, amount_minor, currency)
        async with self._engine.connect() as connection:
            await record_order_again(connection, order)
        activity.logger.warning("order %s is recorded again, without its receipt and notes", new.order_id)
        return await self.record(what)

    @activity.defn(name="record_payment_change")
    async def change(self, what: ChangeInput) -> PaymentState:
        """Record a change. Fails, non-retryable, with MOVE_REFUSED or RECORD_MOVED."""
        personal = self._personal(what)
        return_url = seal_return_url(self._cipher, what.payment_id, personal.return_url) if personal else None
        try:
            async with self._engine.connect() as connection:
                recorded = await recording.apply(
                    connection,
                    what.payment_id,
                    what.change,
                    personal=personal,
                    sealed_return_url=return_url,
                    now=datetime.now(UTC),
                )
        except MoveRefusedError as error:
            raise ApplicationError(str(error), type=MOVE_REFUSED, non_retryable=True) from error
        except (RecordMovedError, recording.PaymentUnknownError) as error:
            raise record_moved(error) from error
        return await self._told(recorded)

    @activity.defn(name="load_payment")
    async def load(self, payment_id: str) -> LoadedPayment:
        """Read a payment for a run that continues from its row."""
        try:
            async with self._engine.connect() as connection:
                standing = await recording.load(connection, payment_id)
        except recording.PaymentUnknownError as error:
            message = f"there is no payment {payment_id} to continue from"
            raise ApplicationError(message, type=PAYMENT_NOT_FOUND, non_retryable=True) from error
        return LoadedPayment(
            PaymentState(standing.payment, standing.resource.impersonal(), again=True),
            standing.created_at,
            standing.authorised_at,
            tuple(standing.commands),
            tuple(standing.attempts),
            tuple(standing.gateways),
            standing.personal,
        )

    @activity.defn(name="begin_payment_command")
    async def begin(self, what: BeginInput) -> Begun:
        """Record a capture or void before the gateway is called, and give it its number."""
        try:
            async with self._engine.connect() as connection:
                command, first = await commands.begin(connection, what.payment, what.command, now=datetime.now(UTC))
        except RecordMovedError as error:
            raise record_moved(error) from error
        return Begun(command, again=not first)

    @activity.defn(name="end_payment_command")
    async def end(self, ended: CommandEnd) -> None:
        """Record the end of a command that changed nothing."""
        async with self._engine.connect() as connection:
            await commands.end(connection, ended, now=datetime.now(UTC))

    async def _refuse_unless_there(self, payment_id: str) -> None:
        async with self._engine.connect() as connection:
            try:
                await recording.load(connection, payment_id)
            except recording.PaymentUnknownError as error:
                message = f"the workflow was reset, and payment {payment_id} is not recorded; nothing was charged"
                raise ApplicationError(message, type=RUN_RESET, non_retryable=True, category=REFUSAL) from error

    def _personal(self, what: ChangeInput) -> PersonalData | None:
        retry = what.change.retry
        if retry is None or retry.personal is None:
            return None
        return unseal(self._cipher, what.payment_id, retry.personal)

    async def _record(self, new: NewPayment) -> recording.RecordedPayment:
        personal = unseal(self._cipher, new.id, new.personal)
        return_url = seal_return_url(self._cipher, new.id, personal.return_url)
        async with self._engine.connect() as connection:
            return await recording.record(
                connection, new, personal, sealed_return_url=return_url, now=datetime.now(UTC)
            )

    async def _told(self, recorded: recording.RecordedPayment) -> PaymentState:
        await self._deliveries.start(recorded.due)
        return PaymentState(recorded.payment, recorded.resource.impersonal(), recorded.again)
