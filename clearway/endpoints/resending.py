"""Sending one event again to one endpoint, also if it has no delivery there."""

from __future__ import annotations

from datetime import UTC, datetime

from clearway.db.deliveries import adding, reading
from clearway.deliveries import sending
from clearway.deliveries.sending import Retried
from clearway.domain.endpoint import EndpointStatus
from clearway.domain.errors import NotFoundError
from clearway.domain.ids import EVENT, is_id
from clearway.endpoints import commands
from clearway.services import Services


async def resend(services: Services, merchant_id: str, event_id: str, endpoint_id: str, retry_id: str) -> Retried:
    """Make one attempt of this event to this endpoint now, once for each retry_id, and return its result.

    An event without a delivery gets one, which follows the endpoint's schedule if the attempt fails. Raises
    NotFoundError, ConflictError and UnavailableError.
    """
    endpoint = await commands.find(services, merchant_id, endpoint_id)
    if endpoint.status != EndpointStatus.ENABLED.value:
        raise sending.closed(endpoint_id)
    schedule_s = endpoint.retry_intervals_s or services.settings.webhook_retry_intervals_s
    async with services.reader.connect() as connection:
        delivery_id = await reading.find_delivery_of(connection, merchant_id, event_id, endpoint_id)
        if delivery_id is None:
            is_there = is_id(EVENT, event_id) and await adding.add(
                connection, merchant_id, event_id, endpoint, now=datetime.now(UTC), wait_s=schedule_s[0]
            )
            if not is_there:
                raise NotFoundError("event_not_found", f"You have no event {event_id!r}.")
            delivery_id = await reading.find_delivery_of(connection, merchant_id, event_id, endpoint_id)
    assert delivery_id is not None, "it was added, or somebody else added it"
    return await sending.retry(services, merchant_id, delivery_id, retry_id)
