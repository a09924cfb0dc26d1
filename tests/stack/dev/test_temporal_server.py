"""The Temporal server proper: payments live through its death, and its shards are what was asked for.

Skipped where it was never built and can't be built in seconds: `python -m clearway.dev.toolchain --server` builds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, GetClusterInfoRequest

from clearway.dev import cli_build, server_build
from clearway.dev.builds import SourceUnavailableError, Step
from clearway.dev.errors import StackError
from clearway.dev.ports import Ports
from clearway.dev.stack import Stack, StackOptions
from clearway.settings import TEST_API_KEY, TEST_API_SECRET
from tests.stack.e2e.merchant import Merchant
from tests.support.evidence import Witnesses
from tests.support.invariants import assert_sound

BUILD_LIMIT_S = 90.0
"""Go keeps what the CLI was built of; then the rest takes 20 seconds."""
PAYMENTS = 8
DELAY_MS = 3_000
"""How long the gateway is busy with each: the server dies in between."""


@pytest.fixture
async def built(step: Step) -> None:
    """Have the server, or skip: nobody's test run waits for six minutes."""
    if server_build.cached().exist():
        return
    if not cli_build.cached().exists():
        pytest.skip("no Temporal server here: `python -m clearway.dev.toolchain --server` builds it")
    try:
        await server_build.build(step, timeout_s=BUILD_LIMIT_S)
    except SourceUnavailableError as error:
        pytest.skip(f"`python -m clearway.dev.toolchain --server` builds the Temporal server; it did not here: {error}")


@pytest.fixture
def options(built: None, tmp_path: Path) -> StackOptions:
    """Describe a whole stack on the server proper."""
    return StackOptions(
        state_dir=tmp_path / "state",
        ports=Ports.free(),
        env={"TEST_PROCESSING_DELAY": str(DELAY_MS), "TEST_PAYMENT_SUCCESS": "true"},
        postgres_settings={"fsync": "off"},
        temporal_server="postgres",
        temporal_shards=4,
    )


@pytest.fixture
async def stack(options: StackOptions) -> AsyncIterator[Stack]:
    """Run it."""
    async with Stack(options) as stack:
        yield stack


@pytest.fixture
async def merchant(stack: Stack) -> AsyncIterator[Merchant]:
    """Do business on it."""
    merchant = Merchant.of(stack.api_url, stack.simulator_url, TEST_API_KEY, TEST_API_SECRET)
    yield merchant
    await merchant.aclose()


@pytest.fixture
async def witnesses(stack: Stack) -> AsyncIterator[Witnesses]:
    """Have what happened seen by others."""
    witnesses = Witnesses(stack.database_url, stack.simulator_url, stack.receiver_url)
    await witnesses.begin()
    yield witnesses
    await witnesses.aclose()


async def test_payments_in_flight_live_through_the_death_of_the_server(
    stack: Stack, merchant: Merchant, witnesses: Witnesses
) -> None:
    """Every payment that was recorded before kill -9 ends in one charge and one success after the restart."""
    made = await asyncio.gather(*(merchant.pay(3_000 + number) for number in range(PAYMENTS)))
    await stack.kill("temporal")
    assert "pending" in {(await merchant.read(f"/payments/{payment['id']}"))["status"] for payment in made}
    await stack.start("temporal")
    for payment in made:
        await merchant.until(payment, "success")
        assert await merchant.charged(payment) == [payment["amount"]]
    await assert_sound(witnesses)


async def test_it_is_what_was_asked_for_and_stays_so(options: StackOptions) -> None:
    """As many shards as were asked for, on Postgres, closed payments kept for a week; later only the same shards."""
    bare = replace(options, services=frozenset(), prepare_database=False)
    async with Stack(bare) as stack:
        service = stack.temporal.workflow_service
        cluster = await service.get_cluster_info(GetClusterInfoRequest())
        assert (cluster.history_shard_count, cluster.persistence_store) == (4, "postgres12")
        described = await service.describe_namespace(DescribeNamespaceRequest(namespace="default"))
        assert described.config.workflow_execution_retention_ttl.ToTimedelta().days == 7
        assert stack.temporal_ui_url is None
    with pytest.raises(StackError, match="created with 4 history shards"):
        async with Stack(replace(bare, temporal_shards=8)):
            pytest.fail("it must not start")


async def test_a_database_of_others_is_refused(options: StackOptions) -> None:
    """The server's databases are only created on the embedded Postgres, not on another's server."""
    elsewhere = replace(options, database_url="postgresql+asyncpg://localhost/theirs", prepare_database=False)
    with pytest.raises(StackError, match="unset DATABASE_URL"):
        async with Stack(elsewhere):
            pytest.fail("it must not start")
