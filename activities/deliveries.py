"""What the recording activities need of webhook delivery: somebody who starts a delivery's workflow.

The workflows themselves lie a layer above, so `worker.py` hands an implementation in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from clearway.db.events import DueDelivery


class DeliveryStarter(Protocol):
    """Starts delivery workflows. Starting one that has been started before does nothing."""

    async def start(self, due: Iterable[DueDelivery]) -> None:
        """Start a workflow for each. Raises when Temporal cannot be reached: then none may count as started."""
