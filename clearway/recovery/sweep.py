"""The sweep: every open payment and refund must have a running workflow.

Rows not written for a while are compared with the running workflows in Temporal, some hundreds in one request. Only
rows without one cost a further request each. Each round is bounded; `more` asks for another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from temporalio.service import RPCError, RPCStatusCode

from clearway.db import across_merchants
from clearway.db.across_merchants import OpenRow
from clearway.durable.messages import CHECK_RECORD, payment_workflow_id, refund_workflow_id
from clearway.recovery.taking_up import Recovery, Taken
from clearway.recovery.visibility import seen_running

PAGE: Final = 1_000
TAKEN_UP_MAX: Final = 500
"""In one round, so that it ends within a minute or two also after all of Temporal's store was lost."""
AT_ONCE: Final = 20


class Why(StrEnum):
    """Why the sweep found a payment or refund."""

    NO_WORKFLOW = "no running workflow"
    BEHIND = "its workflow has another status"
    """The database or Temporal was restored to an earlier moment, or one lags behind the other."""


@dataclass(frozen=True)
class Found:
    """A payment or refund that the sweep acts on."""

    kind: str
    id: str
    merchant_id: str
    status: str
    untouched_since: datetime
    why: Why


@dataclass
class Swept:
    """The result of one round. taken_up: new runs by kind. failed: what could not be restarted, and why."""

    looked_at: int = 0
    found: list[Found] = field(default_factory=list)
    taken_up: dict[str, int] = field(default_factory=dict)
    checked: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    more: bool = False


@dataclass(frozen=True)
class _Kind:
    name: str
    rows: Callable[..., Awaitable[list[OpenRow]]]
    workflow_id: Callable[[str], str]


KINDS: Final = (
    _Kind("payment", across_merchants.open_payments, payment_workflow_id),
    _Kind("refund", across_merchants.open_refunds, refund_workflow_id),
)


async def sweep(recovery: Recovery, untouched_since: datetime, *, dry_run: bool = False) -> Swept:
    """Start a run where none runs, and signal workflows whose status differs to check their row."""
    swept = Swept()
    for kind in KINDS:
        after = ""
        while not swept.more:
            async with recovery.reader.connect() as connection:
                rows = await kind.rows(connection, untouched_since, after=after, limit=PAGE)
            if not rows:
                break
            after = rows[-1].id
            await _page(recovery, kind, rows, swept, dry_run=dry_run)
            swept.more = len(swept.found) >= TAKEN_UP_MAX
    return swept


async def _page(recovery: Recovery, kind: _Kind, rows: Sequence[OpenRow], swept: Swept, *, dry_run: bool) -> None:
    swept.looked_at += len(rows)
    seen = await seen_running(recovery.client, [kind.workflow_id(row.id) for row in rows])
    acting = asyncio.Semaphore(AT_ONCE)

    async def act(row: OpenRow) -> None:
        workflow_id = kind.workflow_id(row.id)
        shown = seen.get(workflow_id, row.status)
        if workflow_id in seen and shown in {None, row.status}:
            return
        why = Why.BEHIND if workflow_id in seen else Why.NO_WORKFLOW
        found = Found(kind.name, row.id, row.merchant_id, row.status, row.untouched_since, why)
        async with acting:
            if dry_run:
                await _look(recovery, workflow_id, found, swept)
            else:
                await _act(recovery, workflow_id, found, swept)

    await asyncio.gather(*map(act, rows))


async def _look(recovery: Recovery, workflow_id: str, found: Found, swept: Swept) -> None:
    """A dry run starts nothing, so it asks Temporal about each one."""
    if found.why is Why.BEHIND or not await _runs(recovery, workflow_id):
        swept.found.append(found)


async def _act(recovery: Recovery, workflow_id: str, found: Found, swept: Swept) -> None:
    try:
        if found.why is Why.BEHIND:
            await recovery.client.get_workflow_handle(workflow_id).signal(CHECK_RECORD)
            swept.checked += 1
            swept.found.append(found)
        elif await recovery.take_up(found.id) is Taken.STARTED:
            swept.taken_up[found.kind] = swept.taken_up.get(found.kind, 0) + 1
            swept.found.append(found)
    except Exception as error:  # noqa: BLE001 - one that can't be taken up must not hold up the others; it is reported
        swept.failed[found.id] = f"{type(error).__name__}: {error}"


async def _runs(recovery: Recovery, workflow_id: str) -> bool:
    try:
        described: Any = await recovery.client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return described.close_time is None
