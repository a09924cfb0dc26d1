"""One attempt to deliver one webhook: load, sign, send, record. Two statements to the database, each a transaction.

What the endpoint does is a result, never an error. Only a fault on this side (database away, worker lost) makes the
activity fail, and Temporal retries it. A crash between sending and recording repeats the attempt under the same name
and the same webhook id: at least once. If the database refuses the endpoint's answer, the attempt is recorded without
it.

An attempt of the schedule is named by its number, a retry by hand by the id allocated for its request. Both are
numbered together when they are recorded, so that a retry never takes a place in the schedule.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, TypeVar

from sqlalchemy import Row
from sqlalchemy.exc import NoResultFound, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.slow_endpoints import SlowEndpoints
from clearway.crypto import signing
from clearway.crypto.encryption import Cipher
from clearway.db.deliveries import recording as deliveries
from clearway.db.deliveries.reading import response_context
from clearway.db.deliveries.recording import Attempt, Consignment, Left
from clearway.db.endpoints import secret_context
from clearway.db.engine import each_for_itself
from clearway.db.refusal import refusal_of
from clearway.db.writing import until_written
from clearway.domain.delivery import ENDPOINT_CLOSED, AttemptTrigger, DeliveryStatus, status_after, wait_before_next_s
from clearway.durable.messages import RetryOutcome
from clearway.egress import SendResult, WebhookSender

CALLED_OFF: Final = "its cancellation was requested in Temporal"
NO_ROW: Final = "the delivery has no row: the database was restored to an earlier moment"
GONE: Final = "the endpoint answered 410 Gone"

T = TypeVar("T")


@dataclass(frozen=True)
class AttemptInput:
    """Make attempt `number` of the event's schedule, or of this recovery's.

    next_interval_s None: it is the last. jitter: see `wait_before_next_s`.
    """

    delivery_id: str
    number: int
    next_interval_s: float | None
    jitter: float = 0.0
    endpoint_id: str | None = None
    recovery_id: str | None = None


@dataclass(frozen=True)
class RetryAttemptInput:
    """Make one attempt for a retry by hand."""

    delivery_id: str
    retry_id: str


@dataclass(frozen=True)
class GivenUp:
    """End a delivery, and say why."""

    delivery_id: str
    why: str


@dataclass(frozen=True)
class AttemptResult:
    """The delivery after the attempt; `wait_s` until the next one of the schedule, if there is one.

    attempts: how many were made in all, by schedule and by hand.
    """

    status: str
    wait_s: float | None = None
    what: str = ""
    attempts: int = 0


@dataclass(frozen=True)
class _Sent:
    """What was sent, and what the endpoint did with it."""

    url: str
    headers: dict[str, str]
    result: SendResult
    sealed_answer: str | None

    @property
    def is_gone(self) -> bool:
        return self.result.status == HTTPStatus.GONE

    @property
    def what(self) -> str:
        return f"HTTP {self.result.status}" if self.result.status else (self.result.error or "no answer")


class WebhookDeliveryActivities:
    """The deliveries in the database, and the sender."""

    def __init__(self, engine: AsyncEngine, sender: WebhookSender, cipher: Cipher) -> None:
        self._engine = each_for_itself(engine)
        self._sender = sender
        self._cipher = cipher
        self._slow = SlowEndpoints()

    @activity.defn(name="attempt_delivery_at_once")
    async def attempt_at_once(self, asked: AttemptInput) -> AttemptResult | None:
        """Send once, as a local activity; None, with nothing sent, when the endpoint was slow to answer lately."""
        if asked.endpoint_id in self._slow:
            return None
        return await self._attempt(asked)

    @activity.defn(name="attempt_delivery")
    async def attempt(self, asked: AttemptInput) -> AttemptResult:
        """Send once and record the outcome."""
        return await self._attempt(asked)

    @activity.defn(name="attempt_delivery_by_hand")
    async def attempt_by_hand(self, asked: RetryAttemptInput) -> RetryOutcome:
        """Send once for a retry by hand, in any status of the delivery. The schedule stays as it is."""
        return await self._retry(asked)

    @activity.defn(name="give_up_delivery")
    async def give_up(self, given_up: GivenUp) -> None:
        """End a pending delivery of which the database refuses to record any attempt."""
        async with self._engine.connect() as connection:
            await deliveries.give_up(connection, given_up.delivery_id, given_up.why, datetime.now(UTC))

    @activity.defn(name="cancel_delivery")
    async def cancel(self, delivery_id: str) -> None:
        """End a pending delivery because its cancellation was requested in Temporal."""
        async with self._engine.connect() as connection:
            await deliveries.cancel(connection, delivery_id, CALLED_OFF, datetime.now(UTC))

    async def _attempt(self, asked: AttemptInput) -> AttemptResult:
        try:
            consignment = await self._load(asked.delivery_id)
        except NoResultFound:
            return AttemptResult(DeliveryStatus.CANCELLED, what=NO_ROW)
        before = _made_before(asked, consignment)
        if before is not None:
            return before
        if not consignment.endpoint_open:
            async with self._engine.connect() as connection:
                await deliveries.cancel(connection, asked.delivery_id, ENDPOINT_CLOSED, datetime.now(UTC))
            return AttemptResult(DeliveryStatus.CANCELLED, what=ENDPOINT_CLOSED, attempts=consignment.attempt_count)
        sent = await self._send(consignment)

        async def record(current: Consignment) -> AttemptResult | None:
            return _made_before(asked, current, sent=True) or await self._record(asked, current, sent)

        return await self._until_recorded(consignment, record)

    async def _retry(self, asked: RetryAttemptInput) -> RetryOutcome:
        consignment = await self._load(asked.delivery_id)
        made = await self._find_retry(asked)
        if made is not None:
            return _outcome(made, consignment)
        if not consignment.endpoint_open:
            return RetryOutcome(consignment.status, attempts=consignment.attempt_count, refused=ENDPOINT_CLOSED)
        sent = await self._send(consignment)

        async def record(current: Consignment) -> RetryOutcome | None:
            twin = await self._find_retry(asked)
            if twin is not None:
                return _outcome(twin, current)
            return await self._record_retry(asked, current, sent)

        return await self._until_recorded(consignment, record)

    async def _load(self, delivery_id: str) -> Consignment:
        async with self._engine.connect() as connection:
            return await deliveries.load(connection, delivery_id, now=datetime.now(UTC))

    async def _find_retry(self, asked: RetryAttemptInput) -> Row[Any] | None:
        async with self._engine.connect() as connection:
            return await deliveries.find_retry(connection, asked.delivery_id, asked.retry_id)

    async def _send(self, consignment: Consignment) -> _Sent:
        context = secret_context(consignment.endpoint_id)
        secrets = [self._cipher.decrypt(secret, context) for secret in consignment.secrets]
        body = consignment.body.encode()
        headers = {
            "Content-Type": "application/json",
            **signing.sign(secrets, consignment.event_id, datetime.now(UTC), body),
        }
        with self._slow.watch(consignment.endpoint_id):
            result = await self._sender.send(consignment.url, headers, body)
        answer = result.response_body
        sealed = self._cipher.encrypt(answer, response_context(consignment.delivery_id)) if answer else None
        return _Sent(consignment.url, headers, result, sealed)

    async def _until_recorded(self, loaded: Consignment, record: Callable[[Consignment], Awaitable[T | None]]) -> T:
        """Record an attempt. If a retry or a deletion changed the row meanwhile, load it and try again."""
        current: Consignment | None = loaded

        async def attempt() -> T | None:
            nonlocal current
            recorded = await record(current or await self._load(loaded.delivery_id))
            current = None
            return recorded

        return await until_written(loaded.delivery_id, attempt)

    async def _record(self, asked: AttemptInput, consignment: Consignment, sent: _Sent) -> AttemptResult | None:
        now = datetime.now(UTC)
        # If a recovery began another schedule meanwhile, the attempt is recorded outside of that schedule.
        is_in_schedule = consignment.recovery_id == asked.recovery_id
        left = _left(consignment, sent, now, asked if is_in_schedule else None)
        made = _attempt(sent, AttemptTrigger.RECOVERY if asked.recovery_id else AttemptTrigger.SCHEDULE)
        if not await self._write(consignment, made, left, now):
            return None
        next_at = left.next_attempt_at if is_in_schedule else None
        wait_s = None if next_at is None else (next_at - now).total_seconds()
        return AttemptResult(left.status, wait_s, sent.what, consignment.attempt_count + 1)

    async def _record_retry(
        self, asked: RetryAttemptInput, consignment: Consignment, sent: _Sent
    ) -> RetryOutcome | None:
        now = datetime.now(UTC)
        left = _left(consignment, sent, now, None)
        made = _attempt(sent, AttemptTrigger.MANUAL, asked.retry_id)
        if not await self._write(consignment, made, left, now):
            return None
        return RetryOutcome(
            left.status,
            consignment.attempt_count + 1,
            number=consignment.attempt_count + 1,
            response_status=sent.result.status,
            error_code=sent.result.error_code,
            error=sent.result.error,
            duration_ms=sent.result.duration_ms,
        )

    async def _write(self, consignment: Consignment, made: Attempt, left: Left, now: datetime) -> bool:
        """Record an attempt; without the endpoint's answer if the database refuses to store that."""
        try:
            async with self._engine.connect() as connection:
                return await deliveries.record_attempt(connection, consignment, made, left, now=now)
        except SQLAlchemyError as error:
            reason = refusal_of(error)
            if reason is None:
                raise
        activity.logger.error("the answer to delivery %s is not storable: %s", consignment.delivery_id, reason)
        async with self._engine.connect() as connection:
            return await deliveries.record_attempt(connection, consignment, _bare(made, reason), left, now=now)


