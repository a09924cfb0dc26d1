"""Accounts, their merchants and the API keys of these, as stored.

Secrets come in hashed, never in plain text.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.api_secrets import SecretHash
from clearway.db.tables import accounts, api_keys, gateway_configs, merchants
from clearway.domain.gateway import GatewayKind, first_gateway_id
from clearway.domain.ids import ACCOUNT, MERCHANT, new_id
from clearway.domain.merchant import Mode


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be added, with the ids of its two merchants. name: what customers see."""

    name: str
    id: str = field(default_factory=lambda: new_id(ACCOUNT))
    live_id: str = field(default_factory=lambda: new_id(MERCHANT))
    test_id: str = field(default_factory=lambda: new_id(MERCHANT))


async def merchant_name(connection: AsyncConnection, merchant_id: str) -> str | None:
    """Return the name a customer may see, or None when there is no such merchant."""
    name: str | None = await connection.scalar(select(merchants.c.name).where(merchants.c.id == merchant_id))
    return name


async def merchant_mode(connection: AsyncConnection, merchant_id: str) -> Mode | None:
    """Return the mode of a merchant, or None when there is no such merchant."""
    mode: str | None = await connection.scalar(select(merchants.c.mode).where(merchants.c.id == merchant_id))
    return None if mode is None else Mode(mode)


async def add_account(connection: AsyncConnection, new: NewAccount) -> bool:
    """Add an account with its live and its test merchant, unless they exist; return whether they were added.

    The test merchant gets the simulator as its gateway. It has no credentials: it uses the installation's.
    """
    await connection.execute(insert(accounts).values(id=new.id, name=new.name).on_conflict_do_nothing())
    sides = [
        {"id": merchant_id, "account_id": new.id, "mode": mode.value, "name": new.name}
        for mode, merchant_id in ((Mode.LIVE, new.live_id), (Mode.TEST, new.test_id))
    ]
    added = (await connection.execute(insert(merchants).values(sides).on_conflict_do_nothing())).rowcount > 0
    if added:
        simulator = {"id": first_gateway_id(new.test_id), "merchant_id": new.test_id, "name": "Simulator"}
        await connection.execute(insert(gateway_configs).values(**simulator, kind=GatewayKind.SIMULATOR.value))
    return added


async def put_key(
    connection: AsyncConnection, *, key_id: str, merchant_id: str, name: str, secret: SecretHash, created_by: str
) -> None:
    """Add an API key with every permission, or give the existing one this secret."""
    statement = insert(api_keys).values(
        id=key_id,
        merchant_id=merchant_id,
        name=name,
        secret_hash=secret.digest,
        pepper_id=secret.pepper_id,
        created_by=created_by,
    )
    same = {name: statement.excluded[name] for name in ("secret_hash", "pepper_id")}
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=same))
