"""An example of each event, made of the models of the resources, so that it has every field and no other.

The examples tell one story: an order of 500 rupees that is paid by UPI. Nothing in them exists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from clearway.domain.attempt import AttemptStatus, Executed
from clearway.domain.breaker import BreakerState
from clearway.domain.event_catalogue import STATUSES
from clearway.domain.event_data import OF_HEALTH
from clearway.domain.events import EventType, timestamp
from clearway.domain.gateway_health import HealthStatus
from clearway.domain.order import OrderStatus
from clearway.domain.payment import CaptureMethod, PaymentMethod, PaymentStatus
from clearway.domain.reconciliation import ItemKind, RunStatus, Step
from clearway.domain.refund import RefundStatus
from clearway.domain.resources import (
    AttemptResource,
    BreakerResource,
    ContradictionResource,
    Customer,
    EndpointTestResource,
    HealthResource,
    NextAction,
    OrderResource,
    PaymentResource,
    ReconciliationFound,
    ReconciliationResource,
    RefundResource,
    Resource,
)
from clearway.domain.review import DESCRIPTIONS, ReviewKind

BODY: Final = "01m7yv51wdc6tzp8g6hb86sqk6"
"""The second part of every id, so that an example is known as one."""
ENDPOINT_ID: Final = f"whe_{BODY}"
TEST_MESSAGE: Final = "This is a test of your webhook endpoint. No payment changed."
AT: Final = datetime(2026, 11, 21, 10, 41, 38, tzinfo=UTC)
AMOUNT_MINOR: Final = 50_000
_FAILURE: Final = {"error_code": "insufficient_funds", "error_description": "The account has insufficient funds."}
_TAKEN: Final = frozenset({PaymentStatus.SUCCESS})


def example_of(event_type: EventType, at: datetime = AT) -> dict[str, Any]:
    """Return the whole body of an example event that happened at this moment."""
    return {
        "id": f"evt_{BODY}",
        "type": event_type.value,
        "timestamp": timestamp(at),
        "data": example_data(event_type, at).data(),
    }


def example_data(event_type: EventType, at: datetime = AT) -> Resource:
    """Return the resource in an example event: as it would be right after the change."""
    noun, _, verb = event_type.value.partition(".")
    status = STATUSES.get(event_type, [verb])[-1]
    if event_type is EventType.PAYMENT_ATTEMPT_FAILED:
        return _attempt(at)
    if verb == "contradicted":
        return _contradiction(noun, at)
    if noun == "gateway":
        return _health(event_type, at) if event_type in OF_HEALTH else _breaker(event_type, at)
    make: Mapping[str, Callable[[], Resource]] = {
        "order": lambda: _order(OrderStatus(status), at),
        "payment": lambda: _payment(event_type, PaymentStatus(status), at),
        "refund": lambda: _refund(RefundStatus(status), at),
        "reconciliation": lambda: _reconciliation(RunStatus(status), at),
        "endpoint": lambda: EndpointTestResource(endpoint_id=ENDPOINT_ID, message=TEST_MESSAGE),
    }
    return make[noun]()


def _order(status: OrderStatus, at: datetime) -> OrderResource:
    return OrderResource(
        id=f"order_{BODY}",
        amount=AMOUNT_MINOR,
        currency="INR",
        receipt="R-1042",
        notes={},
        status=status,
        expires_at=at if status is OrderStatus.EXPIRED else None,
        created_at=at - timedelta(hours=1),
        updated_at=at,
    )


def _payment(event_type: EventType, status: PaymentStatus, at: datetime) -> PaymentResource:
    by_hand = event_type in {EventType.PAYMENT_AUTHORIZED, EventType.PAYMENT_CAPTURED}
    taken = status in _TAKEN
    failed = status in {PaymentStatus.FAILED, PaymentStatus.RETRYING}
    url = f"https://gateway.example/act/{BODY}"
    return PaymentResource(
        id=f"pay_{BODY}",
        order_id=f"order_{BODY}",
        amount=AMOUNT_MINOR,
        currency="INR",
        status=status,
        method=PaymentMethod.UPI,
        capture_method=CaptureMethod.MANUAL if by_hand else CaptureMethod.AUTOMATIC,
        captured=taken,
        amount_captured=AMOUNT_MINOR if taken else 0,
        amount_refunded=0,
        vpa="ada@upi",
        customer=Customer(id="customer-7", name="Ada Lovelace", email="ada@shop.example"),
        notes={"cart": "c-1042"},
        next_action=NextAction(url=url) if status is PaymentStatus.REQUIRES_ACTION else None,
        next_attempt_at=at + timedelta(hours=1) if status is PaymentStatus.RETRYING else None,
        gateway="simulator",
        gateway_id=f"gw_{BODY}",
        **(_FAILURE if failed else {}),
        created_at=at - timedelta(seconds=2),
        updated_at=at,
    )


def _attempt(at: datetime) -> AttemptResource:
    return AttemptResource(
        payment_id=f"pay_{BODY}",
        number=1,
        gateway="simulator",
        gateway_id=f"gw_{BODY}",
        status=AttemptStatus.FAILED,
        executed=Executed.NO,
        error_code="gateway_unavailable",
        error_description="The gateway is not available.",
        started_at=at - timedelta(seconds=2),
        ended_at=at,
    )


def _refund(status: RefundStatus, at: datetime) -> RefundResource:
    failed = status is RefundStatus.FAILED
    return RefundResource(
        id=f"rfnd_{BODY}",
        payment_id=f"pay_{BODY}",
        amount=AMOUNT_MINOR,
        currency="INR",
        status=status,
        reason="The customer sent the goods back.",
        error_code="refund_failed" if failed else None,
        error_description="The customer's bank refused the refund." if failed else None,
        created_at=at - timedelta(seconds=4),
        updated_at=at,
    )


def _contradiction(noun: str, at: datetime) -> ContradictionResource:
    of_refund = noun == "refund"
    kind = ReviewKind.REFUNDED_AFTER_FAILURE if of_refund else ReviewKind.TAKEN_AFTER_END
    return ContradictionResource(
        id=f"rev_{BODY}",
        kind=kind,
        description=DESCRIPTIONS[kind],
        payment_id=f"pay_{BODY}",
        refund_id=f"rfnd_{BODY}" if of_refund else None,
        recorded_status="failed" if of_refund else "expired",
        recorded_amount=AMOUNT_MINOR if of_refund else 0,
        reported_outcome="approved",
        reported_amount=AMOUNT_MINOR,
        reported_currency="INR",
        opened_at=at,
    )


def _breaker(event_type: EventType, at: datetime) -> BreakerResource:
    is_open = event_type is EventType.GATEWAY_BREAKER_OPENED
    return BreakerResource(
        gateway_id=f"gw_{BODY}",
        operation="authorise",
        state=BreakerState.OPEN if is_open else BreakerState.CLOSED,
        successes=4 if is_open else 0,
        failures=16 if is_open else 0,
        last_failure="unknown" if is_open else None,
        opened_at=at if is_open else None,
        open_until=at + timedelta(seconds=30) if is_open else None,
    )


def _health(event_type: EventType, at: datetime) -> HealthResource:
    well = event_type is not EventType.GATEWAY_UNHEALTHY
    degraded = event_type is EventType.GATEWAY_DEGRADED
    return HealthResource(
        gateway_id=f"gw_{BODY}",
        status=HealthStatus.HEALTHY if well else HealthStatus.UNHEALTHY,
        since=at,
        message=None if well else "The gateway does not answer. Look at its status page.",
        latency_ms=180 if well else None,
        checked_at=at,
        degraded_by=["success rate 71 % of 120 payments, under 80 %"] if degraded else [],
        degraded_since=at if degraded else None,
    )


def _reconciliation(status: RunStatus, at: datetime) -> ReconciliationResource:
    completed = status is RunStatus.COMPLETED
    found = ReconciliationFound(kind=ItemKind.FEE_UNEXPECTED, currency="INR", open=1, at_risk=250)
    return ReconciliationResource(
        id=f"rcn_{BODY}",
        gateway_id=f"gw_{BODY}",
        since=at - timedelta(days=1),
        until=at,
        status=status,
        step=Step.DONE if completed else Step.ROWS,
        counts={"compared": 120, "matched": 119} if completed else {},
        found=[found] if completed else [],
        failure=None if completed else "The gateway did not list its balance rows. Start the reconciliation again.",
        created_by="clearway",
        started_at=at - timedelta(minutes=1),
        ended_at=at,
    )
