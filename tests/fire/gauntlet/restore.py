"""The database put back to an earlier moment, what an operator does then, and what the verdict may excuse.

What the restored database forgot is excused only where it can be nowhere else: answers that clients of that time got,
webhooks of that time, and charges that `clearway recover` lists. Everything that is in our rows must agree as ever.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tests.fire.gauntlet.case import Case
from tests.fire.gauntlet.client import Told
from tests.fire.gauntlet.plan import Terms
from tests.fire.gauntlet.site import Restore, Site
from tests.support.database_copy import copy_database, put_database_back

ROUNDS_MAX: Final = 20
ROUND_S: Final = 5.0
BEFORE: Final = timedelta(minutes=1)
SETTLED: Final = ("nothing of it", "its row has ended", "its order or payment")
"""How the report begins for an operation that can't be rebuilt: it is a person's from then on."""


async def restore(site: Site, terms: Terms, revive: Callable[[Site, str], Any]) -> None:
    """Copy the database, let business go on, and put the copy back."""
    copy = Path(site.stack.state_dir) / f"copy-{len(site.restores)}"
    await copy_database(site.stack, copy)
    this, seen = Restore(_now()), len(site.ledgers_seen)
    await revive(site, "postgres")
    await asyncio.sleep(terms["age_s"])
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
        site.listed = {each["key"]: each["rebuilt"] for each in found["unrecorded"]}
        left = [key for key, rebuilt in site.listed.items() if not str(rebuilt).startswith(SETTLED)]
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


def still_counted(failures: Sequence[str], site: Site) -> list[str]:
    """Return the clients that broke off and were told nothing that was forgotten. Each names its business second."""
    excused = excused_businesses(site)
    return [failure for failure in failures if int(failure.split()[1]) not in excused]


def excused_businesses(site: Site) -> frozenset[int]:
    """Return the businesses that were told something which the database then forgot."""
    return frozenset(told.business for told in site.log if any(r.holds(told.began, told.ended) for r in site.restores))


def excuse(case: Case, site: Site) -> None:
    """Take out of the evidence what cannot be judged any more after a restore. Without a restore: nothing."""
    if not site.restores:
        return
    businesses = excused_businesses(site)
    gone = [told for told in case.told if told.business in businesses]
    case.excused = {thing for told in gone for thing in _things(told)}
    case.told = [told for told in case.told if told.business not in businesses]
    written = {row["id"] for row in case.stack.events}
    case.arrivals = [arrival for arrival in case.arrivals if arrival.webhook_id in written and arrival.verified]
    case.stack.journal = [each for each in case.stack.journal if each["operation_key"] not in site.listed]
    _excuse_deliveries(case, site)


def _things(told: Told) -> list[str]:
    named = [told.answer.get(name) for name in ("id", "payment_id")]
    return [str(name) for name in (*named, *told.path.split("/")[2:3]) if name]


def _excuse_deliveries(case: Case, site: Site) -> None:
    """A delivery whose attempts were forgotten has fewer on record than were made."""
    before = max(each.put_back[1] for each in site.restores)
    for row in case.stack.deliveries:
        if row["status"] == "failed" and row["created_at"].timestamp() <= before:
            row["status"] = "cancelled"  # how many attempts it should have had can't be told any more


def _now() -> tuple[float, float]:
    return time.monotonic(), time.time()
