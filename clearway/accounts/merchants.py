"""The merchants of an installation: list them, add an account with its live and its test merchant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.accounts import keys
from clearway.accounts.keys import NewKey
from clearway.db import audit
from clearway.db import merchants as rows
from clearway.db.merchants import NewAccount
from clearway.db.tables import api_keys, merchants
from clearway.domain.actor import Actor
from clearway.domain.merchant import Mode
from clearway.settings import Settings


@dataclass(frozen=True)
class AddedAccount:
    """An account with the first key of each of its merchants."""

    account_id: str
    live: NewKey
    test: NewKey


async def list_merchants(connection: AsyncConnection) -> list[dict[str, Any]]:
    """Return every merchant with how many usable keys it has."""
    usable = func.count(api_keys.c.id).filter(api_keys.c.revoked_at.is_(None)).label("keys")
    query = (
        select(*(merchants.c[name] for name in ("id", "account_id", "mode", "name", "active", "created_at")), usable)
        .outerjoin(api_keys, api_keys.c.merchant_id == merchants.c.id)
        .group_by(merchants.c.id)
        .order_by(merchants.c.account_id, merchants.c.mode)
    )
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def add_account(connection: AsyncConnection, settings: Settings, name: str, operator: str) -> AddedAccount:
    """Add an account with its live and its test merchant, each with a first key."""
    account = NewAccount(name)
    await rows.add_account(connection, account)
    made = {}
    for mode, merchant_id in ((Mode.LIVE, account.live_id), (Mode.TEST, account.test_id)):
        actor = Actor(operator, merchant_id)
        await audit.record(connection, actor, "merchant.add", merchant_id, {"account_id": account.id, "mode": mode})
        made[mode.value] = await keys.add_key(connection, settings, actor)
    return AddedAccount(account.id, **made)
