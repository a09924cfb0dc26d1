"""Merchants of their own for tests that change what all of a merchant's pages show, or that need a live merchant."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from clearway.db import merchants
from clearway.db.engine import create_engine
from clearway.db.merchants import NewAccount
from clearway.db.seed import Credentials, seed_key
from clearway.dev.stack import Stack
from clearway.domain.ids import MERCHANT, new_id
from clearway.domain.merchant import Mode
from clearway.domain.roles import Role
from clearway.settings import Settings
from tests.stack.browser.people import add_crowd, add_member
from tests.stack.browser.shop import Shop


@asynccontextmanager
async def open_shop(
    stack: Stack, name: str, mode: Mode = Mode.TEST, *, owner: str | None = None, crowd: Sequence[str] = ()
) -> AsyncIterator[Shop]:
    """Add an account, and sell as its merchant of this mode. A test merchant has the simulator, a live one nothing.

    owner: the e-mail address of a person who owns the account, with the password of tests. crowd: those of viewers.
    """
    merchant_id = new_id(MERCHANT)
    suffix = merchant_id.partition("_")[2]
    pair = Credentials(merchant_id, name, f"key_{mode.value}_{suffix}", f"secret_{mode.value}_{suffix}")
    sides = {"live_id": merchant_id} if mode is Mode.LIVE else {"test_id": merchant_id}
    account = NewAccount(name, id=pair.account_id, **sides)
    settings = Settings(database_url=stack.database_url)
    engine = create_engine(settings, application_name="tests-browser")
    try:
        async with engine.begin() as connection:
            await merchants.add_account(connection, account)
            await seed_key(connection, settings, pair)
    finally:
        await engine.dispose()
    if owner is not None:
        await add_member(stack, owner, Role.OWNER, account=pair)
    await add_crowd(stack, pair, crowd)
    places = (stack.api_url, stack.simulator_url, stack.checkout_url)
    async with Shop.of(*places, pair.api_key, pair.api_secret) as shop:
        yield shop
