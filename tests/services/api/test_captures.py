"""Capturing payments and calling them off, over the whole stack."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.tables import audit_log
from tests.services.api.conftest import Payer
from tests.services.api.rows import forget_answer


class TestCapture:
    """`POST /payments/{id}/capture`."""

    async def test_captures_in_part_until_nothing_is_left(self, payer: Payer) -> None:
        """Several captures up to the authorised amount; the last makes it a success."""
        authorised = await payer.payment(until="authorized", capture_method="manual")
        path = f"/payments/{authorised['id']}/capture"
        first = await payer.http.post(path, json={"amount": 20_000})
        assert (first.status_code, first.json()["status"]) == (200, "authorized")
        assert first.json()["amount_captured"] == 20_000
        rest = await payer.http.post(path)
        assert (rest.json()["status"], rest.json()["amount_captured"]) == ("success", 50_000)

    async def test_what_is_captured_in_full_is_answered_as_it_is(self, payer: Payer) -> None:
        """Capturing again what is captured already is a 200 with the payment, and takes nothing."""
        paid = await payer.payment()
        again = await payer.http.post(f"/payments/{paid['id']}/capture", json={"amount": 1})
        assert again.status_code == 200
        assert again.json() == paid

    async def test_more_than_is_authorised_is_a_409(self, payer: Payer) -> None:
        """A capture beyond what is left takes nothing."""
        authorised = await payer.payment(until="authorized", capture_method="manual")
        refused = await payer.http.post(f"/payments/{authorised['id']}/capture", json={"amount": 50_001})
        assert refused.status_code == 409
        assert refused.json()["code"] == "not_capturable"
        assert (await payer.http.get(f"/payments/{authorised['id']}")).json()["amount_captured"] == 0

    async def test_a_key_captures_once(self, payer: Payer, api_engine: AsyncEngine) -> None:
        """Ten racing captures under one key take the amount once; so does a repeat whose answer was lost."""
        authorised = await payer.payment(until="authorized", capture_method="manual")
        path = f"/payments/{authorised['id']}/capture"

        async def capture() -> Any:
            return await payer.http.post(path, json={"amount": 20_000}, headers={"Idempotency-Key": "c"})

        answers = await asyncio.gather(*(capture() for _ in range(10)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        await forget_answer(api_engine, payer.id)
        assert (await capture()).status_code == 200
        assert (await payer.http.get(f"/payments/{authorised['id']}")).json()["amount_captured"] == 20_000

    async def test_a_payment_that_failed_cannot_be_captured(self, payer: Payer) -> None:
        """409 with the status it has."""
        failed = await payer.payment(vpa="failure@razorpay", until="failed")
        refused = await payer.http.post(f"/payments/{failed['id']}/capture")
        assert refused.status_code == 409
        assert "failed" in refused.json()["detail"]

    async def test_a_capture_is_in_the_audit_log(self, payer: Payer, api_engine: AsyncEngine) -> None:
        """Who captured, with which key and in which request, is kept."""
        authorised = await payer.payment(until="authorized", capture_method="manual")
        await payer.http.post(f"/payments/{authorised['id']}/capture", headers={"X-Request-Id": "req-audited"})
        async with api_engine.connect() as connection:
            query = select(audit_log).where(audit_log.c.subject_id == authorised["id"])
            row = (await connection.execute(query)).one()
        assert (row.action, row.actor) == ("payment.capture", f"key:{payer.credentials.api_key}")
        assert row.request_id == "req-audited"


class TestCancel:
    """`POST /payments/{id}/cancel`."""

    async def test_an_authorised_payment_is_released(self, payer: Payer) -> None:
        """Cancelling releases the authorisation and says why; cancelling again answers the payment as it is."""
        authorised = await payer.payment(until="authorized", capture_method="manual")
        path = f"/payments/{authorised['id']}/cancel"
        cancelled = await payer.http.post(path, json={"reason": "out of stock"})
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
        again = await payer.http.post(path)
        assert (again.status_code, again.json()) == (200, cancelled.json())

    async def test_a_successful_payment_is_refunded_instead(self, payer: Payer) -> None:
        """Too late: 409, and nothing changes."""
        paid = await payer.payment()
        refused = await payer.http.post(f"/payments/{paid['id']}/cancel")
        assert refused.status_code == 409
        assert refused.json()["code"] == "not_cancellable"
