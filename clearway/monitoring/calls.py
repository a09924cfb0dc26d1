"""Calls to gateways as rows, off the path of payments."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from clearway.db import gateway_calls
from clearway.domain.gateway_call import MeasuredCall
from clearway.monitoring.batches import RowBatches


class CallLog(RowBatches[MeasuredCall]):
    """The calls of one process that are not written yet."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine, "gateway_calls", _add)


async def _add(connection: AsyncConnection, batch: Sequence[MeasuredCall]) -> None:
    await gateway_calls.add(connection, batch)
