"""The database engine: how every process connects. Nothing else here creates connections."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from clearway.settings import Settings

COMMAND_TIMEOUT_S = 30
STATEMENT_TIMEOUT_MS = 15_000
LOCK_TIMEOUT_MS = 10_000


def create_engine(settings: Settings, *, application_name: str) -> AsyncEngine:
    """Return an engine whose sessions give up on locks and statements instead of hanging.

    application_name is what an operator sees in `pg_stat_activity`.
    """
    return create_async_engine(
        settings.database_url,
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=True,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        connect_args={
            "command_timeout": COMMAND_TIMEOUT_S,
            "server_settings": {
                "application_name": application_name,
                "timezone": "UTC",
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": "60000",
            },
        },
    )


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()
