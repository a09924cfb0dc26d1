"""One attempt to deliver one webhook: load, sign, send, record. Two statements to the database, each a transaction.

What the endpoint does is a result, never an error; only trouble of our own makes the activity fail and be repeated. A
crash between sending and recording repeats the attempt under the same number and the same webhook id: at least once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.slow_endpoints import SlowEndpoints
from clearway.crypto import signing
from clearway.crypto.encryption import Cipher
from clearway.db.deliveries import recording
from clearway.db.deliveries.recording import Attempt, Consignment
from clearway.db.endpoints import secret_context
from clearway.db.engine import each_for_itself
from clearway.domain.delivery import DeliveryStatus, wait_before_next_s
from clearway.egress import SendResult, WebhookSender

HEARTBEAT_S: Final = 5.0
"""Well under the workflow's heartbeat timeout, and above what most endpoints need: a quick attempt sends none."""


@dataclass(frozen=True)
class AttemptInput:
    """Make attempt `number`. next_interval_s None: it is the last. jitter: see `wait_before_next_s`."""

    delivery_id: str
    number: int
    next_interval_s: float | None
    jitter: float = 0.0
    endpoint_id: str | None = None


@dataclass(frozen=True)
class AttemptResult:
    """Where the attempt leaves the delivery; `wait_s` until the next attempt when it is still pending."""

    status: str
    wait_s: float | None = None
    what: str = ""


class WebhookDeliveryActivities:
    """The deliveries in the database and the way out."""

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
        """Send once and record what came of it."""
        async with _signs_of_life():
            return await self._attempt(asked)

    async def _attempt(self, asked: AttemptInput) -> AttemptResult:
        now = datetime.now(UTC)
        async with self._engine.connect() as connection:
            consignment = await recording.load(connection, asked.delivery_id, asked.number, now=now)
        assert consignment is not None, "a delivery's row is written before its workflow starts"
        if consignment.attempted:
            next_at = consignment.next_attempt_at
            left_s = None if next_at is None else max((next_at - now).total_seconds(), 0.0)
            return AttemptResult(consignment.status, left_s, "recorded before")
        if not consignment.endpoint_open:
            return await self._close(consignment, now)
        with self._slow.watch(consignment.endpoint_id):
            headers, result = await self._send(consignment)
        return await self._record(asked, consignment, headers, result)

    async def _close(self, consignment: Consignment, now: datetime) -> AttemptResult:
        why = "the endpoint is disabled or deleted"
        if consignment.status is not DeliveryStatus.PENDING:
            return AttemptResult(consignment.status, what=why)  # a resend: what it came to before stands
        async with self._engine.connect() as connection:
            await recording.close(connection, consignment.delivery_id, DeliveryStatus.CANCELLED, why, now)
        return AttemptResult(DeliveryStatus.CANCELLED, what=why)

    async def _send(self, consignment: Consignment) -> tuple[dict[str, str], SendResult]:
        context = secret_context(consignment.endpoint_id)
        secrets = [self._cipher.decrypt(secret, context) for secret in consignment.secrets]
        body = consignment.body.encode()
        headers = {
            "Content-Type": "application/json",
            **signing.sign(secrets, consignment.event_id, datetime.now(UTC), body),
        }
        return headers, await self._sender.send(consignment.url, headers, body)

    async def _record(
        self, asked: AttemptInput, consignment: Consignment, headers: dict[str, str], result: SendResult
    ) -> AttemptResult:
        now = datetime.now(UTC)
        gone = result.status == HTTPStatus.GONE
        wait_s = None
        if not result.succeeded and not gone and asked.next_interval_s is not None:
            wait_s = wait_before_next_s(asked.next_interval_s, asked.jitter, result.retry_after_s)
        status = _status_after(consignment.status, result, wait_s)
        async with self._engine.connect() as connection:
            await recording.record_attempt(
                connection,
                consignment,
                _attempt(asked.number, consignment.url, headers, result),
                status,
                next_wait_s=wait_s,
                disable_endpoint="the endpoint answered 410 Gone" if gone else None,
                now=now,
            )
        what = f"HTTP {result.status}" if result.status else (result.error or "no answer")
        return AttemptResult(status, wait_s, what)


@asynccontextmanager
async def _signs_of_life() -> AsyncIterator[None]:
    """Let Temporal know that this worker lives while an endpoint takes its time."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            activity.heartbeat()

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()


def _status_after(before: DeliveryStatus, result: SendResult, wait_s: float | None) -> DeliveryStatus:
    if result.succeeded or before is DeliveryStatus.DELIVERED:
        return DeliveryStatus.DELIVERED  # what was taken once stays taken, whatever a later resend meets
    return DeliveryStatus.FAILED if wait_s is None else DeliveryStatus.PENDING


def _attempt(number: int, url: str, headers: dict[str, str], result: SendResult) -> Attempt:
    return Attempt(
        number=number,
        url=url,
        request_headers=headers,
        duration_ms=result.duration_ms,
        response_status=result.status,
        response_headers=dict(result.response_headers),
        response_body=result.response_body,
        error_code=result.error_code,
        error=result.error,
    )
