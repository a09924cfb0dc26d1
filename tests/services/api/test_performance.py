"""`/gateways/performance`: what calls and payments tell of gateways, whole and divided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db import gateway_calls as rows
from clearway.db.performance import GroupBy
from clearway.db.tables import gateway_calls
from clearway.domain.gateway_call import CallOperation, MeasuredCall
from clearway.domain.ids import GATEWAY_CALL, first_id, new_id
from tests.services.api.conftest import Caller, NewCaller, Payer, eventually
from tests.services.api.test_routing import first_gateway, gateway

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


def call(caller: Caller, gateway_id: str, at: datetime, **more: Any) -> MeasuredCall:
    """Return a call at a moment; a failure is what `more` says."""
    call_id = first_id(GATEWAY_CALL, at)[:-16] + new_id("x")[-16:]
    fields: dict[str, Any] = {
        "id": call_id,
        "merchant_id": caller.id,
        "gateway_id": gateway_id,
        "operation": CallOperation.AUTHORISE,
        "payment_id": "pay_1",
        "operation_key": "pay_1:authorise:1",
        "attempt": 1,
        "amount_minor": 100,
        "currency": "INR",
        "method": "upi",
        "started_at": at,
        "latency_ms": 100,
        "outcome": "approved",
        "executed": "yes",
        "failure": None,
        "error_code": None,
        "http_status": 200,
    }
    return MeasuredCall(**fields | more)


async def read(caller: Caller, path: str = "/gateways/performance", **asked: Any) -> dict[str, Any]:
    """Read the figures."""
    answer = await caller.http.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_payment_leaves_rows_and_figures(payer: Payer, api_engine: AsyncEngine) -> None:
    """A call is a row with what was called, how it ended and how long it took, and nothing of the customer."""
    made = await payer.payment(customer={"name": "Ada Lovelace", "email": "ada@shop.example"})
    seen = await eventually(lambda: read(payer), lambda found: found["total"]["calls"] > 0)

    assert seen["total"] | {"latency_ms": None} == {
        "calls": 1,
        "technical_errors": 0,
        "technical_error_rate": 0.0,
        "latency_ms": None,
        "attempts": 1,
        "approved": 1,
        "declined": 0,
        "success_rate": 1.0,
        "volume": [{"currency": "INR", "amount": 50_000}],
    }
    async with api_engine.connect() as connection:
        query = select(gateway_calls).where(gateway_calls.c.merchant_id == payer.id)
        row = (await connection.execute(query)).one()
    assert (row.operation, row.payment_id, row.attempt) == ("authorise", made["id"], 1)
    assert (row.outcome, row.executed, row.failure, row.method, row.currency) == (
        *("approved", "yes", None),
        *("upi", "INR"),
    )
    assert row.http_status in {200, 201}
    assert "ada" not in str(row).lower()


async def test_declines_of_issuers_count_and_other_failures_do_not(payer: Payer) -> None:
    """The success rate is approvals in what issuers decided; a wrong card says nothing about the gateway."""
    await payer.payment()
    await payer.payment(vpa="failure@razorpay", until="failed")
    card = {"expiry_month": 12, "expiry_year": 2040, "cvv": "123"}
    for number, code in (("4000000000009995", "insufficient_funds"), ("4000000000000127", "incorrect_cvc")):
        failed = await payer.payment(method="card", card=card | {"number": number}, until="failed")
        assert failed["error_code"] == code

    total = (await read(payer))["total"]

    assert (total["approved"], total["declined"], total["attempts"]) == (1, 2, 4)
    assert total["success_rate"] == 0.3333


async def test_percentiles_errors_and_groups(caller: Caller, api_engine: AsyncEngine) -> None:
    """Latencies are exact percentiles; groups are hours, operations or gateways; the bounds of the time hold."""
    first, second = await first_gateway(caller), await gateway(caller, "Second")
    made = [call(caller, first, NOON + timedelta(minutes=i % 50), latency_ms=i) for i in range(1, 101)]
    made += [call(caller, second, NOON + timedelta(hours=1), failure="unknown", outcome="unknown", latency_ms=20_000)]
    made += [call(caller, second, NOON, operation=CallOperation.REFUND, method=None, latency_ms=7)]
    made += [call(caller, first, NOON - timedelta(milliseconds=1)), call(caller, first, NOON + timedelta(hours=2))]
    async with api_engine.begin() as connection:
        await rows.add(connection, made)
    period = {"since": NOON.isoformat(), "until": (NOON + timedelta(hours=2)).isoformat()}

    one = (await read(caller, f"/gateways/{first}/performance", **period))["total"]
    by_hour = (await read(caller, **period, by="hour"))["data"]
    by_operation = (await read(caller, **period, by="operation"))["data"]
    by_gateway = (await read(caller, **period, by="gateway"))["data"]
    by_method = (await read(caller, **period, by="method"))["data"]

    assert (one["calls"], one["latency_ms"]) == (100, {"p50": 50, "p95": 95, "p99": 99})
    assert [(each["group"], each["calls"], each["technical_error_rate"]) for each in by_hour] == [
        ("2026-03-05T12:00:00Z", 101, 0.0),
        ("2026-03-05T13:00:00Z", 1, 1.0),
    ]
    assert {each["group"]: each["calls"] for each in by_operation} == {"authorise": 101, "refund": 1}
    assert {each["group"]: each["technical_errors"] for each in by_gateway} == {first: 0, second: 1}
    assert [(each["group"], each["calls"]) for each in by_method] == [("upi", 101)]


async def test_every_division_has_the_same_whole(payer: Payer, api_engine: AsyncEngine) -> None:
    """Divided or not, the whole is the same: a call without a method is in it, in no group, and no group is twice."""
    await payer.payment()
    await payer.payment(vpa="failure@razorpay", until="failed")
    await eventually(lambda: read(payer), lambda found: found["total"]["calls"] == 2)
    gateway_id, now = await first_gateway(payer), datetime.now(UTC)
    refund = call(payer, gateway_id, now, operation=CallOperation.REFUND, method=None, latency_ms=40_000)
    async with api_engine.begin() as connection:
        await rows.add(connection, [refund])
    period = {"until": (now + timedelta(minutes=1)).isoformat()}

    undivided = await read(payer, **period)
    found = {by: await read(payer, **period, by=by) for by in GroupBy}

    whole = undivided["total"]
    assert undivided["data"] == []
    assert (whole["calls"], whole["attempts"], whole["approved"], whole["declined"]) == (3, 2, 1, 1)
    assert [each["total"] for each in found.values()] == [whole] * len(GroupBy)
    named = {by: {each["group"]: (each["calls"], each["attempts"]) for each in found[by]["data"]} for by in GroupBy}
    assert named[GroupBy.GATEWAY] == {gateway_id: (3, 2)}
    assert named[GroupBy.OPERATION] == {"authorise": (2, 2), "refund": (1, 0)}
    assert named[GroupBy.METHOD] == {"upi": (2, 2)}
    assert named[GroupBy.CURRENCY] == {"INR": (3, 2)}
    for by, zeros in ((GroupBy.HOUR, ":00:00Z"), (GroupBy.DAY, "T00:00:00Z")):
        assert sum(calls for calls, _ in named[by].values()) == 3
        assert all(group.endswith(zeros) for group in named[by])


@pytest.mark.parametrize(
    "period",
    [
        {"since": "2026-03-05T12:00:00Z", "until": "2026-03-05T12:00:00Z"},
        {"since": "2026-01-01T00:00:00Z", "until": "2026-03-05T12:00:00Z", "by": "hour"},
        {"since": "2025-01-01T00:00:00Z", "until": "2026-03-05T12:00:00Z"},
    ],
    ids=["empty", "too many hours", "too many days"],
)
async def test_a_period_has_bounds(caller: Caller, period: dict[str, str]) -> None:
    """A time that is empty, or would give too many groups, is refused with what to ask for."""
    answer = await caller.http.get("/gateways/performance", params=period)
    assert (answer.status_code, answer.json()["code"]) == (422, "performance_period_invalid")


async def test_nobody_sees_the_figures_of_another(
    caller: Caller, new_caller: NewCaller, api_engine: AsyncEngine
) -> None:
    """Figures are of one merchant's calls, and a foreign gateway is not found."""
    gateway_id = await first_gateway(caller)
    async with api_engine.begin() as connection:
        await rows.add(connection, [call(caller, gateway_id, datetime.now(UTC) - timedelta(minutes=1))])
    other = await new_caller()

    assert (await read(other))["total"]["calls"] == 0
    assert (await other.http.get(f"/gateways/{gateway_id}/performance")).status_code == 404
