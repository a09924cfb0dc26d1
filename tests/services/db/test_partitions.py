"""The monthly partitions: rows go where the time of their id says, and the months to come are made ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from clearway.db import across_merchants, events
from clearway.domain import ids
from tests.services.api.test_query_plans import explain, statements
from tests.support.shop import Shop

PARTITIONED: Final = (
    "events",
    "webhook_attempts",
    "audit_log",
    "gateway_calls",
    "gateway_health_checks",
    "request_log",
)
AUDIT: Final = (
    "INSERT INTO audit_log (id, actor, action, subject_type, subject_id) "
    "VALUES (:id, 'system', 'test.old', 'installation', 'installation')"
)
EVENT: Final = (
    "INSERT INTO events (id, merchant_id, type, subject_type, subject_id, step, body) "
    "VALUES (:id, :merchant, 'payment.success', 'payment', :subject, '1', '{}')"
)


async def _run(shop: Shop, statement: str, **values: Any) -> Any:
    async with shop.engine.begin() as connection:
        result = await connection.execute(text(statement), values)
        return result.scalars().all() if result.returns_rows else None


async def _event(shop: Shop, event_id: str, subject: str = "pay_x") -> None:
    await _run(shop, EVENT, id=event_id, merchant=shop.merchant_id, subject=subject)


def _month(ahead: int) -> datetime:
    now = datetime.now(UTC)
    months = now.year * 12 + now.month - 1 + ahead
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def _lowest(prefix: str, moment: datetime) -> str:
    return ids.first_id(prefix, moment)[:-16]


def _id_at(moment: datetime, rest: str = "z" * 16) -> str:
    return _lowest(ids.EVENT, moment) + rest


async def test_the_database_reads_ids_as_the_code_does(shop: Shop) -> None:
    """A bound of a partition is the lowest id of its moment, by the same digits as `clearway.domain.ids`."""
    moment = datetime(2031, 7, 1, tzinfo=UTC)
    assert await _run(shop, "SELECT id_bound('evt', :moment)", moment=moment) == [_lowest("evt", moment)]


@pytest.mark.parametrize("ahead", [0, 1, 6])
async def test_rows_go_to_the_month_of_their_id(lone: Shop, ahead: int) -> None:
    """The first and the last id of a month are in its partition, the next one in the next."""
    first, after = _month(ahead), _month(ahead + 1)
    last = after - timedelta(milliseconds=1)
    for event_id in (_id_at(first, "0" * 16), _id_at(last), _id_at(after, "0" * 16)):
        await _event(lone, event_id, event_id)

    where = await _run(lone, "SELECT tableoid::regclass::text FROM events ORDER BY id")
    following = f"events_{after:%Y_%m}" if ahead < across_merchants.PARTITIONS_AHEAD else "events_default"
    assert where == [f"events_{first:%Y_%m}", f"events_{first:%Y_%m}", following]


async def test_what_is_outside_is_kept_and_counted(lone: Shop) -> None:
    """An id of a month without a partition is stored all the same, and the next round says how many there are."""
    await _event(lone, _id_at(_month(30)))
    async with lone.engine.begin() as connection:
        states = await across_merchants.ensure_partitions(connection)
    assert {state.table: (state.made, state.outside) for state in states} == {
        "events": (0, 1),
        "webhook_attempts": (0, 0),
        "audit_log": (0, 0),
        "gateway_calls": (0, 0),
        "gateway_health_checks": (0, 0),
        "request_log": (0, 0),
    }


async def test_months_to_come_are_made_once(lone: Shop) -> None:
    """A missing month is created again, a second round creates nothing, and a month with rows outside is reported."""
    for table in PARTITIONED:
        for ahead in (5, 6):
            await _run(lone, f"ALTER TABLE {table} DETACH PARTITION {table}_{_month(ahead):%Y_%m}")
            await _run(lone, f"DROP TABLE {table}_{_month(ahead):%Y_%m}")
    await _event(lone, _id_at(_month(6)))
    rounds = []
    for _ in range(2):
        async with lone.engine.begin() as connection:
            states = await across_merchants.ensure_partitions(connection)
        rounds.append({state.table: (state.made, state.missing) for state in states})
    assert rounds == [
        {"events": (1, 1)} | dict.fromkeys(PARTITIONED[1:], (2, 0)),
        {"events": (0, 1)} | dict.fromkeys(PARTITIONED[1:], (0, 0)),
    ]
    with pytest.raises(IntegrityError, match="append-only"):
        await _run(lone, f"TRUNCATE audit_log_{_month(5):%Y_%m}")


async def test_a_step_is_recorded_once_in_a_month(lone: Shop) -> None:
    """Each partition refuses a second event of a type for a step of a subject, those made later too."""
    for ahead in (0, 3):
        await _event(lone, _id_at(_month(ahead), "a" * 16), f"pay_{ahead}")
        with pytest.raises(IntegrityError, match="uq_events_"):
            await _event(lone, _id_at(_month(ahead), "b" * 16), f"pay_{ahead}")


async def test_a_payments_events_are_looked_up_from_its_month_on(lone: Shop) -> None:
    """The history of a payment reads no partition of the months before it."""
    payment_id = ids.first_id(ids.PAYMENT, _month(4) + timedelta(days=14))
    with statements(lone.engine) as sent:
        async with lone.engine.connect() as connection:
            await events.payment_history(connection, lone.merchant_id, payment_id)
            await events.due_for_step(connection, lone.merchant_id, payment_id, "1")
    for statement, parameters in sent:
        read = {node.get("Relation Name") for node in await explain(lone.engine, statement, parameters)}
        of_events = {name for name in read if name and name.startswith("events")}
        assert of_events <= {"events_default", *(f"events_{_month(ahead):%Y_%m}" for ahead in (4, 5, 6))}, statement


async def test_old_months_of_the_audit_log_expire(lone: Shop) -> None:
    """Months that ended before the kept ones are dropped with their rows; younger ones stay, and nobody keeps less."""
    old, kept = _month(-14), _month(-12)
    for month, after in ((old, _month(-13)), (kept, _month(-11))):
        bounds = f"FROM ('{_lowest('aud', month)}') TO ('{_lowest('aud', after)}')"
        await _run(lone, f"CREATE TABLE audit_log_{month:%Y_%m} PARTITION OF audit_log FOR VALUES {bounds}")
        await _run(lone, AUDIT, id=_lowest("aud", month) + "z" * 16)
    async with lone.engine.begin() as connection:
        assert await across_merchants.expire_audit_log(connection, 12) == [f"audit_log_{old:%Y_%m}"]
    async with lone.engine.begin() as connection:
        assert await across_merchants.expire_audit_log(connection, 12) == []
    assert await _run(lone, "SELECT id FROM audit_log WHERE action = 'test.old'") == [_lowest("aud", kept) + "z" * 16]
    with pytest.raises(IntegrityError, match="at least 12"):
        async with lone.engine.begin() as connection:
            await across_merchants.expire_audit_log(connection, 11)
