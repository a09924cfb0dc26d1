"""Merchants of an installation: list them, add an account with its live and its test merchant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.accounts import keys
from clearway.accounts.keys import FIRST_KEY_NAME, KeyRequest, Keyring
from clearway.db import across_merchants, audit
from clearway.db import merchants as rows
from clearway.db.merchants import NewAccount
from clearway.domain.actor import Actor
from clearway.domain.api_key import EVERYTHING_GRANTED
from clearway.domain.ids import api_key_prefix
from clearway.domain.merchant import Mode
from clearway.domain.resources import ApiKeyWithSecret
from clearway.services import Allocation


@dataclass(frozen=True)
class FirstKey:
    """A merchant with their first key."""

    merchant_id: str
    key: ApiKeyWithSecret


@dataclass(frozen=True)
class AddedAccount:
    """An account with the first key of each of its merchants."""

    account_id: str
    live: FirstKey
    test: FirstKey


async def list_merchants(connection: AsyncConnection) -> list[dict[str, Any]]:
    """Return every merchant with how many usable keys it has."""
    return await across_merchants.list_merchants(connection)


async def add_account(connection: AsyncConnection, keyring: Keyring, name: str, operator: str) -> AddedAccount:
    """Add an account with its live and its test merchant, each with a first key."""
    account = NewAccount(name)
    await rows.add_account(connection, account)
    made = {}
    for mode, merchant_id in ((Mode.LIVE, account.live_id), (Mode.TEST, account.test_id)):
        actor = Actor(operator, merchant_id)
        await audit.record(connection, actor, "merchant.add", merchant_id, {"account_id": account.id, "mode": mode})
        asked, allocation = KeyRequest(FIRST_KEY_NAME), Allocation.fresh(api_key_prefix(mode))
        key = await keys.create(connection, keyring, actor, allocation, asked, granted=EVERYTHING_GRANTED)
        made[mode.value] = FirstKey(merchant_id, key)
    return AddedAccount(account.id, **made)
