"""One stack of real processes for the fuzzers: nothing on it is slow, limited or left to chance.

Hypothesis and schemathesis are synchronous, so they run in a thread beside the event loop that owns the stack.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import pytest

from clearway.dev import toolchain
from clearway.dev.ports import Ports
from clearway.dev.postgres import THROWAWAY_SETTINGS
from clearway.dev.reporting import SilentReporter
from clearway.dev.stack import Stack, StackOptions
from clearway.settings import TEST_API_KEY, TEST_API_SECRET
from tests.fire.fuzz.contract import Report, examine
from tests.fire.fuzz.document import known_document
from tests.support.other_merchant import OTHER_MERCHANT, add_other_merchant

PLAIN: Final = {
    "TEST_PAYMENT_SUCCESS": "true",
    "TEST_PROCESSING_DELAY": "0",
    "WEBHOOK_RETRY_INTERVALS_TEST": "true",
    "PAYMENT_POLL_INTERVALS_S": "1,1,2",
    "GATEWAY_TIMEOUT_S": "5",
    "OVERLOAD_TARGET_MS": "0",
    "RATE_LIMIT_ADDRESS": "1000000/minute",
    "RATE_LIMIT_WEBHOOK_RETRIES": "1000000/minute",
    "RATE_LIMIT_FAILED_LOGINS": "1000000/minute",
    "RATE_LIMIT_MERCHANT": "1000000/minute",
}
SERVICES: Final = frozenset({"simulator", "api", "worker"})
CI_SEED: Final = 20_261
EXAMPLES: Final = 2
KEY: Final = {"X-Api-Key": TEST_API_KEY, "X-Api-Secret": TEST_API_SECRET}


@dataclass(frozen=True)
class Budget:
    """How much is tried, and from which seed. examples None: what each fuzzer tries in CI."""

    seed: int
    examples: int | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """Read FUZZ_EXAMPLES and FUZZ_SEED. More examples than CI's without a seed get a fresh one."""
        examples, seed = os.environ.get("FUZZ_EXAMPLES"), os.environ.get("FUZZ_SEED")
        fresh = random.SystemRandom().randrange(2**31) if examples else CI_SEED
        return cls(int(seed) if seed else fresh, int(examples) if examples else None)

    def __str__(self) -> str:
        """Return the command that tries the same again."""
        examples = f"FUZZ_EXAMPLES={self.examples} " if self.examples else ""
        return f"again with: {examples}FUZZ_SEED={self.seed} pytest tests/fire/fuzz"


BUDGET: Final = Budget.from_environment()


def pytest_report_header() -> str:
    """Say the seed at once: a run that hangs or is broken off can be made again too."""
    return f"fuzz: {BUDGET}"


@pytest.fixture(scope="package")
def fuzz_budget() -> Budget:
    """Give how much to try instead of the budget of CI."""
    return BUDGET


@asynccontextmanager
async def plain_stack(state_dir: Path) -> AsyncIterator[Stack]:
    """Run a stack that decides every payment in its first answer."""
    options = StackOptions(
        state_dir=state_dir,
        ports=Ports.free(),
        env=PLAIN,
        services=SERVICES,
        temporal_binary=await toolchain.find_temporal(SilentReporter()),
        temporal_ui=False,
        postgres_settings=THROWAWAY_SETTINGS,
    )
    async with Stack(options) as stack:
        yield stack


@pytest.fixture(scope="package")
async def fuzz_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Run one for all fuzzers."""
    async with plain_stack(tmp_path_factory.mktemp("fuzz")) as stack:
        yield stack


@pytest.fixture(scope="package")
async def untouched_key(fuzz_stack: Stack) -> dict[str, str]:
    """Add a merchant whose settings, routing and gateways no fuzzer changes, and return its key as headers."""
    await add_other_merchant(fuzz_stack.database_url)
    return {"X-Api-Key": OTHER_MERCHANT.api_key, "X-Api-Secret": OTHER_MERCHANT.api_secret}


@pytest.fixture(scope="package")
async def report(fuzz_stack: Stack, fuzz_budget: Budget) -> Report:
    """Examine the whole API once, with a key."""
    budget = {"examples": fuzz_budget.examples or EXAMPLES, "seed": fuzz_budget.seed}
    return await asyncio.to_thread(examine, known_document(), fuzz_stack.api_url, KEY, **budget)
