"""What is kept and measured of a call to a gateway, and of one that must wait."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from temporalio import activity

from clearway.breakers.counting import failure_of
from clearway.domain.gateway_call import CallOperation
from clearway.domain.gateway_error import Elsewhere
from clearway.gateways.connections import Connection
from clearway.gateways.contract import UNKNOWN, AnswerUnreadableError, Executed, GatewayOutcome, Operation, OutcomeKind
from clearway.gateways.errors.judging import surely_not_executed

Calling = Coroutine[Any, Any, GatewayOutcome]
QUESTIONS: Final = frozenset({CallOperation.RECOVER, CallOperation.ABORT})
"""What says nothing about the operation when it is not sent."""


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


def count_dropped(dropped: int) -> None:
    """Count calls that are not kept as rows."""
    if dropped and activity.in_activity():
        about = "Calls to gateways that were not kept as rows, because the database was away for too long."
        activity.metric_meter().create_counter("clearway_gateway_calls_dropped", about).add(dropped)


def asks_to_wait(outcome: GatewayOutcome, status: int | None) -> bool:
    """Return whether a gateway refused a request because there were too many, and says how long to wait."""
    refused = outcome.kind in {OutcomeKind.RETRYABLE, OutcomeKind.UNKNOWN}
    return refused and status == HTTPStatus.TOO_MANY_REQUESTS and bool(outcome.retry_after_s)


def waiting(made: CallOperation, wait_s: float) -> GatewayOutcome:
    """Return the outcome of a call that waits for its turn: a question is asked later, all else is sent later."""
    if activity.in_activity():
        about = "Calls to gateways that waited for a limit of theirs."
        activity.metric_meter().create_counter("clearway_gateway_calls_waited", about).add(1, {"operation": made.value})
    if made in QUESTIONS:
        return GatewayOutcome(OutcomeKind.UNKNOWN, retry_after_s=wait_s, limited=True)
    detail = "The gateway's request limit was reached until the deadline. Nothing was sent. Try again."
    outcome = GatewayOutcome(
        OutcomeKind.RETRYABLE,
        Executed.NO,
        retry_after_s=wait_s,
        error_code="gateway_unavailable",
        error_description=detail,
        limited=True,
    )
    return surely_not_executed(outcome)


def held_back(operation: Operation, refused: GatewayOutcome) -> GatewayOutcome:
    """Return the refusal of a card that must not be tried."""
    activity.logger.info("%s was not sent: %s", operation.key, refused.error_description)
    about = "Attempts with a card that were not sent, because of the limits of the card networks."
    activity.metric_meter().create_counter("clearway_card_attempts_held_back", about).add(1)
    return refused


def switched_off(operation: Operation, error: Exception) -> GatewayOutcome:
    """Return the decline of a gateway that takes no payments now: to wait for it would keep the customer waiting."""
    activity.logger.warning("%s was not sent: %s", operation.key, error)
    return GatewayOutcome(
        OutcomeKind.DECLINED,
        Executed.NO,
        error_code="gateway_unavailable",
        error_description="The gateway was disabled before the payment was sent to it. Nothing was charged. Try again.",
        elsewhere=Elsewhere.YES,
        worth_again_s=0,
    )


async def outcome_of(calling: Calling) -> GatewayOutcome:
    """Return the outcome of a call; UNKNOWN when the connector could not read the answer."""
    try:
        return await calling
    except AnswerUnreadableError as error:
        activity.logger.warning("the gateway's answer is unreadable: %s", error)
        return UNKNOWN
