"""Temporal servers for one machine: the dev server with its UI on a file, and the servers that tests use.

The dynamic configuration is part of the product's latency: docs/adr/0002-dev-server-configuration.md has the numbers,
`python -m scripts.measure_dev_server` repeats them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from clearway.dev.child import Child, ChildHandle, ChildSpec
from clearway.dev.errors import StackError
from clearway.durable.search_attributes import SEARCH_ATTRIBUTES, ensure_search_attributes

NAMESPACE: Final = "default"
RETENTION: Final = timedelta(days=7)
START_TIMEOUT_S: Final = 30.0
GARBAGE_COLLECTION_PERCENT: Final = "400"
"""Go collects when its heap has grown by this; at the default of 100, a sixth of the server's CPU (ADR 0005)."""

DYNAMIC_CONFIG: Final[Mapping[str, object]] = {
    # A task waits for its turn of these polls: at the default of 20 a second, 50 ms for every step of a workflow.
    "history.transferProcessorMaxPollRPS": 2_000,
    "history.timerProcessorMaxPollRPS": 2_000,
    "history.visibilityProcessorMaxPollRPS": 200,
    # Timers are read this much ahead and no finer: at the default of 1 s, a wait of 0.2 s takes 1 s.
    "history.timerProcessorMaxTimeShift": "10ms",
    # The dev server has one shard; at the default of 1 its reads and writes queue behind each other.
    "history.shardIOConcurrency": 16,
    "history.enableHostLevelEventsCache": True,
    # Let a worker take the first activity together with the workflow task that asked for it.
    "system.enableActivityEagerExecution": True,
    "system.enableEagerWorkflowStart": True,
    # One partition is enough for one machine, and spares the forwarding between them.
    "matching.numTaskqueueReadPartitions": 1,
    "matching.numTaskqueueWritePartitions": 1,
    # Limits meant for shared clusters.
    "frontend.rps": 20_000,
    "frontend.namespaceRPS": 20_000,
    "frontend.namespaceRPS.visibility": 500,
    "frontend.namespaceCount": 10_000,
    "history.rps": 30_000,
    "matching.rps": 20_000,
    "frontend.persistenceMaxQPS": 50_000,
    "history.persistenceMaxQPS": 100_000,
    "matching.persistenceMaxQPS": 50_000,
    "worker.persistenceMaxQPS": 5_000,
    # The dev server reads the search attributes from its database on every use unless this is off.
    "system.forceSearchAttributesCacheRefreshOnRead": False,
    "frontend.enableServerVersionCheck": False,
}
SQLITE_PRAGMAS: Final[Mapping[str, str]] = {
    "journal_mode": "WAL",
    # With WAL this survives kill -9 of every process; only a power cut may lose the last moments.
    "synchronous": "NORMAL",
    "busy_timeout": "10000",
    "cache_size": "-65536",
    "mmap_size": "268435456",
    "temp_store": "MEMORY",
}


@dataclass(frozen=True, kw_only=True)
class DevServerOptions:
    """Where the dev server listens and keeps its data. `ui_port` None: without the UI."""

    binary: Path
    database: Path
    log: Path
    port: int = 7233
    ui_port: int | None = 8233
    dynamic_config: Mapping[str, object] | None = None
    pragmas: Mapping[str, str] | None = None


class DevServer(ChildHandle):
    """`temporal server start-dev` as our own child. Its database file keeps every workflow when it ends."""

    def __init__(self, options: DevServerOptions) -> None:
        super().__init__()
        self.options = options
        self.address = f"127.0.0.1:{options.port}"

    async def start(self) -> Client:
        """Start it and prepare its namespace; returns a client that is connected."""
        self.options.database.parent.mkdir(parents=True, exist_ok=True)
        spec = ChildSpec(
            name="temporal",
            argv=command_line(self.options),
            log=self.options.log,
            env={"GOGC": GARBAGE_COLLECTION_PERCENT, **os.environ},
        )
        self._child = Child.start(spec)
        client = await connected_when_ready(self, self.address, START_TIMEOUT_S, Client.count_workflows)
        await prepare_namespace(client)
        return client


