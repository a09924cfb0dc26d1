"""Open a review when a gateway event contradicts the row of an ended payment or refund.

For events that arrive after the end (`receiving`), and for those that a workflow had not handled when it ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import gateway_events, reviews
from clearway.db.across_merchants import Subject
from clearway.db.events import DueDelivery
from clearway.db.gateway_events import Kept
from clearway.domain.gateway_event import Disposition
from clearway.domain.review import ReviewKind
from clearway.durable.messages import GatewayEvent
from clearway.gateway_events.contradictions import contradiction, resource_of
from clearway.gateway_events.naming import Named
from clearway.gateways.contract import Trust

log = structlog.get_logger(__name__)


def against(subject: Subject, named: Named, event: GatewayEvent) -> ReviewKind | None:
    """Return how an event contradicts the row. A hint cannot: anybody may have written it."""
    if event.trust is Trust.HINT:
        return None
    return contradiction(subject, named.operation, event.outcome, number=named.number)


async def open_review(
    connection: AsyncConnection, kept: Kept | None, kind: ReviewKind, event: GatewayEvent, subject: Subject
) -> Sequence[DueDelivery]:
    """Write the review, the merchant's event and the disposition together; return the deliveries to start.

    One review of a kind is open at a time. kept: the stored event.
    """
    now = datetime.now(UTC)
    resource = resource_of(kind, event.outcome, subject, now)
    beside = [gateway_events.becomes(kept, Disposition.CONTRADICTS)] if kept else []
    due = await reviews.open_review(connection, subject, resource, beside=beside, now=now)
    if due is None:
        if kept is not None:
            await gateway_events.set_disposition(connection, kept, Disposition.CONTRADICTS)
        return ()
    log.error("gateway_event_contradicts_record", kind=kind, review_id=resource.id, recorded=subject.status)
    return due
