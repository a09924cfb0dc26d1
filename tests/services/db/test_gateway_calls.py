"""Rows of gateway calls: collected off the payment's path, written in batches, bounded while the database is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from clearway.db import gateway_calls as rows
from clearway.db.tables import gateway_calls
from clearway.domain.gateway import first_gateway_id
from clearway.domain.gateway_call import CallOperation, MeasuredCall
from clearway.domain.ids import GATEWAY_CALL, PAYMENT, new_id
from clearway.monitoring import batches
from clearway.monitoring.calls import CallLog
from tests.support.shop import Shop


def call(shop: Shop, **more: Any) -> MeasuredCall:
    """Return a call that went well."""
    payment_id = new_id(PAYMENT)
    fields: dict[str, Any] = {
        "id": new_id(GATEWAY_CALL),
        "merchant_id": shop.merchant_id,
        "gateway_id": first_gateway_id(shop.merchant_id),
        "operation": CallOperation.AUTHORISE,
        "payment_id": payment_id,
        "operation_key": f"{payment_id}:authorise:1",
        "attempt": 1,
        "amount_minor": 50_000,
        "currency": "INR",
        "method": "upi",
        "started_at": datetime.now(UTC),
        "latency_ms": 120,
        "outcome": "approved",
        "executed": "yes",
        "failure": None,
        "error_code": None,
        "http_status": 201,
    }
    return MeasuredCall(**fields | more)


@pytest.fixture
def sent(shop: Shop) -> AsyncIterator[list[str]]:
    """Collect the statements that are sent."""
    found: list[str] = []

    def listen(*given: Any) -> None:
        found.append(given[2])

    event.listen(shop.engine.sync_engine, "before_cursor_execute", listen)
    yield found
    event.remove(shop.engine.sync_engine, "before_cursor_execute", listen)


async def kept(shop: Shop) -> int:
    """Count the merchant's rows."""
    query = select(func.count()).where(gateway_calls.c.merchant_id == shop.merchant_id)
    async with shop.engine.connect() as connection:
        return int(await connection.scalar(query) or 0)


async def test_a_thousand_calls_cost_two_statements_later(shop: Shop, sent: list[str]) -> None:
    """A call sends nothing; a batch of 500 is one statement."""
    log = CallLog(shop.engine)
    for _ in range(1_000):
        assert log.note(call(shop)) == 0
    assert sent == []

    await log.settle()

    assert len(sent) == 2
    assert await kept(shop) == 1_000


async def test_calls_are_written_without_being_asked(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call is a row soon after it ended, and the next one too."""
    monkeypatch.setattr(batches, "WRITTEN_EACH_S", 0.01)
    log = CallLog(shop.engine)
    for count in (1, 2):
        log.note(call(shop))
        for _ in range(200):
            if await kept(shop) == count:
                break
            await asyncio.sleep(0.02)
        assert await kept(shop) == count


class _Away:
    """A database that is away until it is back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._add = rows.add
        self.is_away = True
        monkeypatch.setattr(rows, "add", self)

    async def __call__(self, connection: Any, batch: Any) -> None:
        if self.is_away:
            raise OperationalError("insert", {}, ConnectionError())
        await self._add(connection, batch)


async def test_a_lost_database_costs_bounded_memory_and_drops_are_counted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database is away the newest calls wait, older ones are dropped and counted, and the rest is written."""
    monkeypatch.setattr(batches, "KEPT_MAX", 10)
    monkeypatch.setattr(batches, "BATCH_MAX", 4)
    away, log = _Away(monkeypatch), CallLog(shop.engine)
    made = [call(shop) for _ in range(25)]
    assert [log.note(each) for each in made] == [0] * 10 + [1] * 15

    await log.settle()
    assert await kept(shop) == 0
    away.is_away = False
    await log.settle()

    async with shop.engine.connect() as connection:
        query = select(gateway_calls.c.id).where(gateway_calls.c.merchant_id == shop.merchant_id)
        assert {*(await connection.scalars(query))} == {each.id for each in made[-10:]}


async def test_calls_that_are_dropped_while_a_batch_is_not_written_are_counted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New calls take the room of a batch that the database refuses: the next call counts those that are lost."""
    monkeypatch.setattr(batches, "KEPT_MAX", 10)
    monkeypatch.setattr(batches, "BATCH_MAX", 4)
    log = CallLog(shop.engine)
    for _ in range(10):
        log.note(call(shop))

    async def refused(*_: Any) -> None:
        for _ in range(4):
            assert log.note(call(shop)) == 0
        raise OperationalError("insert", {}, ConnectionError())

    with monkeypatch.context() as away:
        away.setattr(rows, "add", refused)
        await log.settle()
    assert log.note(call(shop)) == 4 + 1
    await log.settle()
    assert await kept(shop) == 10


async def test_a_batch_that_was_written_unheard_is_written_once(shop: Shop) -> None:
    """A repeat of a batch, after a commit whose answer was lost, changes nothing."""
    batch = [call(shop), call(shop)]
    for _ in range(2):
        async with shop.engine.begin() as connection:
            await rows.add(connection, batch)
    assert await kept(shop) == 2


@pytest.mark.parametrize("statement", ["UPDATE gateway_calls SET latency_ms = 0", "DELETE FROM gateway_calls"])
async def test_a_row_never_changes(shop: Shop, statement: str) -> None:
    """Measurements are append-only, for the owner of the tables too."""
    async with shop.engine.begin() as connection:
        await rows.add(connection, [call(shop)])
    with pytest.raises(IntegrityError, match="append-only"):
        async with shop.engine.begin() as connection:
            await connection.execute(text(statement))
