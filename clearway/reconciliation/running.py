"""Carry a run on by one page: read the page of the present step, write it, and note where the next one begins.

A page of a gateway is read outside any transaction. What it says, the items it leads to and the place of the next page
are written in one transaction, which only the first of several workers can write (`runs.hold`). So a run may be killed
at any point, and two workers may work on it at once.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from clearway.db.engine import each_for_itself
from clearway.db.events import DueDelivery
from clearway.db.reconciliation import items, runs
from clearway.domain.reconciliation import Comparison, Finding, RunStatus, Step, Window
from clearway.gateways.connections import Connection, GatewayConnections
from clearway.gateways.contract import Lists
from clearway.reconciliation import telling
from clearway.recovery.taking_up import Recovery

DAY: Final = timedelta(days=1)
PAGE: Final = 200
RELISTED: Final = timedelta(days=2)
"""How far before its period a run lists again: rows that came late are found, and are not stored twice."""


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Reconciler:
    """The connections of a process that carries runs on. now: the clock."""

    engine: AsyncEngine
    gateways: GatewayConnections
    recovery: Recovery
    now: Callable[[], datetime] = utc_now

    @property
    def reader(self) -> AsyncEngine:
        """The same pool in autocommit."""
        return each_for_itself(self.engine)


@dataclass
class Written:
    """What writing a page led to. cursor: where the next page begins; None: the step is done."""

    cursor: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def of(cls, ids: Sequence[str]) -> Written:
        """Return what a page of these ids leads to: the step goes on after the last of a full page."""
        return cls(ids[-1] if len(ids) == PAGE else None)

    def count(self, name: str, number: int = 1) -> None:
        """Add to a count of the run."""
        if number:
            self.counts[name] = self.counts.get(name, 0) + number


@dataclass(frozen=True)
class Page:
    """The page that is being worked on."""

    run: Row[Any]
    connection: Connection
    reconciler: Reconciler
    now: datetime

    @property
    def lists(self) -> Lists:
        """What the gateway lists, and how late each list may be."""
        return self.connection.gateway.abilities.lists

    def window(self, lag_s: float | None) -> Window:
        """Return the part of time that the run compares of a list with this lag.

        It is the run's period. A list that may be days late is compared for as many days earlier as it needs to be
        complete: the daily runs then compare each of its days once.
        """
        lag = timedelta(seconds=lag_s or 0)
        late_days = math.ceil(lag / DAY) if lag >= DAY else 0
        earlier = max(0, late_days - max(0, (self.now - self.run.until) // DAY)) * DAY
        run = self.run
        return Window(run.gateway_id, run.merchant_id, run.since - earlier, run.until - earlier, self.now - lag)

    async def close_gone(
        self, connection: AsyncConnection, comparison: Comparison, judged: Collection[str], written: Written
    ) -> Sequence[Row[Any]]:
        """Close the open items of judged subjects whose difference was not found; return them."""
        return await items.close_gone(
            connection, self.run, comparison, judged=judged, findings=written.findings, now=self.now
        )


async def nothing(_connection: AsyncConnection) -> Written:
    """Write nothing: the gateway does not have what the step is about."""
    return Written()


Write = Callable[[AsyncConnection], Awaitable[Written]]
Read = Callable[[Page], Awaitable[Write]]
"""Reads what a page needs from the gateway, outside any transaction, and returns what writes it."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands. opened: items by kind that this page opened. due: deliveries of its last event."""

    status: RunStatus
    step: Step
    pages: int
    opened: Mapping[str, int] = field(default_factory=dict)
    due: tuple[DueDelivery, ...] = ()


async def advance(reconciler: Reconciler, merchant_id: str, run_id: str, steps: Mapping[Step, Read]) -> Progress:
    """Carry a run on by one page. Raises GatewayUnavailableError and GatewayUnusableError, with nothing written."""
    async with reconciler.reader.connect() as connection:
        run = await runs.find(connection, merchant_id, run_id)
    if run is None or run.status != RunStatus.RUNNING.value:
        return _progress(run)
    page = Page(run, await reconciler.gateways.get(run.gateway_id), reconciler, reconciler.now())
    write = await steps[Step(run.step)](page)
    async with reconciler.engine.begin() as connection:
        if not await runs.hold(connection, run):
            return _progress(await runs.find(connection, merchant_id, run_id))
        return await _write(connection, page, await write(connection))


async def _write(connection: AsyncConnection, page: Page, written: Written) -> Progress:
    run, now = page.run, page.now
    opened = await items.open_items(connection, run, written.findings, now)
    by_kind: dict[str, int] = {}
    for finding in opened:
        by_kind[finding.kind.value] = by_kind.get(finding.kind.value, 0) + 1
    written.count("items_opened", len(opened))
    step = Step(run.step) if written.cursor is not None else Step(run.step).following
    moved = await runs.move(
        connection, run, step=step, cursor=written.cursor, counts=written.counts, now=page.reconciler.now()
    )
    due = await telling.completed(connection, moved) if step is Step.DONE else []
    return Progress(RunStatus(moved.status), step, moved.pages, by_kind, tuple(due))


def _progress(run: Row[Any] | None) -> Progress:
    if run is None:
        return Progress(RunStatus.FAILED, Step.DONE, 0)
    return Progress(RunStatus(run.status), Step(run.step), run.pages)
