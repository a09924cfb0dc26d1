"""The Temporal server proper as our own child: its four services in one process, Postgres beneath, several shards.

What a cluster runs, at the size of one machine: for measurements and for finding out what the dev server hides. It has
no UI. The dev server (`clearway.dev.temporal`) stays what `clearway dev` starts by itself.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from clearway.dev import temporal_config, temporal_schema
from clearway.dev.child import Child, ChildHandle, ChildSpec
from clearway.dev.errors import StackError
from clearway.dev.ports import HOST, is_free
from clearway.dev.server_build import ServerBinaries
from clearway.dev.temporal import NAMESPACE, RETENTION, connected_when_ready
from clearway.dev.temporal_config import SERVER_DYNAMIC_CONFIG, SERVICES, ServerLayout
from clearway.durable.search_attributes import ensure_search_attributes

START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 20.0
INNER_PORTS: Final = range(20_000, 32_000)
"""The server keeps its own ports in a column of 16 bits with a sign."""


@dataclass(frozen=True, kw_only=True)
class TemporalServerOptions:
    """Where the server listens and keeps its data.

    `socket_dir` is the folder of the Unix socket of a Postgres that runs. `shards` can't be changed once the databases
    exist. `env` goes to the server and wins over our own environment: GOGC, GOMAXPROCS.
    """

    binaries: ServerBinaries
    socket_dir: Path
    folder: Path
    log: Path
    port: int = 7233
    shards: int = 16
    dynamic_config: Mapping[str, object] = field(default_factory=lambda: SERVER_DYNAMIC_CONFIG)
    env: Mapping[str, str] = field(default_factory=dict)


class TemporalServer(ChildHandle):
    """`temporal-server start` for one machine. Its databases keep every workflow when it ends."""

    def __init__(self, options: TemporalServerOptions) -> None:
        super().__init__()
        self.options = options
        self.address = f"{HOST}:{options.port}"

    async def start(self) -> Client:
        """Prepare the databases, start it, prepare its namespace; returns a client that is connected."""
        self._require_same_shards()
        own = self.options
        schema_log = own.log.with_name("temporal-schema.log")
        await temporal_schema.prepare(own.binaries, own.socket_dir, schema_log)
        await temporal_schema.forget_members(own.socket_dir)
        temporal_config.write(own.folder, self._layout(), own.dynamic_config)
        self._child = Child.start(self._spec())
        return await connected_when_ready(self, self.address, START_TIMEOUT_S, _prepare)

    def _require_same_shards(self) -> None:
        """The server would go on with the number it was created with, and say so only in its log."""
        created_with = temporal_config.shards_of(self.options.folder)
        if created_with not in {None, self.options.shards}:
            raise StackError(
                f"Temporal's databases were created with {created_with} history shards, which can't be changed: "
                f"ask for {created_with}, or use another state folder."
            )

    def _layout(self) -> ServerLayout:
        frontend, *inner = SERVICES
        free = _free_ports(len(inner) + len(SERVICES))
        return ServerLayout(
            socket_dir=self.options.socket_dir,
            shards=self.options.shards,
            rpc_ports={frontend: self.options.port, **dict(zip(inner, free, strict=False))},
            membership_ports=dict(zip(SERVICES, free[len(inner) :], strict=True)),
        )

    def _spec(self) -> ChildSpec:
        own = self.options
        where = ["--root", "/", "--config", str(own.folder), "--env", temporal_config.ENVIRONMENT, "--allow-no-auth"]
        return ChildSpec(
            name="temporal",
            argv=[str(own.binaries.server), *where, "start"],
            log=own.log,
            env={**os.environ, **own.env},
            stop_timeout_s=STOP_TIMEOUT_S,
        )


async def _prepare(client: Client) -> None:
    """It is ready when our namespace can be read: a new one is known to every service only after a moment."""
    await _ensure_namespace(client)
    await ensure_search_attributes(client)
    await client.count_workflows()


async def _ensure_namespace(client: Client) -> None:
    """Register our namespace; the dev server does so by itself."""
    ttl = Duration(seconds=int(RETENTION.total_seconds()))
    request = RegisterNamespaceRequest(namespace=NAMESPACE, workflow_execution_retention_period=ttl)
    try:
        await client.workflow_service.register_namespace(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise


def _free_ports(count: int) -> list[int]:
    """Ports between the server's own services, which nobody else has to know."""
    candidates = random.sample(INNER_PORTS, len(INNER_PORTS))
    return list(itertools.islice(filter(is_free, candidates), count))
