"""A merchant's own rows over the error table."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.tables import audit_log
from tests.services.api.conftest import Caller, Payer

ROW = {"gateway": "simulator", "operation": "authorise", "code": "insufficient_funds"}

DOUBTFUL = ROW | {"operation": "any", "code": "idempotency_key_reused"}


async def test_an_override_decides_for_its_merchant(payer: Payer) -> None:
    """`elsewhere: yes` of the merchant moves the payment, and its code and text are those of the merchant."""
    second = {"kind": "simulator", "name": "Second", "priority": 200, "test": False}
    assert (await payer.http.post("/gateways", json=second)).status_code == 201
    own = ROW | {"elsewhere": "yes", "error_code": "payment_declined", "merchant_text": "Ask for another way to pay."}
    saved = await payer.http.put("/errors/overrides", json=own)
    assert saved.status_code == 200, saved.text
    assert (saved.json()["executed"], saved.json()["replaced"]) == ("yes", ["error_code", "elsewhere", "merchant_text"])
    moved = await payer.payment(until="failed", vpa="lowfunds@clearway")
    told = (moved["error_code"], moved["error_description"])
    assert told == ("payment_declined", "Ask for another way to pay.")
    assert await _tries(payer, moved) == 2


async def _tries(payer: Payer, payment: dict[str, Any]) -> int:
    return len((await payer.http.get(f"/payments/{payment['id']}/attempts")).json()["data"])


async def test_an_override_is_replaced_listed_removed_and_audited(caller: Caller, api_engine: AsyncEngine) -> None:
    """One row a key; every change is in the audit log with what was before and after."""
    first = (await caller.http.put("/errors/overrides", json=ROW | {"elsewhere": "yes"})).json()
    again = (await caller.http.put("/errors/overrides", json=ROW | {"wait_s": 60})).json()
    assert (first["id"], again["elsewhere"], again["wait_s"]) == (again["id"], "no", 60)
    listed = (await caller.http.get("/errors/overrides")).json()["data"]
    assert [(each["id"], each["code"], each["replaced"]) for each in listed] == [
        (first["id"], "insufficient_funds", ["wait_s"])
    ]
    assert (await caller.http.delete(f"/errors/overrides/{first['id']}")).status_code == 204
    assert (await caller.http.delete(f"/errors/overrides/{first['id']}")).status_code == 404
    query = select(audit_log).where(audit_log.c.merchant_id == caller.id).order_by(audit_log.c.id)
    async with api_engine.connect() as connection:
        lines = [line for line in await connection.execute(query) if line.subject_type == "error_override"]
    assert [line.action for line in lines] == ["error_override.put", "error_override.put", "error_override.delete"]
    assert lines[1].detail["before"]["elsewhere"] == "yes"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (ROW | {"code": "no_such_code"}, 404, "error_row_not_found"),
        (ROW | {"error_code": "no_such_code"}, 422, "error_override_invalid"),
        (DOUBTFUL | {"elsewhere": "yes"}, 422, "error_override_invalid"),
        (ROW | {"executed": "no"}, 422, "validation_error"),
    ],
)
async def test_what_only_the_table_knows_cannot_be_overridden(
    caller: Caller, body: dict[str, Any], status: int, code: str
) -> None:
    """An error in doubt never lets another gateway try, and nobody but the table says whether a gateway acted."""
    refused = await caller.http.put("/errors/overrides", json=body)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert (await caller.http.get("/errors/overrides")).json()["data"] == []
