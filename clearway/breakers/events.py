"""The events of a breaker: one when it opens and one when it closes. Reopening after a probe sends none."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from clearway.db.events import Happening
from clearway.domain.breaker import Breaker, BreakerState
from clearway.domain.events import EventType
from clearway.domain.resources import BreakerResource


def breaker_resource(row: Row[Any], breaker: Breaker, last_failure: str | None) -> BreakerResource:
    """Return the breaker's API resource."""
    return BreakerResource(
        gateway_id=row.gateway_id,
        operation=row.operation,
        state=breaker.state,
        successes=breaker.successes,
        failures=breaker.failures,
        last_failure=last_failure or row.last_failure,
        opened_at=breaker.opened_at,
        open_until=breaker.open_until,
    )


def happening_of(
    row: Row[Any],
    before: Breaker,
    after: Breaker,
    last_failure: str | None,
    *,
    actor: str = "system",
    closed_by: str = "calls went well",
) -> Happening | None:
    """Return the event for a change, or None. closed_by: why it closed."""
    was_closed, is_closed = before.state is BreakerState.CLOSED, after.state is BreakerState.CLOSED
    if was_closed is is_closed:
        return None
    return Happening(
        type=EventType.GATEWAY_BREAKER_CLOSED if is_closed else EventType.GATEWAY_BREAKER_OPENED,
        merchant_id=row.merchant_id,
        data=breaker_resource(row, after, last_failure).data(),
        step=f"breaker {row.operation} {row.version + 1}",
        subject_id=row.gateway_id,
        from_status=before.state.value,
        to_status=after.state.value,
        reason=f"{row.operation}: {last_failure or closed_by}",
        actor=actor,
    )
