"""One attempt to deliver one webhook: load, sign, send, record.

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

from clearway import signing
from clearway.db import deliveries
from clearway.db.deliveries import Attempt, Consignment
from clearway.db.tables import DeliveryStatus
from clearway.domain.delivery import wait_before_next_s
from clearway.egress import SendResult, WebhookSender
from clearway.encryption import Cipher

HEARTBEAT_S: Final = 5.0
"""Well under the workflow's heartbeat timeout, and above what most endpoints need: a quick attempt sends none."""


@dataclass(frozen=True)
class AttemptInput:
    """Make attempt `number`. next_interval_s None: it is the last. jitter: see `wait_before_next_s`."""

    delivery_id: str
    number: int
    next_interval_s: float | None
    jitter: float = 0.0


@dataclass(frozen=True)
class AttemptResult:
    """Where the attempt leaves the delivery; `wait_s` until the next attempt when it is still pending."""

    status: str
    wait_s: float | None = None
    what: str = ""


class WebhookDeliveryActivities:
    """The deliveries in the database and the way out."""

    def __init__(self, engine: AsyncEngine, sender: WebhookSender, cipher: Cipher) -> None:
        self._engine = engine
        self._sender = sender
        self._cipher = cipher

    @activity.defn(name="attempt_delivery")
    async def attempt(self, asked: AttemptInput) -> AttemptResult:
        """Send once and record what came of it."""
        now = datetime.now(UTC)
        async with self._engine.begin() as connection:
            known = await deliveries.recorded_attempt(connection, asked.delivery_id, asked.number)
            if known is not None:
                left_s = (known.next_attempt_at - now).total_seconds() if known.next_attempt_at else None
                return AttemptResult(known.status, None if left_s is None else max(left_s, 0.0), "recorded before")
            consignment = await deliveries.load(connection, asked.delivery_id, now=now)
            assert consignment is not None, "a delivery's row is written before its workflow starts"
            if not consignment.endpoint_open:
                why = "the endpoint is disabled or deleted"
                if consignment.status is not DeliveryStatus.PENDING:
                    return AttemptResult(consignment.status, what=why)  # a resend: what it came to before stands
                await deliveries.close(connection, asked.delivery_id, DeliveryStatus.CANCELLED, why, now)
                return AttemptResult(DeliveryStatus.CANCELLED, what=why)
        async with _signs_of_life():
            headers, result = await self._send(consignment)
        return await self._record(asked, consignment, headers, result)

    async def _send(self, consignment: Consignment) -> tuple[dict[str, str], SendResult]:
        context = deliveries.secret_context(consignment.endpoint_id)
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
        async with self._engine.begin() as connection:
            await deliveries.record_attempt(
                connection,
                asked.delivery_id,
                _attempt(asked.number, consignment.url, headers, result),
                status,
                next_wait_s=wait_s,
                now=now,
            )
            if gone:
                reason = "the endpoint answered 410 Gone"
                await deliveries.disable_endpoint(
                    connection, consignment.endpoint_id, reason, at_url=consignment.url, now=now
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
