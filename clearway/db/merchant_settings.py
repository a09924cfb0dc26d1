"""What a merchant has set, as stored, with its name and that of its account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.tables import accounts, merchant_settings, merchants

NAMES: Final = tuple(column.name for column in merchant_settings.c if column.name not in {"merchant_id", "updated_at"})
"""The columns that a merchant sets."""
_OF_MERCHANT: Final = (
    merchants.c.id.label("merchant_id"),
    merchants.c.mode,
    merchants.c.name,
    accounts.c.id.label("account_id"),
    accounts.c.name.label("account_name"),
    accounts.c.totp_required,
)
_JOINED: Final = merchants.join(accounts, accounts.c.id == merchants.c.account_id).outerjoin(
    merchant_settings, merchant_settings.c.merchant_id == merchants.c.id
)


async def find(connection: AsyncConnection, merchant_id: str) -> dict[str, Any] | None:
    """Return the merchant with what it has set; columns of `merchant_settings` are None when it has set nothing."""
    columns = (*_OF_MERCHANT, *(merchant_settings.c[name] for name in (*NAMES, "updated_at")))
    query = select(*columns).select_from(_JOINED).where(merchants.c.id == merchant_id)
    found = (await connection.execute(query)).mappings().one_or_none()
    return None if found is None else dict(found)


async def time_zone(connection: AsyncConnection, merchant_id: str) -> str | None:
    """Return where the merchant's days begin; None: it has set nothing."""
    column = merchant_settings.c
    zone: str | None = await connection.scalar(select(column.time_zone).where(column.merchant_id == merchant_id))
    return zone


async def lock(connection: AsyncConnection, merchant_id: str) -> None:
    """Make the merchant's row, unless it has one, and let nobody else change it until the transaction ends."""
    await connection.execute(insert(merchant_settings).values(merchant_id=merchant_id).on_conflict_do_nothing())
    this = merchant_settings.c.merchant_id == merchant_id
    await connection.execute(select(merchant_settings.c.merchant_id).where(this).with_for_update())


async def change(connection: AsyncConnection, merchant_id: str, values: Mapping[str, Any], now: datetime) -> None:
    """Set these columns; `name` is the merchant's, `account_name` and `totp_required` are the account's."""
    own = {name: value for name, value in values.items() if name in NAMES}
    this = merchant_settings.c.merchant_id == merchant_id
    await connection.execute(update(merchant_settings).where(this).values(**own, updated_at=now))
    if "name" in values:
        await connection.execute(update(merchants).where(merchants.c.id == merchant_id).values(name=values["name"]))
    of_account = {"account_name": "name", "totp_required": "totp_required"}
    shared = {column: values[name] for name, column in of_account.items() if name in values}
    if shared:
        account = select(merchants.c.account_id).where(merchants.c.id == merchant_id).scalar_subquery()
        await connection.execute(update(accounts).where(accounts.c.id == account).values(shared))
