"""Merchants of an installation: list, add."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.accounts import keys
from clearway.accounts.keys import NewKey
from clearway.db import audit
from clearway.db import merchants as rows
from clearway.db.tables import api_keys, merchants
from clearway.domain.actor import Actor
from clearway.domain.ids import MERCHANT, new_id
from clearway.settings import Settings


async def list_merchants(connection: AsyncConnection) -> list[dict[str, Any]]:
    """Return every merchant with how many usable keys it has."""
    usable = func.count(api_keys.c.id).filter(api_keys.c.revoked_at.is_(None)).label("keys")
    query = (
        select(merchants.c.id, merchants.c.name, merchants.c.active, merchants.c.created_at, usable)
        .outerjoin(api_keys, api_keys.c.merchant_id == merchants.c.id)
        .group_by(merchants.c.id)
        .order_by(merchants.c.id)
    )
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def add_merchant(connection: AsyncConnection, settings: Settings, name: str, operator: str) -> NewKey:
    """Add a merchant with a first key."""
    merchant_id = new_id(MERCHANT)
    await rows.add_merchant(connection, merchant_id=merchant_id, name=name)
    actor = Actor(operator, merchant_id)
    await audit.record(connection, actor, "merchant.add", merchant_id)
    return await keys.add_key(connection, settings, actor)
