"""Passing what a gateway says on to the workflow of its payment or refund."""

from __future__ import annotations

from temporalio.client import Client

from clearway.durable import calls
from clearway.durable.messages import GATEWAY_EVENT, GatewayEvent
from clearway.gateways.contract import GatewayOutcome


async def pass_on(client: Client, workflow_id: str, event_id: str, key: str, outcome: GatewayOutcome) -> None:
    """Signal the workflow. Raises WorkflowEndedError or UnavailableError."""
    await calls.signal(client, workflow_id, GATEWAY_EVENT, event_of(event_id, key, outcome))


def event_of(event_id: str, key: str, outcome: GatewayOutcome) -> GatewayEvent:
    """Return what a workflow receives."""
    return GatewayEvent(
        event_id=event_id,
        key=key,
        kind=outcome.kind.value,
        reference=outcome.reference,
        amount_minor=outcome.amount_minor,
        currency=outcome.currency,
        captured=outcome.captured,
        error_code=outcome.error_code,
        error_description=outcome.error_description,
        action_url=outcome.action_url,
    )
