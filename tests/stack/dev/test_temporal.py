"""Temporal's servers, started as we start them: what our workflows need is there, and time is as fine as we say."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from clearway.dev import toolchain
from clearway.dev.ports import Ports
from clearway.dev.reporting import SilentReporter
from clearway.dev.temporal import DevServer, DevServerOptions, time_skipping_environment
from clearway.durable.search_attributes import SEARCH_ATTRIBUTES


@workflow.defn
class Wait:
    """Waits."""

    @workflow.run
    async def run(self, seconds: float) -> None:
        """Wait for that long."""
        await workflow.sleep(seconds)


async def wait_for(client: Client, seconds: float) -> float:
    """Run one wait with a worker of its own; returns the seconds it really took."""
    async with Worker(client, task_queue="dev", workflows=[Wait], workflow_runner=UnsandboxedWorkflowRunner()):
        started = time.monotonic()
        await client.execute_workflow(Wait.run, seconds, id=f"wait-{seconds}", task_queue="dev")
        return time.monotonic() - started


async def attributes_of(client: Client) -> set[str]:
    """The search attributes that the server knows."""
    request = ListSearchAttributesRequest(namespace=client.namespace)
    return set((await client.operator_service.list_search_attributes(request)).custom_attributes)


@pytest.fixture
async def options(tmp_path: Path, temporal_binary: Path) -> DevServerOptions:
    """A dev server with a database of its own, on free ports."""
    ports = Ports.free()
    return DevServerOptions(
        binary=temporal_binary,
        database=tmp_path / "temporal.db",
        log=tmp_path / "temporal.log",
        port=ports.temporal,
        ui_port=None,
    )


@pytest.fixture
async def server(options: DevServerOptions) -> AsyncIterator[DevServer]:
    """Run it."""
    server = DevServer(options)
    yield server
    await server.stop()


async def test_workflows_outlive_a_kill_and_attributes_are_added_later(server: DevServer) -> None:
    """A database file from an older version gets what it lacks, and keeps its workflows."""
    client = await server.start()
    handle = await client.start_workflow(Wait.run, 3600.0, id="kept", task_queue="dev")
    assert await attributes_of(client) == {attribute.name for attribute in SEARCH_ATTRIBUTES}
    await server.kill()
    client = await server.start()
    assert (await client.get_workflow_handle(handle.id).describe()).id == "kept"


async def test_closed_workflows_are_kept_for_a_week(server: DevServer) -> None:
    """The namespace keeps closed workflows for a week, not for the dev server's one day."""
    client = await server.start()
    described = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="default"))
    assert described.config.workflow_execution_retention_ttl.ToTimedelta() >= timedelta(days=7)


async def test_a_short_wait_is_short(server: DevServer) -> None:
    """Without our settings a wait of 0.2 s takes a whole second (ADR 0002)."""
    client = await server.start()
    assert await wait_for(client, 0.2) < 0.8


async def test_days_pass_in_the_time_skipping_server() -> None:
    """Days pass in milliseconds, so that tests can use the real deadlines."""
    binary = await toolchain.find_test_server(SilentReporter())
    async with time_skipping_environment(binary) as environment:
        assert await wait_for(environment.client, 3 * 24 * 3600.0) < 20
