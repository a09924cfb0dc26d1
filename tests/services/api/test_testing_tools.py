"""The testing tools over the API: test values, faults of one's own simulator gateways, and made-up payments."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.seed import Credentials
from clearway.db.tables import audit_log, events, ledger_entries, payments, webhook_deliveries
from clearway.domain.gateway import first_gateway_id
from tests.services.api.conftest import Caller, NewCaller, client_of
from tests.services.gateways.running import Simulator, running_simulator
from tests.services.gateways.test_testing_values import TABLES


@pytest.fixture
async def simulator(tmp_path: Path, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    """Run a simulator, and let the API use it."""
    async with running_simulator(tmp_path / "sim.sqlite3") as running:
        monkeypatch.setitem(vars(app.state.services.settings), "simulator_url", str(running.http.base_url))
        yield running


def fault(caller: Caller, **fields: Any) -> dict[str, Any]:
    """Describe a fault of the caller's first gateway."""
    return {"gateway_id": first_gateway_id(caller.id), "operation": "authorise", "fault": "error_before"} | fields


async def test_the_values_are_those_of_the_page(caller: Caller, simulator: Simulator) -> None:
    """The list has each value of docs/testing-values.md that an order can be paid with, with the same result."""
    listed = (await caller.http.get("/test/values")).raise_for_status().json()["data"]
    found = {(each["field"], each["value"]): each for each in listed}
    tables = {"card": "Number", "vpa": "VPA/Result", "amount": "Amount (paise)", "bank": "Bank", "wallet": "Wallet"}
    for field, table in tables.items():
        for value, result, *_ in TABLES[table]:
            if result == "refused" or value == "not-an-address":
                continue
            shown = found[field, value]
            wanted = result.removeprefix("page, then ")
            assert (shown["result"], shown["needs_customer"]) == (wanted, wanted != result), value


async def test_a_fault_is_for_ones_own_gateway(caller: Caller, new_caller: NewCaller, simulator: Simulator) -> None:
    """Another merchant neither sees, meets nor switches off the fault of a gateway."""
    other = await new_caller()
    made = await caller.http.post("/test/faults", json=fault(caller, times=2))
    assert made.status_code == 201, made.text
    assert (made.json()["applied"], made.json()["times"]) == (0, 2)
    assert (await other.http.get("/test/faults")).json()["data"] == []
    assert (await other.http.delete("/test/faults")).status_code == 204
    (mine,) = (await caller.http.get("/test/faults")).json()["data"]
    assert mine["gateway_id"] == first_gateway_id(caller.id)
    (rule,) = (await simulator.http.get("/faults")).json()
    assert rule["match"]["account"] == first_gateway_id(caller.id)
    foreign = await other.http.post("/test/faults", json=fault(caller))
    assert (foreign.status_code, foreign.json()["code"]) == (404, "gateway_not_found")
    assert (await caller.http.delete("/test/faults")).status_code == 204
    assert (await caller.http.get("/test/faults")).json()["data"] == []


async def test_a_fault_that_is_none_says_why(caller: Caller, simulator: Simulator) -> None:
    """A fault that does not fit its operation is 422 with the simulator's reason; without a simulator it is 503."""
    wrong = await caller.http.post("/test/faults", json=fault(caller, fault="row_late"))
    assert (wrong.status_code, wrong.json()["code"]) == (422, "fault_invalid")
    assert "settlement" in wrong.json()["detail"]


async def test_without_a_simulator_nothing_is_known(
    caller: Caller, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A simulator that is away is a 503 that says so."""
    monkeypatch.setitem(vars(app.state.services.settings), "simulator_url", "http://127.0.0.1:9")
    away = await caller.http.get("/test/values")
    assert (away.status_code, away.json()["code"]) == (503, "simulator_unavailable")


async def test_live_merchants_have_no_testing_tools(live_caller: Caller, simulator: Simulator) -> None:
    """Neither a fault nor test data is made for a live merchant."""
    for answer in (
        await live_caller.http.post("/test/faults", json=fault(live_caller)),
        await live_caller.http.delete("/test/faults"),
        await live_caller.http.post("/test/data", json={}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "test_mode_only")
    assert (await simulator.http.get("/faults")).json() == []


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/test/faults"), ("DELETE", "/test/faults"), ("POST", "/test/data")]
)
async def test_the_permission_is_needed(caller: Caller, app: FastAPI, method: str, path: str) -> None:
    """A key without `testing:write` switches nothing and makes nothing."""
    key = (await caller.http.post("/api_keys", json={"name": "narrow", "permissions": ["payments:read"]})).json()
    async with client_of(app, Credentials(caller.id, "A Shop", key["id"], key["secret"])) as narrow:
        answer = await narrow.request(method, path, json={} if method == "POST" else None)
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_missing")


async def test_made_up_payments_are_whole(caller: Caller, api_engine: AsyncEngine) -> None:
    """They are in the past, their books balance, each has its events, no webhook is due, and a repeat adds nothing."""
    await caller.http.post("/webhook_endpoints", json={"url": "https://shop.example/hooks"})
    body = {"payments": 12, "days": 3, "mix": {"success": 1, "failed": 1, "expired": 1, "refunded": 1}}
    headers = {"Idempotency-Key": "fill-1"}
    made = await caller.http.post("/test/data", json=body, headers=headers)
    assert made.status_code == 201, made.text
    assert (made.json()["payments"], sum(made.json()["outcomes"].values())) == (12, 12)
    listed = (await caller.http.get("/payments?limit=100")).json()["data"]
    assert len(listed) == 12
    assert {each["status"] for each in listed} <= {"success", "failed", "expired"}
    async with api_engine.connect() as connection:
        own = payments.c.merchant_id == caller.id
        now = func.now()
        late = select(func.count()).where(own, payments.c.created_at > now)
        assert await connection.scalar(late) == 0
        booked = select(func.sum(ledger_entries.c.amount_minor)).where(
            ledger_entries.c.account == f"merchant/{caller.id}/payable"
        )
        kept = sum(each["amount_captured"] - each["amount_refunded"] for each in listed)
        assert -int(await connection.scalar(booked) or 0) == kept
        told = select(func.count(func.distinct(events.c.payment_id))).where(events.c.merchant_id == caller.id)
        assert await connection.scalar(told) == 12
        due = select(func.count()).where(webhook_deliveries.c.merchant_id == caller.id)
        assert await connection.scalar(due) == 0
        audited = select(audit_log.c.action).where(audit_log.c.merchant_id == caller.id)
        assert "test_data.create" in (await connection.execute(audited)).scalars().all()
    assert (await caller.http.post("/test/data", json=body, headers=headers)).json() == made.json()
    assert len((await caller.http.get("/payments?limit=100")).json()["data"]) == 12


async def test_a_made_up_payment_is_not_refunded(caller: Caller) -> None:
    """Its gateway is gone, so a refund is refused, and the made-up gateway is not listed."""
    await caller.http.post(
        "/test/data", json={"payments": 1, "mix": {"success": 1, "failed": 0, "expired": 0, "refunded": 0}}
    )
    (payment,) = (await caller.http.get("/payments")).json()["data"]
    refused = await caller.http.post(f"/payments/{payment['id']}/refunds", json={"amount": 100})
    assert (refused.status_code, refused.json()["code"]) == (422, "refund_not_supported")
    gateways = (await caller.http.get("/gateways")).json()["data"]
    assert payment["gateway_id"] not in [each["id"] for each in gateways]
