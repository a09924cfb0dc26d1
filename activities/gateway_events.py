"""Gateway events that a workflow had not handled when it ended: each is compared with the row, as a later one is."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from clearway.db import across_merchants, gateway_events
from clearway.db.across_merchants import Subject
from clearway.db.engine import each_for_itself
from clearway.durable.deliveries import TemporalDeliveries
from clearway.durable.messages import GatewayEvent
from clearway.gateway_events.contradicting import against, open_review
from clearway.gateway_events.naming import Named, named_by


class GatewayEventActivities:
    """The stored events of gateways."""

    def __init__(self, engine: AsyncEngine, deliveries: TemporalDeliveries) -> None:
        self._engine = each_for_itself(engine)
        self._deliveries = deliveries

    @activity.defn(name="compare_gateway_event")
    async def compare(self, event: GatewayEvent) -> bool:
        """Open a review if the event contradicts the row of its ended payment or refund; return whether it does."""
        named = named_by(event.key)
        async with self._engine.connect() as connection:
            subject = await across_merchants.find_subject(connection, named.type, named.id)
            kind = against(subject, named, event) if subject else None
            if subject is None or kind is None:
                return False
            made_at = _made_at(subject, named)
            kept = await gateway_events.find_kept(connection, subject.merchant_id, made_at, event.event_id)
            due = await open_review(connection, kept, kind, event, subject)
        await self._deliveries.start(due)
        return True


def _made_at(subject: Subject, named: Named) -> str:
    attempt = subject.attempts.get(named.number)
    return attempt.gateway_id if attempt else subject.gateway_id
