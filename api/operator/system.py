"""`/operator/system`: whether the parts of the installation answer, which processes run, and what waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, Literal, TypeVar

import asyncpg
import structlog
from fastapi import Request
from pydantic import Field
from sqlalchemy.exc import SQLAlchemyError
from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.service import RPCError

from api.http.problems import declare
from api.http.services import ServicesDep
from api.operator.access import TO_OPERATORS, operator_router
from api.workers import QueueState, queue_states
from clearway.db import across_merchants
from clearway.db.across_merchants import Connected, Overdue, Server
from clearway.domain.resources import Moment, Resource
from clearway.services import Services
from clearway.setting_values import Environment

ASK_TIMEOUT_S: Final = 5.0

Answer = TypeVar("Answer")
log = structlog.get_logger(__name__)
router = operator_router()


class PartResource(Resource):
    """A part that payments need."""

    name: Literal["database", "temporal"]
    answers: bool
    latency_ms: float | None = Field(description="Latency of the check that this request made.")
    version: str | None
    detail: dict[str, Any]


class ProcessResource(Resource):
    """A process of Clearway that has connections to the database."""

    program: str = Field(examples=["clearway-api"])
    version: str
    process: str = Field(description="Its process id and its host.")
    address: str | None
    since: Moment
    connections: int
    busy: int = Field(description="Connections that work at this moment.")


class WorkerResource(Resource):
    """A worker process that polls a task queue."""

    identity: str
    seen_at: Moment


class QueueResource(Resource):
    """A task queue."""

    name: str
    workers: list[WorkerResource]
    waiting: int = Field(description="Tasks that no worker has taken, approximately.")
    oldest_s: float = Field(description="For how long the oldest waits.")


class OverdueResource(Resource):
    """What should have been sent already, counted to 10,000."""

    kind: str
    waiting: int
    oldest_at: Moment | None


class SystemResource(Resource):
    """The health of the installation. A list is null when its part does not answer."""

    object: Literal["system"] = "system"
    version: str
    environment: Environment
    parts: list[PartResource]
    processes: list[ProcessResource] | None
    queues: list[QueueResource] | None
    overdue: list[OverdueResource] | None
    reviews_open: Annotated[int | None, Field(description="Contradictions that wait for a person.")]


@router.get("/system", responses=declare(*TO_OPERATORS), summary="Read the health of the installation")
async def get_system(services: ServicesDep, request: Request) -> SystemResource:
    """Read whether Postgres and Temporal answer, which processes run in which version, and what waits for workers.

    It needs the database to check your session, so it fails while the database is down. `GET /ready` works then.
    """
    (database, stored), (temporal, queues) = await asyncio.gather(
        _asked("database", _database, services), _asked("temporal", _temporal, services)
    )
    server, processes, overdue, reviews = stored or (None, None, None, None)
    return SystemResource(
        version=request.app.version,
        environment=services.settings.clearway_env,
        parts=[_database_part(database, server), _temporal_part(temporal, queues, services)],
        processes=None if processes is None else [_process(each) for each in processes],
        queues=None if queues is None else [_queue(name, state) for name, state in queues[1].items()],
        overdue=None if overdue is None else [OverdueResource(**_fields(OverdueResource, each)) for each in overdue],
        reviews_open=reviews,
    )


async def _asked(
    name: str, ask: Callable[[Services], Awaitable[Answer]], services: Services
) -> tuple[float | None, Answer | None]:
    """Return the time in milliseconds and the answer; nothing when it does not answer in time."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(ASK_TIMEOUT_S):
            answer = await ask(services)
    except (OSError, RPCError, RuntimeError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        log.warning("part_does_not_answer", part=name, error=type(error).__name__)
        return None, None
    return round((time.monotonic() - began) * 1_000, 1), answer


async def _database(services: Services) -> tuple[Server, list[Connected], list[Overdue], int]:
    async with services.reader.connect() as connection:
        return (
            await across_merchants.server(connection),
            await across_merchants.connected(connection),
            await across_merchants.overdue(connection),
            sum((await across_merchants.count_open_reviews(connection)).values()),
        )


async def _temporal(services: Services) -> tuple[str, dict[str, QueueState]]:
    info, queues = await asyncio.gather(
        services.temporal.workflow_service.get_system_info(GetSystemInfoRequest()), queue_states(services.temporal)
    )
    return info.server_version, queues


def _database_part(latency_ms: float | None, server: Server | None) -> PartResource:
    detail = {} if server is None else _fields_of(server, "size_bytes", "connections", "connections_max")
    version = server.version if server else None
    return PartResource(
        name="database", answers=server is not None, latency_ms=latency_ms, version=version, detail=detail
    )


def _temporal_part(
    latency_ms: float | None, found: tuple[str, dict[str, QueueState]] | None, services: Services
) -> PartResource:
    return PartResource(
        name="temporal",
        answers=found is not None,
        latency_ms=latency_ms,
        version=found[0] if found else None,
        detail={"address": services.settings.temporal_address, "namespace": services.settings.temporal_namespace},
    )


def _process(found: Connected) -> ProcessResource:
    program, _, rest = found.name.partition(" ")
    version, _, process = rest.partition(" ")
    more = _fields_of(found, "address", "since", "connections", "busy")
    return ProcessResource(program=program, version=version, process=process, **more)


def _queue(name: str, state: QueueState) -> QueueResource:
    workers = [WorkerResource(identity=each.identity, seen_at=each.seen_at) for each in state.pollers]
    return QueueResource(name=name, workers=workers, waiting=state.waiting, oldest_s=state.oldest_s)


def _fields(shape: type[Resource], held: object) -> dict[str, Any]:
    return _fields_of(held, *shape.model_fields)


def _fields_of(held: object, *names: str) -> dict[str, Any]:
    return {name: getattr(held, name) for name in names}
