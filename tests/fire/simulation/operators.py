"""An operator who looks at the gateway before they decide: what the truth is about something in `needs_review`.

They see what the gateway's own dashboard shows, which no fault distorts. Where the gateway itself is undecided they
leave the review open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from clearway.gateways.contract import GatewayOutcome, OutcomeKind
from tests.services.gateways.asking import question_about
from tests.support.durable import Durable

UNDER_REVIEW: Final = "needs_review"
OPEN: Final = {OutcomeKind.PENDING, OutcomeKind.NEEDS_ACTION, OutcomeKind.UNKNOWN, OutcomeKind.RETRYABLE}


async def truth_about_payment(durable: Durable, payment_id: str) -> str | None:
    """Return the outcome that is true of a payment under review, or None when there is nothing to decide."""
    row = await durable.row(payment_id)
    seen = await _dashboard(durable, f"{payment_id}:authorise:1")
    if row.status != UNDER_REVIEW or seen.kind in OPEN:
        return None
    sums: Counter[str] = Counter()
    for effect in await durable.simulator.effects(payment_id):
        sums[effect["type"]] += effect["amount"]
    if sums["captured"] > row.captured_minor:
        return "success"
    if sums["authorised"] > sums["captured"] + sums["voided"]:
        return "authorized"
    if row.captured_minor:
        return "success"
    return "cancelled" if sums["voided"] else "failed"


async def truth_about_refund(durable: Durable, refund_id: str) -> str | None:
    """Return the outcome that is true of a refund under review, or None when there is nothing to decide."""
    row = await durable.refund_row(refund_id)
    seen = await _dashboard(durable, f"{refund_id}:refund:1")
    if row.status != UNDER_REVIEW or seen.kind in OPEN:
        return None
    return "processed" if seen.kind is OutcomeKind.APPROVED else "failed"


def decision(outcome: Any, *, is_complete: bool = True) -> dict[str, Any]:
    """Return what an operator types."""
    typed = {"outcome": outcome, "operator": "simulated", "reason": "seen on the gateway's dashboard"}
    return typed if is_complete else {"outcome": outcome}


async def _dashboard(durable: Durable, key: str) -> GatewayOutcome:
    async with _undistorted(durable):
        return await durable.simulator.gateway.recover(question_about(key))


@asynccontextmanager
async def _undistorted(durable: Durable) -> AsyncIterator[None]:
    """Lift the faults for a moment; those that were applied before count when they come back."""
    rules = (await durable.simulator.http.get("/faults")).json()
    for rule in rules:
        rule["times"] = None if rule["times"] is None else max(rule["times"] - rule["applied"], 0)
    await durable.faults()
    try:
        yield
    finally:
        await durable.faults(*rules)
