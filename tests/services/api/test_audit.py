"""The audit log of money: who captured, cancelled and refunded, written by the statement that records the command."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.crypto.encryption import Cipher
from clearway.db.audit import address_context
from clearway.db.tables import audit_log
from clearway.settings import DEVELOPMENT_SECRET_KEYS
from tests.services.api.conftest import Payer


async def audited(engine: AsyncEngine, payment_id: str) -> list[Row[Any]]:
    """Return what the audit log has about a payment, oldest first."""
    query = select(audit_log).where(audit_log.c.subject_id == payment_id).order_by(audit_log.c.id)
    async with engine.connect() as connection:
        return list((await connection.execute(query)).all())


async def test_captures_cancellations_and_refunds_name_who_asked(payer: Payer, api_engine: AsyncEngine) -> None:
    """The key, the request and the client's address, with the amount and the id of the command."""
    payment = await payer.payment(until="authorized", capture_method="manual")
    path, headers = f"/payments/{payment['id']}", {"X-Request-Id": "req-audited"}
    body = {"amount": 20_000, "final": False}
    assert (await payer.http.post(f"{path}/capture", json=body, headers=headers)).status_code == 200
    assert (await payer.http.post(f"{path}/cancel", headers=headers)).status_code == 200
    refund = await payer.http.post(f"{path}/refunds", json={"amount": 5_000}, headers=headers)
    assert refund.status_code == 201

    rows = await audited(api_engine, payment["id"])
    assert [row.action for row in rows] == ["payment.capture", "payment.cancel", "payment.refund"]
    assert {(row.actor, row.request_id, row.merchant_id) for row in rows} == {
        (f"key:{payer.credentials.api_key}", "req-audited", payer.id)
    }
    cipher, context = Cipher.from_settings(DEVELOPMENT_SECRET_KEYS), address_context("req-audited")
    assert {cipher.decrypt(row.address, context) for row in rows} == {"127.0.0.1"}
    assert [row.detail["amount"] for row in rows] == [20_000, 30_000, 5_000]
    assert rows[2].detail["refund_id"] == refund.json()["id"]


async def test_a_command_is_audited_once_and_a_refused_one_is_not(payer: Payer, api_engine: AsyncEngine) -> None:
    """A repeat with its key adds no row, and what changed nothing leaves none."""
    payment = await payer.payment(until="authorized", capture_method="manual")
    path, headers = f"/payments/{payment['id']}", {"Idempotency-Key": "k"}
    assert (await payer.http.post(f"{path}/capture", json={"amount": 60_000})).status_code == 409
    assert (await payer.http.post(f"{path}/refunds", json={"amount": 1_000})).status_code == 409
    assert await audited(api_engine, payment["id"]) == []
    for _ in range(2):
        assert (await payer.http.post(f"{path}/capture", headers=headers)).status_code == 200
    assert [row.action for row in await audited(api_engine, payment["id"])] == ["payment.capture"]
