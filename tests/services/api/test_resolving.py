"""Reviews resolved over the API: with a permission and an audit row, and the answer shows the result."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from clearway.db.tables import audit_log
from clearway.domain.ids import PAYMENT, REFUND, new_id
from clearway.durable.messages import payment_workflow_id
from tests.services.api.conftest import Payer
from tests.services.gateways.running import Simulator


async def under_review(payer: Payer) -> dict[str, Any]:
    """Create a payment of which the gateway took one unit too little."""
    return await payer.payment(vpa="wrongamount@clearway", until="needs_review")


async def test_a_decision_is_recorded_answered_and_audited(payer: Payer, api_engine: AsyncEngine) -> None:
    """A wrong decision is refused with its reason; a right one is recorded with its one audit row, and answered."""
    payment = await under_review(payer)
    path = f"/payments/{payment['id']}/resolve"
    guess = await payer.http.post(path, json={"outcome": "success", "reason": "looks good"})
    assert (guess.status_code, guess.json()["code"]) == (409, "not_resolvable")
    assert guess.json()["detail"].endswith("`--amount` on the command line). The payment was not changed.")
    decision = {"outcome": "success", "reason": "seen at the acquirer", "amount": payment["amount"] - 1}
    answer = await payer.http.post(path, json=decision)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["amount_captured"]) == ("success", payment["amount"] - 1)
    history = (await payer.http.get(f"/payments/{payment['id']}/history")).json()["data"]
    assert any(step["actor"] == f"operator:key:{payer.credentials.api_key}" for step in history)
    async with api_engine.connect() as connection:
        query = select(audit_log).where(audit_log.c.subject_id == payment["id"]).order_by(audit_log.c.id)
        lines = [line for line in await connection.execute(query) if line.action == "payment.resolve"]
    assert [line.actor for line in lines] == [f"key:{payer.credentials.api_key}"]
    again = await payer.http.post(path, json=decision)
    assert (again.status_code, again.json()["code"]) == (409, "not_resolvable")


@pytest.mark.parametrize(
    ("decision", "status", "code"),
    [({"outcome": "success", "amount": 19_999}, 200, None), ({"outcome": "cancelled"}, 409, "not_capturable")],
    ids=["took place", "did not"],
)
async def test_a_repeat_after_a_decision_has_what_it_came_to(
    payer: Payer, api_simulator: Simulator, decision: dict[str, Any], status: int, code: str | None
) -> None:
    """A capture in doubt is 504. Under the same key, it is then answered by what the operator found."""
    payment = await payer.payment(until="authorized", capture_method="manual")
    await api_simulator.switch(operation="capture", fault="wrong_amount", match={"payment_id": payment["id"]})

    async def capture() -> httpx.Response:
        key = {"Idempotency-Key": f"capture-{payment['id']}"}
        return await payer.http.post(f"/payments/{payment['id']}/capture", json={"amount": 20_000}, headers=key)

    assert (await capture()).json()["code"] == "gateway_outcome_unknown"
    assert (await capture()).json()["code"] == "gateway_outcome_unknown"
    await api_simulator.release()
    asked = {"reason": "seen at the acquirer"} | decision
    decided = await payer.http.post(f"/payments/{payment['id']}/resolve", json=asked)
    assert decided.status_code == 200, decided.text
    repeated = await capture()
    assert (repeated.status_code, repeated.json().get("code")) == (status, code), repeated.text


async def test_only_what_is_under_review_and_ones_own_is_resolved(payer: Payer, new_caller: Any) -> None:
    """A payment that is not under review is a 409; an unknown one and another merchant's are the same 404."""
    payment = await payer.payment()
    decision = {"outcome": "failed", "reason": "not found"}
    refused = await payer.http.post(f"/payments/{payment['id']}/resolve", json=decision)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_resolvable")
    stranger = await new_caller()
    for client, payment_id in ((stranger.http, payment["id"]), (payer.http, new_id(PAYMENT))):
        missing = await client.post(f"/payments/{payment_id}/resolve", json=decision)
        assert (missing.status_code, missing.json()["code"]) == (404, "payment_not_found")
    missing = await payer.http.post(f"/refunds/{new_id(REFUND)}/resolve", json=decision)
    assert (missing.status_code, missing.json()["code"]) == (404, "refund_not_found")


async def test_a_decision_is_checked_before_anything_is_done(payer: Payer) -> None:
    """An outcome that does not exist, an empty reason and an amount of nothing are a 422."""
    path = f"/payments/{new_id(PAYMENT)}/resolve"
    for body in (
        {"outcome": "expired", "reason": "x"},
        {"outcome": "failed", "reason": ""},
        {"outcome": "failed", "reason": " \u00a0 "},
        {"outcome": "failed", "reason": "a\x00b"},
        {"outcome": "success", "reason": "x", "amount": 0},
        {"outcome": "success"},
    ):
        assert (await payer.http.post(path, json=body)).status_code == 422


async def test_a_decision_about_a_payment_without_a_workflow_is_recorded(payer: Payer, temporal: Client) -> None:
    """A run that was terminated is replaced at once, and the new one records the decision."""
    payment = await under_review(payer)
    await temporal.get_workflow_handle(payment_workflow_id(payment["id"])).terminate("as an operator may")
    decision = {"outcome": "success", "reason": "seen at the acquirer", "amount": payment["amount"] - 1}
    answer = await payer.http.post(f"/payments/{payment['id']}/resolve", json=decision)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["amount_captured"]) == ("success", payment["amount"] - 1)
