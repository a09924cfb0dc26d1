"""Measures how long a workflow takes to record its payment or refund: this includes the queues of every shared part."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from temporalio.client import Interceptor, OutboundInterceptor, StartWorkflowUpdateWithStartInput, WorkflowUpdateHandle

Observer = Callable[[float, float], None]
"""Gets the moments (`time.monotonic`) at which an Update-With-Start was sent and answered or given up."""


class RecordingTimer(Interceptor):
    """A client interceptor that reports each Update-With-Start that was answered or timed out.

    One that fails because Temporal is away says nothing about load.
    """

    def __init__(self, observer: Observer) -> None:
        super().__init__()
        self._observer = observer

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002 - the SDK's name
        """Put the timer before the call."""
        return _Timed(next, self._observer)


class _Timed(OutboundInterceptor):
    def __init__(self, following: OutboundInterceptor, observer: Observer) -> None:
        super().__init__(following)
        self._observer = observer

    async def start_update_with_start_workflow(
        self,
        input: StartWorkflowUpdateWithStartInput,  # noqa: A002 - the SDK's name
    ) -> WorkflowUpdateHandle[Any]:
        began = time.monotonic()
        try:
            handle = await super().start_update_with_start_workflow(input)
        except asyncio.CancelledError:
            self._observer(began, time.monotonic())
            raise
        self._observer(began, time.monotonic())
        return handle
