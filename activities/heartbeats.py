"""Sends heartbeats for activities that have a heartbeat timeout, so that a lost worker is noticed within seconds.

An interceptor of every activity. Without heartbeats Temporal notices only at the end of the whole time an activity may
take: a sweep whose worker was killed would keep the next one waiting for minutes.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

BEATS: Final = 3
"""Heartbeats within one timeout. Activities that end before the first one send none."""


class Heartbeats(Interceptor):
    """Sends heartbeats while an activity runs; see the module."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's
        """Wrap the activities of a worker."""
        return _Beating(next)


class _Beating(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        timeout = activity.info().heartbeat_timeout
        if not timeout:
            return await super().execute_activity(input)
        beating = asyncio.create_task(_beat(timeout.total_seconds() / BEATS))
        try:
            return await super().execute_activity(input)
        finally:
            beating.cancel()


async def _beat(every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        activity.heartbeat()
