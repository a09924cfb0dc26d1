"""`/reconciliations`: started, listed, resolved and imported through the API; each merchant has its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.tables import audit_log, gateway_configs
from tests.services.api.conftest import Caller, NewCaller, Payer, eventually

COLUMNS = {"date": "date", "gross": "gross", "currency": "currency", "gateway_id": "id", "our_id": "order"}


async def gateway_of(caller: Caller) -> str:
    """Return the simulator that the merchant was created with."""
    return str((await caller.http.get("/gateways")).json()["data"][-1]["id"])


def last_day(gateway_id: str) -> dict[str, Any]:
    """Return the request for the last day."""
    now = datetime.now(UTC)
    return {"gateway_id": gateway_id, "since": (now - timedelta(days=1)).isoformat(), "until": now.isoformat()}


async def reconciled(caller: Caller) -> dict[str, Any]:
    """Start a run, wait for its end and return it."""
    made = await caller.http.post("/reconciliations", json=last_day(await gateway_of(caller)))
    assert made.status_code == 202, made.text

    async def shown() -> dict[str, Any]:
        found: dict[str, Any] = (await caller.http.get(f"/reconciliations/{made.json()['id']}")).json()
        return found

    return await eventually(shown, lambda found: found["status"] != "running")


async def imported(caller: Caller, content: str, **more: Any) -> Any:
    """Import a file."""
    body = {"gateway_id": await gateway_of(caller), "target": "balance_rows", "columns": COLUMNS, "content": content}
    return await caller.http.post("/reconciliations/imports", json=body | more)


async def test_a_run_is_started_carried_out_and_shown(payer: Payer) -> None:
    """The workflow carries the run to its end; the run is in the list, and its event is written."""
    run = await reconciled(payer)
    assert (run["status"], run["step"], run["failure"]) == ("completed", "done", None)
    listed = (await payer.http.get("/reconciliations")).json()["data"]
    assert [each["id"] for each in listed] == [run["id"]]
    events = (await payer.http.get("/events", params={"type": "reconciliation.completed"})).json()["data"]
    assert [event["data"]["id"] for event in events] == [run["id"]]


async def test_a_day_of_a_gateway_with_broken_credentials_is_accepted(payer: Payer, api_engine: AsyncEngine) -> None:
    """The day needs only the time zone of the gateway's settings, so no connector is built for it."""
    gateway_id = await gateway_of(payer)
    async with api_engine.begin() as connection:
        broken = {"sealed_credentials": "not sealed", "version": gateway_configs.c.version + 1}
        await connection.execute(update(gateway_configs).where(gateway_configs.c.id == gateway_id).values(broken))
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    made = await payer.http.post("/reconciliations", json={"gateway_id": gateway_id, "date": yesterday})
    assert made.status_code == 202, made.text


async def test_a_stray_row_is_an_item_that_a_person_closes(payer: Payer, api_engine: AsyncEngine) -> None:
    """An imported row of nobody is an item; closing it needs a reason, is audited, and is done once."""
    old = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    made = await imported(payer, f"id,date,order,gross,currency\ntx-1,{old},,5.00,USD\n")
    assert (made.status_code, made.json()["added"]) == (200, 1), made.text
    await reconciled(payer)
    (item,) = (await payer.http.get("/reconciliations/items", params={"state": "open"})).json()["data"]
    assert (item["kind"], item["at_risk"], item["currency"], item["correction"]) == (
        "missing_with_us",
        500,
        "USD",
        None,
    )
    path = f"/reconciliations/items/{item['id']}/resolve"
    assert (await payer.http.post(path, json={"outcome": "explained"})).status_code == 422
    closed = await payer.http.post(path, json={"outcome": "written_off", "reason": "a test of the portal"})
    assert (closed.status_code, closed.json()["state"]) == (200, "written_off"), closed.text
    assert closed.json()["correction"]["reason"] == "a test of the portal"
    again = await payer.http.post(path, json={"outcome": "explained", "reason": "once more"})
    assert (again.status_code, again.json()["code"]) == (409, "reconciliation_item_closed")
    assert (await payer.http.get("/reconciliations/items", params={"state": "open"})).json()["data"] == []
    async with api_engine.connect() as connection:
        query = select(audit_log.c.detail).where(
            audit_log.c.action == "reconciliation_item.resolve", audit_log.c.subject_id == item["id"]
        )
        (detail,) = (await connection.execute(query)).scalars()
    assert detail["reason"] == "a test of the portal"


async def test_another_merchant_finds_nothing(payer: Payer, new_caller: NewCaller) -> None:
    """Runs, items and gateways of another merchant are not there."""
    run, other = await reconciled(payer), await new_caller()
    assert (await other.http.get(f"/reconciliations/{run['id']}")).json()["code"] == "reconciliation_not_found"
    assert (await other.http.get("/reconciliations")).json()["data"] == []
    made = await other.http.post("/reconciliations", json=last_day(await gateway_of(payer)))
    assert (made.status_code, made.json()["code"]) == (404, "gateway_not_found")


@pytest.mark.parametrize(
    "period",
    [
        {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
        {"since": "2020-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
        {"date": "2100-01-01"},
    ],
)
async def test_a_period_that_cannot_be_compared_is_refused(payer: Payer, period: dict[str, str]) -> None:
    """Empty, too long or future periods start nothing."""
    made = await payer.http.post("/reconciliations", json={"gateway_id": await gateway_of(payer)} | period)
    assert (made.status_code, made.json()["code"]) == (422, "reconciliation_period_invalid"), made.text


async def test_a_file_with_a_problem_names_its_row(payer: Payer) -> None:
    """A dry run shows problems and rows and stores nothing; without it the file is refused whole."""
    content = "id,date,order,gross,currency\ntx-1,2026-11-25,,5.00,USD\ntx-2,2026-11-25,,five,USD\n"
    tried = await imported(payer, content, dry_run=True)
    assert (tried.status_code, tried.json()["id"]) == (200, None), tried.text
    assert [each["row"] for each in tried.json()["problems"]] == [3]
    assert [each["id"] for each in tried.json()["first"]] == ["tx-1"]
    refused = await imported(payer, content)
    assert (refused.status_code, refused.json()["code"]) == (422, "settlement_file_invalid")
    assert "Row 3" in refused.json()["detail"]
    too_large = await imported(payer, "x" * 70_000)
    assert too_large.status_code == 413


async def test_each_act_needs_its_permission(new_caller: NewCaller, payer: Payer) -> None:
    """Reading, starting and resolving are three permissions."""
    made = await payer.http.post("/api_keys", json={"name": "reader", "permissions": ["reconciliations:read"]})
    headers = {"X-Api-Key": made.json()["id"], "X-Api-Secret": made.json()["secret"]}
    assert (await payer.http.get("/reconciliations", headers=headers)).status_code == 200
    for path, body in (
        ("/reconciliations", last_day(await gateway_of(payer))),
        ("/reconciliations/items/rci_x/resolve", {"outcome": "explained", "reason": "because"}),
    ):
        refused = await payer.http.post(path, json=body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_missing")
