"""Changing webhook endpoints: each change and its row in the audit log are one transaction.

A request with an Idempotency-Key uses the id allocated for the key, so a repeat after a crash finds the result. A
second endpoint would get every event twice, and a second rotation would lose the secret in use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto import signing
from clearway.crypto.encryption import Cipher
from clearway.db import audit, endpoints
from clearway.db.endpoints import ROTATION, NewEndpoint, secret_context
from clearway.deliveries.sending import answered
from clearway.domain.actor import Actor
from clearway.domain.endpoint import EndpointStatus
from clearway.domain.errors import ConflictError, NotFoundError, UnavailableError
from clearway.domain.ids import ENDPOINT, is_id
from clearway.domain.limits import WEBHOOK_ENDPOINTS_PER_MERCHANT_MAX
from clearway.durable.endpoints import start_closing
from clearway.durable.messages import ClosingInput, closing_workflow_id
from clearway.egress import EgressPolicy, validate_url
from clearway.services import Services

log = structlog.get_logger(__name__)

CLEARED_BY_ENABLING: Final = {"disabled_reason": None}


def endpoint_not_found(endpoint_id: str) -> NotFoundError:
    """Return the error for an endpoint this merchant does not have, or has deleted."""
    return NotFoundError("webhook_endpoint_not_found", f"You have no webhook endpoint {endpoint_id!r}.")


@dataclass(frozen=True, slots=True)
class EndpointRequest:
    """An endpoint to register. event_types empty: all. retry_intervals_s None: the default."""

    url: str
    description: str | None = None
    event_types: tuple[str, ...] = ()
    retry_intervals_s: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class EndpointWithSecret:
    """A row of `webhook_endpoints` and its signing secret in plain text, for the answer that shows it once."""

    row: Row[Any]
    secret: str


def check_url(services: Services, url: str) -> None:
    """Refuse a URL that webhooks are never sent to. Raises UnprocessableError."""
    validate_url(url, EgressPolicy.from_settings(services.settings))


async def create(services: Services, actor: Actor, endpoint_id: str, asked: EndpointRequest) -> EndpointWithSecret:
    """Register an endpoint with a new secret, or return the one that an earlier run of this request registered."""
    check_url(services, asked.url)
    cipher = services.cipher
    async with services.engine.begin() as connection:
        has_room = await endpoints.has_room(connection, actor.merchant_id)
        row = await endpoints.repeated(connection, actor.merchant_id, endpoint_id)
        if row is None:
            if not has_room:
                raise _too_many()
            row = await endpoints.add(connection, _new(actor.merchant_id, endpoint_id, asked, cipher))
            await audit.record(connection, actor, "webhook_endpoint.create", endpoint_id, {"url": row.url})
    return EndpointWithSecret(row, cipher.decrypt(row.secret, secret_context(endpoint_id)))


async def find(services: Services, merchant_id: str, endpoint_id: str) -> Row[Any]:
    """Return the merchant's endpoint. Raises NotFoundError."""
    async with services.reader.connect() as connection:
        row = await endpoints.find(connection, merchant_id, endpoint_id) if is_id(ENDPOINT, endpoint_id) else None
    if row is None:
        raise endpoint_not_found(endpoint_id)
    return row


async def change(services: Services, actor: Actor, endpoint_id: str, values: Mapping[str, Any]) -> Row[Any]:
    """Change only these columns: some of url, description, event_types, retry_intervals_s and status."""
    if "url" in values:
        check_url(services, values["url"])
    enabled = values.get("status") == EndpointStatus.ENABLED.value
    columns = {**values, **(CLEARED_BY_ENABLING if enabled else {})}
    async with services.engine.begin() as connection:
        row = await lock_own(connection, actor.merchant_id, endpoint_id)
        if columns:
            row = await endpoints.change(connection, actor.merchant_id, endpoint_id, columns, datetime.now(UTC))
            await audit.record(connection, actor, "webhook_endpoint.update", endpoint_id, dict(values))
    return row


async def delete(services: Services, actor: Actor, endpoint_id: str) -> None:
    """Delete an endpoint permanently, and cancel its pending deliveries.

    Nothing more is sent to it. If Temporal is down, a pending delivery is cancelled at its next attempt.
    """
    now = datetime.now(UTC)
    async with services.engine.begin() as connection:
        await lock_own(connection, actor.merchant_id, endpoint_id)
        await endpoints.change(connection, actor.merchant_id, endpoint_id, {"deleted_at": now}, now)
        await audit.record(connection, actor, "webhook_endpoint.delete", endpoint_id, {})
    try:
        async with answered(closing_workflow_id(endpoint_id)):
            await start_closing(services.temporal, ClosingInput(endpoint_id, actor.merchant_id))
    except UnavailableError:
        log.warning("deliveries_not_cancelled_at_once", endpoint_id=endpoint_id)


async def rotate_secret(
    services: Services, actor: Actor, endpoint_id: str, rotation_id: str, overlap_s: int | None
) -> EndpointWithSecret:
    """Create a new secret. The previous one also signs for the overlap; older ones end."""
    seconds = services.settings.webhook_secret_overlap_s if overlap_s is None else overlap_s
    cipher, context = services.cipher, secret_context(endpoint_id)
    async with services.engine.begin() as connection:
        row = await lock_own(connection, actor.merchant_id, endpoint_id)
        if not await endpoints.rotation_is_recorded(connection, actor.merchant_id, endpoint_id, rotation_id):
            fresh = cipher.encrypt(signing.new_secret(), context)
            row = await _put_secret(connection, row, fresh, overlap_s=seconds)
            detail = {"rotation_id": rotation_id, "overlap_s": seconds}
            await audit.record(connection, actor, ROTATION, endpoint_id, detail)
    return EndpointWithSecret(row, cipher.decrypt(row.secret, context))


async def lock_own(connection: AsyncConnection, merchant_id: str, endpoint_id: str) -> Row[Any]:
    """Return the merchant's endpoint, locked until the transaction ends. Raises NotFoundError."""
    row = await endpoints.lock(connection, merchant_id, endpoint_id) if is_id(ENDPOINT, endpoint_id) else None
    if row is None:
        raise endpoint_not_found(endpoint_id)
    return row


def _new(merchant_id: str, endpoint_id: str, asked: EndpointRequest, cipher: Cipher) -> NewEndpoint:
    return NewEndpoint(
        id=endpoint_id,
        merchant_id=merchant_id,
        url=asked.url,
        description=asked.description,
        event_types=asked.event_types,
        retry_intervals_s=asked.retry_intervals_s,
        secret=cipher.encrypt(signing.new_secret(), secret_context(endpoint_id)),
    )


async def _put_secret(connection: AsyncConnection, row: Row[Any], fresh: str, *, overlap_s: int) -> Row[Any]:
    now = datetime.now(UTC)
    # The token of the old secret is moved as it is: its context is the row, not the column.
    before = {"previous_secret": row.secret, "previous_secret_expires_at": now + timedelta(seconds=overlap_s)}
    none = {"previous_secret": None, "previous_secret_expires_at": None}
    return await endpoints.change(
        connection, row.merchant_id, row.id, {"secret": fresh} | (before if overlap_s else none), now
    )


def _too_many() -> ConflictError:
    detail = (
        f"You have {WEBHOOK_ENDPOINTS_PER_MERCHANT_MAX} webhook endpoints, the maximum. Nothing was registered. "
        "Delete one first."
    )
    return ConflictError("webhook_endpoint_limit", detail)