async def connected_when_ready(
    server: ChildHandle, address: str, limit_s: float, prove: Callable[[Client], Awaitable[object]]
) -> Client:
    """Return a client of a server that was just started, once `prove` succeeds; StackError when it ends or is late."""
    deadline = time.monotonic() + limit_s
    child = server.child
    assert child is not None
    while time.monotonic() < deadline:
        if child.exit_code is not None:
            raise StackError(f"Temporal stopped at start: {child.last_words()} (log: {child.spec.log})")
        with contextlib.suppress(RPCError, RuntimeError, OSError):
            client = await Client.connect(address, namespace=NAMESPACE)
            await prove(client)
            return client
        await asyncio.sleep(0.1)
    await server.kill()
    raise StackError(f"Temporal did not get ready within {limit_s:.0f} s; see {child.spec.log}.")


def command_line(options: DevServerOptions) -> Sequence[str]:
    """The command, with each setting said once and in a stable order."""
    ui = ["--headless"] if options.ui_port is None else ["--ui-port", str(options.ui_port)]
    return [
        *(str(options.binary), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(options.port), *ui),
        *("--db-filename", str(options.database), "--namespace", NAMESPACE, "--log-level", "warn"),
        *server_arguments(options.dynamic_config, options.pragmas),
    ]


def server_arguments(
    dynamic_config: Mapping[str, object] | None = None, pragmas: Mapping[str, str] | None = None
) -> Sequence[str]:
    """Dynamic configuration, pragmas and search attributes as flags; ours when none are given."""
    arguments: list[str] = []
    for key, value in (DYNAMIC_CONFIG if dynamic_config is None else dynamic_config).items():
        arguments += ["--dynamic-config-value", f"{key}={json.dumps(value)}"]
    for key, value in (SQLITE_PRAGMAS if pragmas is None else pragmas).items():
        arguments += ["--sqlite-pragma", f"{key}={value}"]
    for attribute in SEARCH_ATTRIBUTES:
        arguments += ["--search-attribute", f"{attribute.name}={_type_name(attribute.indexed_value_type)}"]
    return arguments


async def prepare_namespace(client: Client) -> None:
    """Give our own server's namespace what an older database lacks."""
    await ensure_search_attributes(client)
    await _ensure_retention(client)


async def _ensure_retention(client: Client) -> None:
    """The dev server creates its namespace with one day, after which closed payments vanish from the UI."""
    service = client.workflow_service
    described = await service.describe_namespace(DescribeNamespaceRequest(namespace=NAMESPACE))
    if described.config.workflow_execution_retention_ttl.ToTimedelta() < RETENTION:
        ttl = Duration(seconds=int(RETENTION.total_seconds()))
        config = NamespaceConfig(workflow_execution_retention_ttl=ttl)
        await service.update_namespace(UpdateNamespaceRequest(namespace=NAMESPACE, config=config))


@contextlib.asynccontextmanager
async def time_skipping_environment(test_server: Path) -> AsyncIterator[WorkflowEnvironment]:
    """The Java test server: days pass in milliseconds. Its clock is global, so one test at a time."""
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(test_server), test_server_startup_timeout=timedelta(seconds=START_TIMEOUT_S)
    )
    async with environment:
        await environment.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=environment.client.namespace,
                search_attributes={
                    key.name: IndexedValueType.ValueType(int(key.indexed_value_type)) for key in SEARCH_ATTRIBUTES
                },
            )
        )
        yield environment


def _type_name(kind: int) -> str:
    """`INDEXED_VALUE_TYPE_KEYWORD` as the command line wants it: `Keyword`."""
    return IndexedValueType.Name(IndexedValueType.ValueType(int(kind))).removeprefix("INDEXED_VALUE_TYPE_").title()
