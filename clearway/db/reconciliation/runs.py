"""Runs of reconciliation: one at a time for a gateway, each page of a step written once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.pages import PageRequest, fetch_page
from clearway.db.pages import Rows as Page
from clearway.db.tables import reconciliations
from clearway.domain.reconciliation import RunStatus, Step


async def start(connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """Insert a run; False: another one of this gateway is running, or this one is there already."""
    statement = insert(reconciliations).values(**values).on_conflict_do_nothing().returning(reconciliations.c.id)
    return (await connection.execute(statement)).first() is not None


async def find(connection: AsyncConnection, merchant_id: str, run_id: str) -> Row[Any] | None:
    """Return a run."""
    query = select(reconciliations).where(reconciliations.c.id == run_id, reconciliations.c.merchant_id == merchant_id)
    return (await connection.execute(query)).one_or_none()


async def listed(
    connection: AsyncConnection, merchant_id: str, page: PageRequest, *, gateway_id: str | None = None
) -> Page:
    """Return one page of runs, newest first."""
    query = select(reconciliations).where(reconciliations.c.merchant_id == merchant_id)
    if gateway_id is not None:
        query = query.where(reconciliations.c.gateway_id == gateway_id)
    return await fetch_page(connection, query, reconciliations.c.id, page)


async def hold(connection: AsyncConnection, run: Row[Any]) -> bool:
    """Lock the run until this transaction ends; False: another worker has written this page, or the run has ended."""
    query = (
        select(reconciliations.c.id)
        .where(
            reconciliations.c.id == run.id,
            reconciliations.c.merchant_id == run.merchant_id,
            reconciliations.c.pages == run.pages,
            reconciliations.c.status == RunStatus.RUNNING.value,
        )
        .with_for_update()
    )
    return (await connection.execute(query)).first() is not None


async def move(
    connection: AsyncConnection,
    run: Row[Any],
    *,
    step: Step,
    cursor: str | None,
    counts: Mapping[str, int],
    now: datetime,
) -> Row[Any]:
    """Write where the run goes on, and add to its counts. Step.DONE completes it. `hold` it first."""
    added = dict(run.counts)
    for name, count in counts.items():
        added[name] = added.get(name, 0) + count
    values: dict[str, Any] = {
        "step": step.value,
        "cursor": cursor,
        "pages": run.pages + 1,
        "counts": added,
        "updated_at": now,
    }
    if step is Step.DONE:
        values |= {"status": RunStatus.COMPLETED.value, "ended_at": now}
    statement = (
        update(reconciliations)
        .where(reconciliations.c.id == run.id, reconciliations.c.merchant_id == run.merchant_id)
        .values(**values)
        .returning(*reconciliations.c)
    )
    moved: Row[Any] = (await connection.execute(statement)).one()
    return moved


async def fail(
    connection: AsyncConnection, merchant_id: str, run_id: str, reason: str, now: datetime
) -> Row[Any] | None:
    """End a run that cannot go on; None: it has ended."""
    statement = (
        update(reconciliations)
        .where(
            reconciliations.c.id == run_id,
            reconciliations.c.merchant_id == merchant_id,
            reconciliations.c.status == RunStatus.RUNNING.value,
        )
        .values(status=RunStatus.FAILED.value, failure=reason, ended_at=now, updated_at=now)
        .returning(*reconciliations.c)
    )
    return (await connection.execute(statement)).one_or_none()


async def covered_until(connection: AsyncConnection, merchant_id: str, gateway_id: str) -> datetime | None:
    """Return the end of the last completed period of a gateway."""
    query = select(func.max(reconciliations.c.until)).where(
        reconciliations.c.gateway_id == gateway_id,
        reconciliations.c.merchant_id == merchant_id,
        reconciliations.c.status == RunStatus.COMPLETED.value,
    )
    found: datetime | None = await connection.scalar(query)
    return found
