"""Keeping to a gateway's limits: each request takes its turn before it is sent, and ends it afterwards.

A configuration without limits costs no statement. While its gateway asks us to wait, that is known from the board.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.breakers.board import BreakerBoard
from clearway.db import gateway_usage
from clearway.db.engine import each_for_itself
from clearway.domain.gateway import GatewayConfig
from clearway.domain.gateway_limits import SOON, GatewayLimits, Turn, take
from clearway.domain.ids import GATEWAY_CALL, new_id

CALL: Final = timedelta(seconds=40)
"""Longer than any call takes with its wait: after that a request whose process died counts no more."""
SPREAD: Final = 0.25
"""Requests that wait for the same moment come back spread over this part of the wait, of at most some seconds."""
SPREAD_S_MAX: Final = 5.0
DATABASE_AWAY_S: Final = 2.0
"""Without the database nobody knows what other processes send, so nothing is sent."""
AWAY: Final = (SQLAlchemyError, OSError, TimeoutError)

log = structlog.get_logger(__name__)


class GatewayLimiter:
    """The limits of all configurations, as one process keeps them."""

    def __init__(self, engine: AsyncEngine, board: BreakerBoard) -> None:
        self._engine = engine
        self._board = board

    @asynccontextmanager
    async def turn(self, config: GatewayConfig) -> AsyncIterator[float | None]:
        """Give None when a request may be sent, which ends with the block; else after how many seconds to ask again."""
        limits = GatewayLimits(**config.limits)
        if not limits:
            yield self._held_s(config)
            return
        request_id = new_id(GATEWAY_CALL)
        wait_s = await self._take(config, limits, request_id)
        try:
            yield wait_s
        finally:
            if wait_s is None and limits.concurrent is not None:
                await self._end(config, request_id)

    async def hold(self, config: GatewayConfig, seconds: float) -> None:
        """Send nothing to a gateway for as long as it asks."""
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        log.warning("gateway_held", gateway_id=config.id, seconds=seconds)
        self._board.note_hold(config.id, until)
        try:
            async with each_for_itself(self._engine).connect() as connection:
                await gateway_usage.hold(connection, config.merchant_id, config.id, until)
        except AWAY as error:
            log.warning("gateway_hold_not_written", gateway_id=config.id, error=type(error).__name__)

    def _held_s(self, config: GatewayConfig) -> float | None:
        now = datetime.now(UTC)
        until = self._board.held_until(config.id, now)
        return None if until is None else _spread((until - now).total_seconds())

    async def _take(self, config: GatewayConfig, limits: GatewayLimits, request_id: str) -> float | None:
        """Take a turn, after a short wait if that is enough; else return the wait in seconds."""
        started = time.monotonic()
        while True:
            try:
                turn = await self._try(config, limits, request_id)
            except AWAY as error:
                log.warning("gateway_limits_not_read", gateway_id=config.id, error=type(error).__name__)
                return DATABASE_AWAY_S
            too_long = time.monotonic() - started + turn.wait_s > SOON.total_seconds()
            if turn.again and too_long:
                return _spread(turn.wait_s)
            await asyncio.sleep(turn.wait_s)
            if not turn.again:
                return None

    async def _try(self, config: GatewayConfig, limits: GatewayLimits, request_id: str) -> Turn:
        async with self._engine.begin() as connection:
            before = await gateway_usage.lock(connection, config.merchant_id, config.id)
            now = datetime.now(UTC)
            after, turn = take(before, limits, request_id, now, until=now + CALL)
            await gateway_usage.put(connection, config.merchant_id, config.id, after)
        return turn

    async def _end(self, config: GatewayConfig, request_id: str) -> None:
        try:
            async with each_for_itself(self._engine).connect() as connection:
                await gateway_usage.release(connection, config.merchant_id, config.id, request_id)
        except AWAY as error:  # it counts no more after a while
            log.warning("gateway_request_not_ended", gateway_id=config.id, error=type(error).__name__)


def _spread(wait_s: float) -> float:
    return wait_s + random.uniform(0, min(wait_s * SPREAD, SPREAD_S_MAX))  # noqa: S311 - not a secret
