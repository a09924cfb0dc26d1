"""Recovering an endpoint: sending the events that it missed while it was disabled, down, or not registered yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import audit
from clearway.db.deliveries import recovering
from clearway.db.deliveries.recovering import NewRecovery
from clearway.deliveries.sending import answered
from clearway.domain.actor import Actor
from clearway.domain.delivery import RecoveryScope, RecoveryStatus
from clearway.domain.endpoint import EndpointStatus
from clearway.domain.errors import ConflictError, NotFoundError, UnprocessableError
from clearway.domain.ids import RECOVERY, is_id
from clearway.domain.limits import RECOVERY_REACH_S_MAX
from clearway.durable.endpoints import start_recovery
from clearway.durable.messages import RecoveryInput, recovery_workflow_id
from clearway.endpoints.commands import lock_own
from clearway.services import Services


@dataclass(frozen=True, slots=True)
class RecoveryRequest:
    """Which events to send: from `since` to before `until` (None: now)."""

    since: datetime
    until: datetime | None
    scope: RecoveryScope


@dataclass(frozen=True, slots=True)
class Recovery:
    """A row of `webhook_recoveries`, and how many of its deliveries have each status."""

    row: Row[Any]
    counts: Mapping[str, int]


async def recover(
    services: Services, actor: Actor, endpoint_id: str, recovery_id: str, asked: RecoveryRequest
) -> Recovery:
    """Begin a recovery, or return the one that an earlier run of this request began.

    Raises NotFoundError, ConflictError, UnprocessableError and UnavailableError. After the last, the recovery is
    recorded, and the maintenance workflow starts it.
    """
    async with services.engine.begin() as connection:
        endpoint = await lock_own(connection, actor.merchant_id, endpoint_id)
        row = await recovering.find(connection, actor.merchant_id, recovery_id)
        if row is None:
            row = await _add(connection, actor, endpoint, recovery_id, asked)
    if row.status == RecoveryStatus.RUNNING.value:
        async with answered(recovery_workflow_id(recovery_id)):
            await start_recovery(services.temporal, RecoveryInput(recovery_id, actor.merchant_id))
    return await find(services, actor.merchant_id, endpoint_id, recovery_id)


async def find(services: Services, merchant_id: str, endpoint_id: str, recovery_id: str) -> Recovery:
    """Return the merchant's recovery of this endpoint. Raises NotFoundError."""
    async with services.reader.connect() as connection:
        known = is_id(RECOVERY, recovery_id)
        row = await recovering.find(connection, merchant_id, recovery_id) if known else None
        if row is None or row.endpoint_id != endpoint_id:
            raise NotFoundError("webhook_recovery_not_found", f"You have no recovery {recovery_id!r} of this endpoint.")
        return Recovery(row, await recovering.counts(connection, merchant_id, recovery_id))


async def _add(
    connection: AsyncConnection, actor: Actor, endpoint: Row[Any], recovery_id: str, asked: RecoveryRequest
) -> Row[Any]:
    if endpoint.status != EndpointStatus.ENABLED.value:
        detail = f"Endpoint {endpoint.id} is disabled, so nothing was sent. Enable it first."
        raise ConflictError("webhook_endpoint_closed", detail)
    under_way = await recovering.running(connection, actor.merchant_id, endpoint.id)
    if under_way is not None:
        detail = (
            f"Recovery {under_way} of this endpoint is still running. Nothing was started. Wait until it has ended."
        )
        raise ConflictError("webhook_recovery_running", detail)
    now = datetime.now(UTC)
    until = min(asked.until or now, now)
    _check_reach(asked.since, until, now)
    new = NewRecovery(recovery_id, actor.merchant_id, endpoint.id, asked.scope, asked.since, until)
    detail_of_audit = {"recovery_id": recovery_id, "since": asked.since.isoformat(), "until": until.isoformat()}
    await audit.record(connection, actor, "webhook_endpoint.recover", endpoint.id, detail_of_audit)
    return await recovering.add(connection, new)


def _check_reach(since: datetime, until: datetime, now: datetime) -> None:
    if since >= until:
        raise UnprocessableError(
            "recovery_period_invalid", "`since` must be in the past and before `until`. Nothing was started."
        )
    if since < now - timedelta(seconds=RECOVERY_REACH_S_MAX):
        days = RECOVERY_REACH_S_MAX // 86_400
        raise UnprocessableError(
            "recovery_period_invalid", f"`since` may be at most {days} days ago. Nothing was started."
        )
