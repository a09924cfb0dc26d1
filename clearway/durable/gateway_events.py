"""Pass a gateway event on to the workflow of its payment or refund."""

from __future__ import annotations

from temporalio.client import Client

from clearway.durable import calls
from clearway.durable.messages import GATEWAY_EVENT, GatewayEvent


async def pass_on(client: Client, workflow_id: str, event: GatewayEvent) -> None:
    """Signal the workflow. Raises WorkflowEndedError or UnavailableError."""
    await calls.signal(client, workflow_id, GATEWAY_EVENT, event)
