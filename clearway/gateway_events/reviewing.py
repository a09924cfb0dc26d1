"""List gateway events and reviews, and close reviews. The caller checks permissions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.encryption import Cipher
from clearway.db import across_merchants, audit, gateway_events, reviews
from clearway.domain.actor import Actor
from clearway.domain.errors import ConflictError, NotFoundError
from clearway.domain.limits import OPERATOR_TEXT_LENGTH_MAX
from clearway.domain.text import storable
from clearway.gateway_events.raw import body_of

LISTED_MAX: Final = 500


async def list_events(
    connection: AsyncConnection, *, limit: int = 50, subject_id: str | None = None, disposition: str | None = None
) -> list[dict[str, Any]]:
    """Return the newest events of gateways, without their bodies."""
    rows = await gateway_events.newest(
        connection, min(limit, LISTED_MAX), subject_id=subject_id, disposition=disposition
    )
    return [_without_body(row) for row in rows]


async def show_event(connection: AsyncConnection, cipher: Cipher, actor: Actor, event_id: str) -> dict[str, Any]:
    """Return an event with its body, which may name a customer: so the access is in the audit log.

    Raises NotFoundError, and DecryptionError when its key is gone.
    """
    row = await across_merchants.find_gateway_event(connection, event_id)
    if row is None:
        raise NotFoundError("gateway_event_not_found", f"There is no gateway event {event_id!r}.")
    await audit.record(connection, actor, "gateway_event.read", event_id)
    body = body_of(cipher, row).decode("utf-8", "backslashreplace")
    return _without_body(row) | {"body": body}


async def list_reviews(
    connection: AsyncConnection, *, merchant_id: str | None = None, only_open: bool = True
) -> list[dict[str, Any]]:
    """Return reviews, newest first; merchant_id None: of the whole installation."""
    rows = await reviews.listed(connection, merchant_id=merchant_id, only_open=only_open, limit=LISTED_MAX)
    return [_shown(row) for row in rows]


async def close_review(connection: AsyncConnection, actor: Actor, review_id: str, resolution: str) -> dict[str, Any]:
    """Close a review with its finding, and write the audit row, in the caller's transaction.

    Raises NotFoundError, or ConflictError when it is closed already. actor.merchant None: any merchant's review.
    """
    found = await across_merchants.find_review(connection, review_id)
    if found is None or actor.merchant not in {None, found.merchant_id}:
        raise NotFoundError(
            "review_not_found", f"There is no review {review_id!r}. `clearway reviews list` shows the open ones."
        )
    text = storable(resolution, OPERATOR_TEXT_LENGTH_MAX)
    closed = await reviews.close(
        connection, found.merchant_id, review_id, by=actor.name, resolution=text, now=datetime.now(UTC)
    )
    if closed is None:
        detail = f"{found.resolved_by} has already closed review {review_id}: {found.resolution}"
        raise ConflictError("review_closed", detail)
    act = Actor(actor.name, closed.merchant_id, actor.request_id, actor.address)
    await audit.record(connection, act, "review.close", review_id, {"kind": closed.kind, "resolution": text})
    return _shown(closed)


def _without_body(row: Row[Any]) -> dict[str, Any]:
    return {name: value for name, value in _shown(row).items() if name != "sealed_body"}


def _shown(row: Row[Any]) -> dict[str, Any]:
    return dict(row._mapping)  # noqa: SLF001 - public; the underscore keeps it apart from the columns
