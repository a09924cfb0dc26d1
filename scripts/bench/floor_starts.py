"""How a bare payment begins and is told news: straight at Temporal, or through the API of the floor with I/O."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Protocol

from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError

from clearway.durable.messages import QUEUE_PAYMENTS
from scripts.bench import floor_workflows as floor
from scripts.bench.floor_otherwise import Otherwise
from scripts.bench.http_client import HttpClient
from scripts.bench.shapes import Shape


class Starter(Protocol):
    """Begins payments and tells them news."""

    async def start(self, name: str) -> bool:
        """Start the payment and wait for the answer that a merchant would get; False: there was none."""

    async def tell(self, name: str) -> None:
        """Tell a payment what its gateway would."""


class AtTemporal:
    """Starts workflows of one shape, for the workers of this process's kind of floor."""

    def __init__(self, client: Client, shape: Mapping[str, Any], delivery: Mapping[str, Any] | None) -> None:
        self._client = client
        self._queue = Otherwise.from_environment().queue(QUEUE_PAYMENTS)
        self._shape = shape
        self._delivery = delivery
        self._answers = Shape.from_json(shape).answer_after is not None

    async def start(self, name: str) -> bool:
        """Start the workflow."""
        given = floor.FloorInput(name, self._shape, self._delivery)
        options: dict[str, Any] = {
            "id": f"floor/{name}",
            "task_queue": self._queue,
            "id_reuse_policy": WorkflowIDReusePolicy.REJECT_DUPLICATE,
            "search_attributes": floor.payment_attributes(name),
            "static_summary": f"floor {name}",
        }
        try:
            await self._start(given, options)
        except RPCError:
            return False
        return True

    async def tell(self, name: str) -> None:
        """Send the signal."""
        with suppress(RPCError):  # it has ended: what ours meets too, and passes over
            await self._client.get_workflow_handle(f"floor/{name}").signal(floor.FloorPayment.news)

    async def _start(self, given: floor.FloorInput, options: dict[str, Any]) -> None:
        if not self._answers:
            await self._client.start_workflow(floor.FloorPayment.run, given, **options)
            return
        start = WithStartWorkflowOperation(
            floor.FloorPayment.run, given, id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING, **options
        )
        await self._client.execute_update_with_start_workflow(
            floor.FloorPayment.record, start_workflow_operation=start, id=str(uuid.uuid4())
        )


class AtApi:
    """The same through the floor's API, as merchants and gateways reach ours."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def start(self, name: str) -> bool:
        """Post the payment."""
        body = {"order_id": name, "method": "upi", "vpa": "success@razorpay"}
        answer = await self._http.request("POST", "/payments", body)
        return answer.status == HTTPStatus.CREATED

    async def tell(self, name: str) -> None:
        """Post the gateway's webhook."""
        await self._http.request("POST", "/news", {"id": name})
