"""Recording refunds: local activities, each one statement that writes and the start of the deliveries it makes due.

For the order of commit and start see `activities.payment`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.payment import REFUSAL, record_moved
from clearway.db.engine import each_for_itself
from clearway.db.payments.recording import PaymentUnknownError
from clearway.db.payments.rows import RecordMovedError
from clearway.db.refunds import recording
from clearway.db.refunds import recording_baselines as baselines
from clearway.domain.attempt import AttemptKept
from clearway.domain.payment import MoveRefusedError
from clearway.domain.refund import NewRefund, Refund, RefundChange
from clearway.domain.refusals import (
    AMOUNT_NOT_REFUNDABLE,
    MOVE_REFUSED,
    PAYMENT_NOT_FOUND,
    REFUND_NOT_FOUND,
    RUN_RESET,
    STEP_UP_REQUIRED,
)
from clearway.durable.deliveries import TemporalDeliveries


@dataclass(frozen=True)
class RefundState:
    """A refund after a step. kept: of the attempt of the payment that is refunded."""

    refund: Refund
    resource: dict[str, Any]
    kept: AttemptKept
    again: bool = False


@dataclass(frozen=True)
class LoadedRefund:
    """A refund from its row, for a run that continues from there."""

    state: RefundState
    created_at: datetime


@dataclass(frozen=True)
class RefundChangeInput:
    """Record `change` of a refund."""

    refund_id: str
    change: RefundChange


@dataclass(frozen=True)
class ReserveInput:
    """Reserve a refund. only_if_there: return the refund of an existing row, and write nothing."""

    refund: NewRefund
    only_if_there: bool = False


@dataclass(frozen=True)
class BaselineInput:
    """The baseline of a refund to record: what the gateway said before the refund is sent."""

    refund_id: str
    baseline: str


class RefundActivities:
    """The refunds in the database."""

    def __init__(self, engine: AsyncEngine, deliveries: TemporalDeliveries) -> None:
        self._engine = each_for_itself(engine)
        self._deliveries = deliveries

    @activity.defn(name="reserve_refund")
    async def reserve(self, what: ReserveInput) -> RefundState:
        """Reserve a refund.

        Fails, non-retryable, with AMOUNT_NOT_REFUNDABLE, STEP_UP_REQUIRED, PAYMENT_NOT_FOUND or RUN_RESET.
        """
        new = what.refund
        if what.only_if_there:
            await self._refuse_unless_there(new.id)
        try:
            async with self._engine.connect() as connection:
                recorded = await recording.reserve(connection, new, now=datetime.now(UTC))
        except (recording.AmountNotRefundableError, recording.StepUpRequiredError) as error:
            is_amount = isinstance(error, recording.AmountNotRefundableError)
            kind = AMOUNT_NOT_REFUNDABLE if is_amount else STEP_UP_REQUIRED
            raise ApplicationError(str(error), type=kind, non_retryable=True, category=REFUSAL) from error
        except PaymentUnknownError as error:
            message = f"there is no payment {new.payment_id}; nothing was refunded"
            raise ApplicationError(message, type=PAYMENT_NOT_FOUND, non_retryable=True, category=REFUSAL) from error
        return await self._told(recorded)

    async def _refuse_unless_there(self, refund_id: str) -> None:
        async with self._engine.connect() as connection:
            try:
                await recording.load(connection, refund_id)
            except recording.RefundUnknownError as error:
                message = f"the workflow was reset, and refund {refund_id} is not recorded; nothing was refunded"
                raise ApplicationError(message, type=RUN_RESET, non_retryable=True, category=REFUSAL) from error

    @activity.defn(name="record_refund_change")
    async def change(self, what: RefundChangeInput) -> RefundState:
        """Record a change. Fails, non-retryable, with MOVE_REFUSED or RECORD_MOVED."""
        try:
            async with self._engine.connect() as connection:
                recorded = await recording.apply(connection, what.refund_id, what.change, now=datetime.now(UTC))
        except MoveRefusedError as error:
            raise ApplicationError(str(error), type=MOVE_REFUSED, non_retryable=True) from error
        except (RecordMovedError, recording.RefundUnknownError) as error:
            raise record_moved(error) from error
        return await self._told(recorded)

    @activity.defn(name="load_refund")
    async def load(self, refund_id: str) -> LoadedRefund:
        """Read a refund for a run that continues from its row."""
        try:
            async with self._engine.connect() as connection:
                standing = await recording.load(connection, refund_id)
        except recording.RefundUnknownError as error:
            message = f"there is no refund {refund_id} to continue from"
            raise ApplicationError(message, type=REFUND_NOT_FOUND, non_retryable=True) from error
        state = RefundState(standing.refund, standing.resource.data(), standing.kept, again=True)
        return LoadedRefund(state, standing.created_at)

    @activity.defn(name="claim_baseline")
    async def claim_baseline(self, refund_id: str) -> str | None:
        """Claim the right to send: one refund of a payment at a time. The baseline, empty if unread; None: wait."""
        try:
            async with self._engine.connect() as connection:
                return await baselines.claim(connection, refund_id)
        except RecordMovedError as error:
            raise record_moved(error) from error

    @activity.defn(name="keep_baseline")
    async def keep_baseline(self, what: BaselineInput) -> str:
        """Record the baseline before the refund is sent, and return it."""
        try:
            async with self._engine.connect() as connection:
                return await baselines.keep(connection, what.refund_id, what.baseline)
        except RecordMovedError as error:
            raise record_moved(error) from error

    async def _told(self, recorded: recording.RecordedRefund) -> RefundState:
        await self._deliveries.start(recorded.due)
        return RefundState(recorded.refund, recorded.resource.data(), recorded.kept, recorded.again)
