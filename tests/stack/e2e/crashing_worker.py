"""A worker that dies by SIGKILL when a step is committed and its webhooks are about to be sent: the worst moment.

`python -m tests.stack.e2e.crashing_worker before|after payment.success`: right before or right after it starts the
delivery of the first such event. Everything else is the worker of these stacks.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterable

import tests.stack.e2e.brisk_worker  # noqa: F401 - its time-outs
import worker
from clearway.db.events import DueDelivery
from clearway.durable.deliveries import TemporalDeliveries


class CrashingDeliveries(TemporalDeliveries):
    """Starts deliveries, until it comes to the event that is its end."""

    when: str
    event_type: str

    async def start(self, due: Iterable[DueDelivery]) -> None:
        """Start the deliveries of a step, or die."""
        found = list(due)
        is_the_end = any(delivery.event_type == self.event_type for delivery in found)
        if is_the_end and self.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        await super().start(found)
        if is_the_end:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    CrashingDeliveries.when, CrashingDeliveries.event_type = sys.argv[1:]
    worker.TemporalDeliveries = CrashingDeliveries  # type: ignore[attr-defined, misc]
    asyncio.run(worker.main(worker.read_settings(), worker.parse_arguments([])))
