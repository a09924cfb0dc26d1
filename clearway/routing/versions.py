"""Versions of routing rules: create, switch on, roll back. Each change and its audit row are one transaction.

The functions take a connection in a transaction, which the API or the command line begins.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import audit, routing
from clearway.db.routing import NewVersion
from clearway.domain.actor import Actor
from clearway.domain.errors import ConflictError, NotFoundError
from clearway.domain.routing_program import Program
from clearway.domain.routing_version import VERSIONS_MAX, VersionStatus


def version_not_found(number: int) -> NotFoundError:
    """Return the error for an unknown version of this merchant."""
    return NotFoundError("routing_version_not_found", f"You have no version {number} of your routing rules.")


async def create(
    connection: AsyncConnection, actor: Actor, version_id: str, program: Program, note: str | None
) -> Row[Any]:
    """Record a draft, or return the one that this request recorded before."""
    await routing.lock_merchant(connection, actor.merchant_id)
    row = await routing.repeated(connection, actor.merchant_id, version_id)
    if row is not None:
        return row
    number = await routing.newest_number(connection, actor.merchant_id) + 1
    if number > VERSIONS_MAX:
        detail = f"You have {VERSIONS_MAX} versions of your rules, the maximum. Nothing was saved."
        raise ConflictError("routing_version_limit", detail)
    new = NewVersion(version_id, actor.merchant_id, program.to_json(), note, actor.name)
    row = await routing.add(connection, new, number)
    detail_of_audit = {"number": number, "rules": len(program.rules)}
    await audit.record(connection, actor, "routing_version.create", version_id, detail_of_audit)
    return row


async def find(connection: AsyncConnection, merchant_id: str, number: int) -> Row[Any]:
    """Return a version of the merchant. Raises NotFoundError."""
    row = await routing.find(connection, merchant_id, number)
    if row is None:
        raise version_not_found(number)
    return row


async def activate(connection: AsyncConnection, actor: Actor, number: int, now: datetime) -> Row[Any]:
    """Route new payments by this version. Activating it again changes nothing. Raises NotFoundError."""
    await routing.lock_merchant(connection, actor.merchant_id)
    row = await find(connection, actor.merchant_id, number)
    return await _switch(connection, actor, row, "routing_version.activate", now)


async def roll_back(connection: AsyncConnection, actor: Actor, now: datetime) -> Row[Any]:
    """Go back to the version that was active before. Raises ConflictError when there is none."""
    await routing.lock_merchant(connection, actor.merchant_id)
    row = await routing.last_retired(connection, actor.merchant_id)
    if row is None:
        detail = "There is no earlier active version to return to. Nothing was changed. Activate a version."
        raise ConflictError("routing_nothing_before", detail)
    return await _switch(connection, actor, row, "routing_version.roll_back", now)


async def deactivate(connection: AsyncConnection, actor: Actor, now: datetime) -> None:
    """Route new payments by the priority of the gateways alone. Doing it again changes nothing."""
    await routing.lock_merchant(connection, actor.merchant_id)
    row = await routing.retire_active(connection, actor.merchant_id, now)
    if row is not None:
        await audit.record(connection, actor, "routing_version.deactivate", row.id, {"number": row.number})


async def _switch(connection: AsyncConnection, actor: Actor, row: Row[Any], action: str, now: datetime) -> Row[Any]:
    if row.status == VersionStatus.ACTIVE.value:
        return row
    before = await routing.retire_active(connection, actor.merchant_id, now)
    row = await routing.switch_on(connection, actor.merchant_id, row.number, now)
    detail = {"number": row.number, "before": before.number if before else None}
    await audit.record(connection, actor, action, row.id, detail)
    return row
