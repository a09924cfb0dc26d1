"""Starts Temporal again when it lives and does not answer any more, as a liveness probe does in a cluster.

The dev server keeps its data in SQLite on one connection. Under overload a cancelled query can leave that connection
interrupted for good: every call fails until the process is started again. What was promised is on disk and goes on. It
is in the report, because the nemesis did not cause it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from temporalio.service import RPCError

from tests.fire.gauntlet.nemesis import Nemesis
from tests.fire.gauntlet.site import Site
from tests.fire.gauntlet.strikes import revive

LOOK_EVERY_S: Final = 5.0
SILENT_LOOKS: Final = 6
"""So many unanswered looks in a row, half a minute with their timeouts: longer than any strike keeps Temporal down."""
ANSWER_TIMEOUT: Final = timedelta(seconds=4)


async def watch_temporal(site: Site, nemesis: Nemesis, note: Callable[[str], None]) -> None:
    """Look after Temporal until cancelled."""
    silent = 0
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        silent = 0 if await _answers(site) else silent + 1
        if silent < SILENT_LOOKS:
            continue
        async with nemesis.lane("temporal"):
            if not await _answers(site):  # a strike that was waited for may have mended it
                note(f"Temporal lived and did not answer {silent} times: started again")
                await site.stack.kill("temporal")
                await revive(site, "temporal")
        silent = 0


async def _answers(site: Site) -> bool:
    with contextlib.suppress(RPCError, RuntimeError, TimeoutError):
        async with asyncio.timeout(ANSWER_TIMEOUT.total_seconds() + 1):
            await site.stack.temporal.count_workflows(rpc_timeout=ANSWER_TIMEOUT)
            return True
    return False
