"""Which resource the data of an event is, by its type."""

from __future__ import annotations

from clearway.domain.events import EventType
from clearway.domain.resources import (
    AttemptResource,
    BreakerResource,
    ContradictionResource,
    EndpointTestResource,
    HealthResource,
    OrderResource,
    PaymentResource,
    ReconciliationResource,
    RefundResource,
    Resource,
)

EVENT_DATA: dict[str, type[Resource]] = {
    "order": OrderResource,
    "gateway": BreakerResource,
    "payment": PaymentResource,
    "reconciliation": ReconciliationResource,
    "refund": RefundResource,
    "endpoint": EndpointTestResource,
}
"""The model of an event's data, by the first part of its type."""
CONTRADICTIONS = frozenset({EventType.PAYMENT_CONTRADICTED, EventType.REFUND_CONTRADICTED})


OF_HEALTH = frozenset(
    {
        EventType.GATEWAY_HEALTHY,
        EventType.GATEWAY_UNHEALTHY,
        EventType.GATEWAY_DEGRADED,
        EventType.GATEWAY_RESTORED,
    }
)


def event_data(event_type: EventType) -> type[Resource]:
    """Return the model of an event's data."""
    if event_type is EventType.PAYMENT_ATTEMPT_FAILED:
        return AttemptResource
    if event_type in OF_HEALTH:
        return HealthResource
    return ContradictionResource if event_type in CONTRADICTIONS else EVENT_DATA[event_type.value.partition(".")[0]]
