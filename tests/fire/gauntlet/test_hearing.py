"""Reading the witnesses: one that is down, or broke, is named; its silence never counts as evidence."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.fire.gauntlet.case import LedgerWatch, Witness, hear
from tests.fire.gauntlet.plan import Endpoint
from tests.fire.gauntlet.receivers import receiver_of
from tests.fire.gauntlet.verdict import Ruling, judge

NOWHERE = "http://127.0.0.1:1"


def site(http: httpx.AsyncClient, receivers: list[Any] | None = None) -> Any:
    """Describe a site whose gateway nobody can reach."""
    return SimpleNamespace(
        log=[], receivers=receivers or [], gateway=http, stack=SimpleNamespace(simulator_url=NOWHERE)
    )


async def test_a_witness_that_is_away_is_named(engine: AsyncEngine) -> None:
    """The gateway can't be reached and the database can: what needs the gateway is unknown."""
    async with httpx.AsyncClient(trust_env=False) as http:
        watch = LedgerWatch(engine)
        await watch.look()
        case = await hear(site(http), engine, [], watch)
    assert set(case.unread) == {Witness.GATEWAY}
    rulings = {judged.name[0]: judged.ruling for judged in judge(case)}
    assert rulings["3"] is Ruling.UNKNOWN
    assert rulings["8"] is not Ruling.UNKNOWN


async def test_a_database_that_is_away_is_named() -> None:
    """Neither its rows nor the ledger of before could be read."""
    away = create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    async with httpx.AsyncClient(trust_env=False) as http:
        watch = LedgerWatch(away)
        await watch.look()
        case = await hear(site(http), away, [], watch)
    await away.dispose()
    assert set(case.unread) == {Witness.GATEWAY, Witness.DATABASE, Witness.LEDGER_BEFORE}
    assert {judged.ruling for judged in judge(case)} == {Ruling.UNKNOWN}


async def test_clients_and_receivers_that_broke_are_named(engine: AsyncEngine) -> None:
    """A client that broke off got more answers than it logged; a receiver that broke got more webhooks."""
    broken = receiver_of(Endpoint(0, "honest", 0, ("*",), (1,), {}))
    broken.failure = RuntimeError("broke")
    async with httpx.AsyncClient(trust_env=False) as http:
        case = await hear(site(http, [broken]), engine, ["business 1: KeyError"], LedgerWatch(engine))
    assert {Witness.CLIENTS, Witness.RECEIVERS} <= set(case.unread)
