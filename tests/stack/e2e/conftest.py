"""Fixtures of the end-to-end tests: whole stacks of real processes, on which a merchant does business.

One stack runs for all. A test that asks for it as `steady` leaves its processes as they are; as `fragile` it may kill
them, and they are started again afterwards. Every test ends with the invariants of `tests.support.invariants`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from temporalio.client import Client

from clearway.dev import services, toolchain
from clearway.dev.ports import Ports
from clearway.dev.reporting import SilentReporter
from clearway.dev.stack import Stack, StackOptions
from clearway.settings import TEST_API_KEY, TEST_API_SECRET
from tests.stack.e2e.merchant import Merchant
from tests.support.evidence import Witnesses
from tests.support.invariants import assert_sound
from tests.support.other_merchant import OTHER_MERCHANT, add_other_merchant

BRISK = {
    "TEST_PAYMENT_SUCCESS": "true",
    "TEST_PROCESSING_DELAY": "200",
    "WEBHOOK_RETRY_INTERVALS_TEST": "true",
    "PAYMENT_POLL_INTERVALS_S": "2,3,5",
    "GATEWAY_TIMEOUT_S": "5",
    "MAINTENANCE_EVERY_S": "5",
    "RECOVERY_AFTER_S": "4",
    "WEBHOOK_TIMEOUT_S": "6",
    "OVERLOAD_TARGET_MS": "0",
    "RATE_LIMIT_ADDRESS": "100000/minute",
    "RATE_LIMIT_FAILED_LOGINS": "100000/minute",
    "RATE_LIMIT_MERCHANT": "100000/minute",
}
CRASHABLE = {"fsync": "off", "synchronous_commit": "on"}
"""A process that is killed loses nothing that was committed; only the machine's own crash would."""
RECOVERY_S = 120.0
"""A call whose worker died is given up after 10 s (`brisk_worker`), and may have been the first of several."""


class BriskStack(Stack):
    """A stack with a worker that is patient with the dead for a shorter time."""

    @staticmethod
    def program(name: str, ports: Ports, temporal: Client) -> services.Program:
        """Run `brisk_worker` in the worker's place."""
        found = services.program(name, ports, temporal)
        return replace(found, arguments=["-m", "tests.stack.e2e.brisk_worker"]) if name == "worker" else found


@dataclass
class Site:
    """A stack, the merchant who does business on it, and the witnesses of what happened."""

    stack: Stack
    merchant: Merchant
    witnesses: Witnesses
    terminated: int = 0
    """Workflows that tests ended by force: they count as failed."""

    async def terminate(self, workflow_id: str) -> None:
        """End a workflow by force, as a button of the Temporal UI does."""
        await self.stack.temporal.get_workflow_handle(workflow_id).terminate("a test")
        self.terminated += 1

    async def restore(self) -> None:
        """Start what is down, so that a test that failed half-way leaves a stack to the next one."""
        for name, service in self.stack.supervisor.services.items():
            if service.child is None or service.child.exit_code is not None:
                await self.stack.start(name)
        await self.merchant.faults()

    async def judge(self, *, limit_s: float = 60.0) -> None:
        """Fail unless, after quiet, every invariant holds and no workflow has failed."""
        await assert_sound(self.witnesses, limit_s=limit_s)
        jobs = await self.merchant.read("/test/jobs/status")
        assert jobs["failed"] <= self.terminated, jobs

    async def behave(self, mode: str, **more: object) -> None:
        """Tell the receiving merchant how to answer its next webhooks."""
        url = f"{self.stack.receiver_url}/behaviour"
        (await self.merchant.gateway.post(url, json={"mode": mode, **more})).raise_for_status()


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Site]:
    """Run a whole stack."""
    options = StackOptions(
        state_dir=folder,
        ports=Ports.free(),
        env=BRISK,
        temporal_binary=await toolchain.find_temporal(SilentReporter()),
        temporal_ui=False,
        postgres_settings=CRASHABLE,
    )
    async with BriskStack(options) as stack:
        merchant = Merchant.of(stack.api_url, stack.simulator_url, TEST_API_KEY, TEST_API_SECRET)
        witnesses = Witnesses(stack.database_url, stack.simulator_url, stack.receiver_url)
        try:
            yield Site(stack, merchant, witnesses)
        finally:
            await asyncio.gather(merchant.aclose(), witnesses.aclose())


@pytest.fixture(scope="package")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Run the stack of all tests."""
    async with running(tmp_path_factory.mktemp("stack")) as site:
        yield site


@pytest.fixture
async def steady(site: Site) -> AsyncIterator[Site]:
    """Give a test the stack to leave as it is, and judge it afterwards."""
    await site.witnesses.begin()
    yield site
    await site.merchant.faults()
    await site.judge()


@pytest.fixture
async def merchant(steady: Site) -> Merchant:
    """Do business on the steady stack."""
    return steady.merchant


@pytest.fixture
async def rival(steady: Site) -> AsyncIterator[Merchant]:
    """Give a second merchant, with credentials of their own."""
    await add_other_merchant(steady.stack.database_url)
    stack, theirs = steady.stack, OTHER_MERCHANT
    merchant = Merchant.of(stack.api_url, stack.simulator_url, theirs.api_key, theirs.api_secret)
    yield merchant
    await merchant.aclose()


@pytest.fixture
async def fragile(site: Site) -> AsyncIterator[Site]:
    """Give a test the stack to break, and judge it when it runs again."""
    await site.witnesses.begin()
    yield site
    await site.restore()
    await site.judge(limit_s=RECOVERY_S)
