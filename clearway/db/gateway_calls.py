"""Calls to gateways, as stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.mapping import Mapped
from clearway.db.tables import gateway_calls
from clearway.db.writing import Rows, write
from clearway.domain.gateway_call import MeasuredCall

CALLS: Final = Mapped(MeasuredCall, gateway_calls)


async def add(connection: AsyncConnection, calls: Sequence[MeasuredCall]) -> None:
    """Write calls in one statement. Those that are there already are left as they are."""
    await write(connection, [Rows(gateway_calls, [CALLS.columns(call) for call in calls], unless_there=True)])
