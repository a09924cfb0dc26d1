"""What is kept and measured of a call to a gateway."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio import activity

from clearway.breakers.counting import failure_of
from clearway.domain.gateway_call import CallOperation
from clearway.gateways.connections import Connection
from clearway.gateways.contract import GatewayOutcome, Operation


def row_of(
    connection: Connection, operation: Operation, made: CallOperation, outcome: GatewayOutcome, took: timedelta
) -> dict[str, Any]:
    """Return what is kept of a call, but for its time and its HTTP status."""
    assert outcome.executed is not None, "the outcome fills it in"
    return {
        "merchant_id": connection.config.merchant_id,
        "gateway_id": connection.config.id,
        "operation": made,
        "payment_id": operation.payment_id,
        "operation_key": operation.key,
        "attempt": operation.number,
        "amount_minor": operation.amount_minor,
        "currency": operation.currency,
        "method": operation.authorisation.method if operation.authorisation else None,
        "latency_ms": round(took.total_seconds() * 1_000),
        "outcome": outcome.kind.value,
        "executed": outcome.executed.value,
        "failure": failure_of(outcome, took.total_seconds()),
        "error_code": outcome.error_code,
    }


def measure(connection: Connection, made: CallOperation, outcome: GatewayOutcome, took: timedelta) -> None:
    """Add a call to the histogram."""
    if not activity.in_activity():
        return
    about = "How long calls to gateways took."
    labels = {"kind": connection.config.kind.value, "operation": made.value, "outcome": outcome.kind.value}
    activity.metric_meter().create_histogram_timedelta("clearway_gateway_call_duration_seconds", about, "s").record(
        took, labels
    )