def _made_before(asked: AttemptInput, consignment: Consignment, *, sent: bool = False) -> AttemptResult | None:
    """Return the result in place of an attempt that is recorded already, or no longer needed.

    sent: it was just sent, so it is only skipped if it is recorded already.
    """
    status, attempts = consignment.status, consignment.attempt_count
    is_of_this_schedule = consignment.recovery_id == asked.recovery_id
    if is_of_this_schedule and consignment.schedule_attempts >= asked.number:
        next_at = consignment.next_attempt_at
        wait_s = None if next_at is None else max((next_at - datetime.now(UTC)).total_seconds(), 0.0)
        return AttemptResult(status, wait_s, "recorded before", attempts)
    if sent or (is_of_this_schedule and status is DeliveryStatus.PENDING):
        return None
    return AttemptResult(status, None, "not needed any more", attempts)


def _left(before: Consignment, sent: _Sent, now: datetime, turn: AttemptInput | None) -> Left:
    """Return the delivery's state after the attempt. turn: its number in the schedule; None: a retry by hand."""
    next_at, schedule_attempts = before.next_attempt_at, before.schedule_attempts
    is_last = sent.is_gone
    if turn is not None:
        schedule_attempts = turn.number
        is_last = is_last or turn.next_interval_s is None
        next_at = now + timedelta(seconds=_wait_s(turn, sent))
    status = status_after(before.status, taken=sent.result.succeeded, is_last=is_last)
    is_pending = status is DeliveryStatus.PENDING
    return Left(status, schedule_attempts, next_at if is_pending else None, GONE if sent.is_gone else None)


def _wait_s(turn: AttemptInput, sent: _Sent) -> float:
    return wait_before_next_s(turn.next_interval_s or 0.0, turn.jitter, sent.result.retry_after_s)


def _attempt(sent: _Sent, trigger: AttemptTrigger, retry_id: str | None = None) -> Attempt:
    result = sent.result
    return Attempt(
        trigger=trigger,
        retry_id=retry_id,
        url=sent.url,
        request_headers=sent.headers,
        duration_ms=result.duration_ms,
        response_status=result.status,
        response_headers=dict(result.response_headers),
        response_body=sent.sealed_answer,
        error_code=result.error_code,
        error=result.error,
    )


def _bare(made: Attempt, reason: str) -> Attempt:
    """Return the attempt with its HTTP status alone, which decides how the delivery goes on."""
    error = f"only the status of the answer could be stored: {reason}"
    return replace(made, response_headers=None, response_body=None, error=error)


def _outcome(made: Row[Any], delivery: Consignment) -> RetryOutcome:
    return RetryOutcome(
        delivery.status,
        delivery.attempt_count,
        number=made.number,
        response_status=made.response_status,
        error_code=made.error_code,
        error=made.error,
        duration_ms=made.duration_ms,
    )
