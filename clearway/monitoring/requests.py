"""Requests of merchants as rows, off the path of requests."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db import request_log
from clearway.domain.request_log import LoggedRequest
from clearway.monitoring.batches import RowBatches


class RequestLog(RowBatches[LoggedRequest]):
    """The requests that one process answered and has not written yet."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine, "request_log", request_log.add)
