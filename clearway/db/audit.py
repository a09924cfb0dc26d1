"""The audit log: who did what to which resource. It is append-only: a trigger refuses changes.

`detail` must hold no secret, no card data and no personal data: people read the log, and nothing is ever deleted. The
code that makes an `Actor` encrypts its network address, so no workflow and no row has it in plain text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.pages import PageRequest, Rows
from clearway.db.tables import audit_log, merchants
from clearway.db.walks import Walk, Way, walked_page
from clearway.db.writing import Rows as Written
from clearway.db.writing import Write
from clearway.domain.actor import Actor
from clearway.domain.ids import AUDIT_ENTRY, first_id, new_id, noun_of


def address_context(request_id: str | None) -> str:
    """Return the context that binds an encrypted network address to its request."""
    return f"requests/{request_id}/address"


async def record(
    connection: AsyncConnection,
    actor: Actor,
    action: str,
    subject_id: str,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write one row, in the transaction of the action. action: a name such as `api_key.create`."""
    row = entry(actor, action, subject_id, detail or {})
    await connection.execute(insert(audit_log).values(row))


def entry(actor: Actor, action: str, subject_id: str, detail: dict[str, Any]) -> dict[str, Any]:
    """Return a row, for the statement that writes the action itself."""
    return {
        "id": new_id(AUDIT_ENTRY),
        "merchant_id": actor.merchant,
        "actor": actor.name,
        "action": action,
        "subject_type": noun_of(subject_id),
        "subject_id": subject_id,
        "detail": detail,
        "request_id": actor.request_id,
        "address": actor.address,
    }


def beside(actor: Actor | None, action: str, subject_id: str, detail: dict[str, Any], *, now: datetime) -> list[Write]:
    """Return the write of one row, for the statement of the action. Empty without an actor: Clearway itself acted."""
    if actor is None:
        return []
    return [Written(audit_log, [entry(actor, action, subject_id, detail) | {"created_at": now}])]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of a merchant. since is included, until is not."""

    actor: str | None = None
    action: str | None = None
    subject_type: str | None = None
    subject_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def list_page(connection: AsyncConnection, merchant_id: str, wanted: Wanted, page: PageRequest) -> Rows:
    """Return one page of the acts for a merchant and about its account, newest first.

    Acts about the account (members, invitations) are seen from its live and its test merchant.
    """
    account_id = await connection.scalar(select(merchants.c.account_id).where(merchants.c.id == merchant_id))
    column, within = audit_log.c, _indexed(wanted)
    about = (column.subject_id == account_id) & column.merchant_id.is_distinct_from(merchant_id)
    ways = [Way([*within, half]) for half in (column.merchant_id == merchant_id, about)]
    return await walked_page(connection, Walk(audit_log, ways, partial(_conditions, wanted)), page)


def _conditions(wanted: Wanted, column: Any) -> list[ColumnElement[bool]]:
    named = ("action", "subject_type")
    return [column[name] == getattr(wanted, name) for name in named if getattr(wanted, name) is not None]


def _indexed(wanted: Wanted) -> list[ColumnElement[bool]]:
    column = audit_log.c
    named = ("actor", "subject_id")
    conditions = [column[name] == getattr(wanted, name) for name in named if getattr(wanted, name) is not None]
    # Ids sort by time, and name the partitions.
    if wanted.since is not None:
        conditions.append(column.id >= first_id(AUDIT_ENTRY, wanted.since))
    if wanted.until is not None:
        conditions.append(column.id < first_id(AUDIT_ENTRY, wanted.until))
    return conditions
