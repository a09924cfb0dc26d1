"""The database engine: how every process connects. Nothing else creates connections."""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Any, Final

import orjson
from sqlalchemy import PoolProxiedConnection, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from clearway.settings import Settings

COMMAND_TIMEOUT_S = 30
STATEMENT_TIMEOUT_MS = 15_000
LOCK_TIMEOUT_MS = 10_000
APPLICATION_NAME_LENGTH_MAX: Final = 63
"""Postgres cuts longer ones."""


def create_engine(settings: Settings, *, application_name: str) -> AsyncEngine:
    """Return an engine whose sessions give up on locks and statements instead of hanging.

    application_name is what an operator sees in `pg_stat_activity`, with the version and the process.
    """
    engine = create_async_engine(
        settings.database_url,
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=10,
        # The parameters of a statement (names, addresses, bodies) must not be in the log of its failure.
        hide_parameters=True,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        connect_args={
            "command_timeout": COMMAND_TIMEOUT_S,
            "server_settings": {
                "application_name": process_name(application_name),
                "timezone": "UTC",
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": "60000",
            },
        },
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def process_name(program: str) -> str:
    """Return how Postgres names this process: `clearway-api 1.2.3 4711@host`."""
    return f"{program} {version('clearway')} {os.getpid()}@{os.uname().nodename}"[:APPLICATION_NAME_LENGTH_MAX]


def each_for_itself(engine: AsyncEngine) -> AsyncEngine:
    """Return the engine in autocommit: each statement is its own transaction."""
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def _refuse_closed(connection: Any, _entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
    """Have the pool replace a connection that the server has closed.

    A restart of the server closes all of them, and the event loop notices that. Asking the server before each use, as
    `pool_pre_ping` does, would cost three round trips for each statement.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError("closed by the server")


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()
