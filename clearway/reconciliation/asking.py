"""Reconciliation for the API and the command line: start, read, list and resolve, on behalf of one merchant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.pages import PageRequest
from clearway.db.reconciliation import items, runs
from clearway.db.reconciliation.items import Wanted
from clearway.domain.actor import Actor
from clearway.domain.errors import NotFoundError
from clearway.domain.reconciliation import ItemState
from clearway.domain.resources import ReconciliationItemResource, ReconciliationResource
from clearway.durable.messages import ReconciliationInput
from clearway.durable.reconciliation import start_reconciliation
from clearway.gateway_configs.finding import find
from clearway.reconciliation import commands, days
from clearway.reconciliation.commands import Period
from clearway.reconciliation.showing import item_resource, run_resource
from clearway.services import Services


async def period_of(
    services: Services,
    merchant_id: str,
    gateway_id: str,
    *,
    date: date | None,
    since: datetime | None,
    until: datetime | None,
) -> Period:
    """Return the period that a request names. Raises NotFoundError for a gateway that the merchant does not have."""
    gateway = await find(services, merchant_id, gateway_id)
    if date is None:
        assert since is not None, "checked by the request's schema"
        assert until is not None, "checked by the request's schema"
        return Period(since, until)
    return days.day_of(gateway.settings, date.isoformat())


async def start(
    services: Services, actor: Actor, gateway_id: str, run_id: str, period: Period
) -> ReconciliationResource:
    """Record a run and start its workflow. Safe to repeat with the same id. Raises ConflictError and others."""
    now = datetime.now(UTC)
    period.check(now)
    async with services.engine.begin() as connection:
        run = await commands.start(connection, actor, gateway_id, run_id, period, now=now)
        shown = await _shown(connection, run)
    await start_reconciliation(services.temporal, ReconciliationInput(run_id, actor.merchant_id))
    return shown


async def find_run(services: Services, merchant_id: str, run_id: str) -> ReconciliationResource:
    """Return a run. Raises NotFoundError."""
    async with services.reader.connect() as connection:
        run = await runs.find(connection, merchant_id, run_id)
        if run is None:
            raise NotFoundError("reconciliation_not_found", f"You have no reconciliation {run_id!r}.")
        return await _shown(connection, run)


async def list_runs(
    services: Services, merchant_id: str, page: PageRequest, gateway_id: str | None
) -> tuple[Sequence[ReconciliationResource], str | None]:
    """Return a page of runs and the cursor of the next."""
    async with services.reader.connect() as connection:
        found = await runs.listed(connection, merchant_id, page, gateway_id=gateway_id)
        opened = await items.open_by_kind(connection, merchant_id, [run.id for run in found.rows])
    return [run_resource(run, opened[run.id]) for run in found.rows], found.next_cursor


async def list_items(
    services: Services, merchant_id: str, page: PageRequest, wanted: Wanted
) -> tuple[Sequence[ReconciliationItemResource], str | None]:
    """Return a page of items and the cursor of the next."""
    async with services.reader.connect() as connection:
        found = await items.listed(connection, merchant_id, page, wanted)
        corrections = await items.corrections_of(connection, merchant_id, [row.id for row in found.rows])
    return [item_resource(row, corrections.get(row.id)) for row in found.rows], found.next_cursor


async def find_item(services: Services, merchant_id: str, item_id: str) -> ReconciliationItemResource:
    """Return an item. Raises NotFoundError."""
    async with services.reader.connect() as connection:
        return await _item(connection, merchant_id, await commands.find_item(connection, merchant_id, item_id))


async def resolve(
    services: Services, actor: Actor, item_id: str, outcome: ItemState, reason: str, *, now: datetime
) -> ReconciliationItemResource:
    """Close an item and return it. Raises NotFoundError and ConflictError."""
    async with services.engine.begin() as connection:
        closed = await commands.resolve(connection, actor, item_id, outcome, reason, now=now)
        return await _item(connection, actor.merchant_id, closed)


async def _shown(connection: AsyncConnection, run: Row[Any]) -> ReconciliationResource:
    found = await items.open_by_kind(connection, run.merchant_id, [run.id])
    return run_resource(run, found[run.id])


async def _item(connection: AsyncConnection, merchant_id: str, row: Row[Any]) -> ReconciliationItemResource:
    corrections = await items.corrections_of(connection, merchant_id, [row.id])
    return item_resource(row, corrections.get(row.id))
