"""The database put back to an earlier moment, and what an operator does then. `excuses` says what that excuses."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from clearway.recovery.rebuilding import Rebuilt
from tests.fire.gauntlet.past import Restore, operations_listed
from tests.fire.gauntlet.plan import Terms
from tests.fire.gauntlet.site import Site
from tests.support.database_copy import copy_database, put_database_back

ROUNDS_MAX: Final = 20
ROUND_S: Final = 5.0
BEFORE: Final = timedelta(minutes=1)
SETTLED: Final = (Rebuilt.IMPOSSIBLE, Rebuilt.ENDED, Rebuilt.REFUSED)
"""What the report says of an operation that can't be rebuilt: it is a person's from then on."""


async def restore(site: Site, terms: Terms, revive: Callable[[Site, str], Any]) -> None:
    """Copy the database, let business go on, and put the copy back."""
    async with forgetting(site, revive):
        await asyncio.sleep(terms["age_s"])


@asynccontextmanager
async def forgetting(site: Site, revive: Callable[[Site, str], Any]) -> AsyncIterator[None]:
    """Copy the database, and put the copy back at the end of the block."""
    copy = Path(site.stack.state_dir) / f"copy-{len(site.restores)}"
    await copy_database(site.stack, copy)
    this, seen = Restore(_now()), len(site.ledgers_seen)
    await revive(site, "postgres")
    yield
    await put_database_back(site.stack, copy)
    this.put_back = _now()
    del site.ledgers_seen[seen:]  # what they show may be forgotten; the looks before the copy still count
    site.restores.append(this)
    await revive(site, "postgres")


async def act_as_operator(site: Site, say: Callable[[str], None]) -> None:
    """Do as the runbook says after a restore: run `clearway recover` until it has nothing left to rebuild."""
    if not site.restores:
        return
    since = datetime.fromtimestamp(min(each.copied[1] for each in site.restores), tz=UTC) - BEFORE
    for _ in range(ROUNDS_MAX):
        found = await _recover(site, since)
        site.listed = operations_listed(found)
        left = [key for key, each in site.listed.items() if each.rebuilt not in SETTLED]
        say(f"clearway recover: {found['taken_up']} taken up, {len(left)} being rebuilt, {len(site.listed)} listed")
        if not left:
            return
        await asyncio.sleep(ROUND_S)


async def _recover(site: Site, since: datetime) -> dict[str, Any]:
    command = [sys.executable, "-m", "clearway.cli", "recover", "--json", "--since", since.isoformat()]
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **site.stack.environment()}, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return dict(json.loads(output))


def _now() -> tuple[float, float]:
    return time.monotonic(), time.time()
