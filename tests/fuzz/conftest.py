"""One stack of real processes for the fuzzers: nothing on it is slow, limited or left to chance.

Hypothesis and schemathesis are synchronous, so they run in a thread beside the event loop that owns the stack.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Final

import pytest

from clearway.dev import toolchain
from clearway.dev.ports import Ports
from clearway.dev.postgres import THROWAWAY_SETTINGS
from clearway.dev.reporting import SilentReporter
from clearway.dev.stack import Stack, StackOptions

PLAIN: Final = {
    "TEST_PAYMENT_SUCCESS": "true",
    "TEST_PROCESSING_DELAY": "0",
    "WEBHOOK_RETRY_INTERVALS_TEST": "true",
    "PAYMENT_POLL_INTERVALS_S": "1,1,2",
    "GATEWAY_TIMEOUT_S": "5",
    "RATE_LIMIT_ADDRESS": "1000000/minute",
    "RATE_LIMIT_MERCHANT": "1000000/minute",
}
SERVICES: Final = frozenset({"simulator", "api", "worker"})
EXAMPLES_VARIABLE: Final = "FUZZ_EXAMPLES"


@pytest.fixture(scope="package")
def fuzz_examples() -> int | None:
    """Read how much to try instead of the budget of CI; with it the seed is a fresh one each time."""
    chosen = os.environ.get(EXAMPLES_VARIABLE)
    return int(chosen) if chosen else None


@pytest.fixture(scope="package")
async def fuzz_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Run a stack that decides every payment in its first answer."""
    options = StackOptions(
        state_dir=tmp_path_factory.mktemp("fuzz"),
        ports=Ports.free(),
        env=PLAIN,
        services=SERVICES,
        temporal_binary=await toolchain.find_temporal(SilentReporter()),
        temporal_ui=False,
        postgres_settings=THROWAWAY_SETTINGS,
    )
    async with Stack(options) as stack:
        yield stack
