"""What the database lacks of a gateway's operation: the table by which lost money is found."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clearway.db.across_merchants import Standing
from clearway.gateways.contract import GatewayOutcome, ListedOperation, OperationKind, OutcomeKind
from clearway.recovery.books import Missing, missing_of

APPROVED, PENDING = OutcomeKind.APPROVED, OutcomeKind.PENDING
NO_ROWS = Standing({}, {}, frozenset())


def operation(
    kind: OperationKind, outcome: OutcomeKind = APPROVED, *, captured: bool = False, key: str = "pay_1:x:1"
) -> ListedOperation:
    """Describe an operation of pay_1 by the gateway's books."""
    said = GatewayOutcome(outcome, references={"payment": "sim_1"}, amount_minor=500, currency="INR", captured=captured)
    return ListedOperation(key, kind, "pay_1", said, datetime(2026, 1, 1, tzinfo=UTC))


def payment(status: str, captured_minor: int = 0, *captures: str) -> Standing:
    """Describe how pay_1 stands in our rows."""
    return Standing({"pay_1": (status, captured_minor)}, {}, frozenset(captures))


def refund(status: str) -> Standing:
    """Describe how rfnd_1 stands in our rows."""
    return Standing({}, {"rfnd_1": status}, frozenset())


@pytest.mark.parametrize("kind", list(OperationKind))
@pytest.mark.parametrize("outcome", [APPROVED, PENDING])
def test_an_operation_of_what_has_no_row_is_missing(kind: OperationKind, outcome: OutcomeKind) -> None:
    """An operation without a row is missing, also while the gateway has not decided: the money may move yet."""
    assert missing_of(operation(kind, outcome), NO_ROWS) is Missing.ROW


@pytest.mark.parametrize("status", ["pending", "requires_action", "processing", "retrying", "failed"])
def test_an_authorisation_that_the_row_does_not_have_is_not_booked(status: str) -> None:
    """The row says that nothing is authorised, and the gateway approved it."""
    assert missing_of(operation(OperationKind.AUTHORISE), payment(status)) is Missing.BOOKING
    assert missing_of(operation(OperationKind.AUTHORISE, PENDING), payment(status)) is None


@pytest.mark.parametrize("status", ["authorized", "success", "cancelled", "expired"])
def test_an_authorisation_that_the_row_has_is_booked(status: str) -> None:
    """A cancelled or expired payment was authorised once, so its authorisation is booked."""
    assert missing_of(operation(OperationKind.AUTHORISE), payment(status)) is None


@pytest.mark.parametrize("status", ["authorized", "cancelled", "expired", "failed"])
def test_money_taken_with_the_authorisation_needs_a_captured_amount(status: str) -> None:
    """Without a captured amount, an authorisation that took money is not booked, for every status of the row."""
    taken = operation(OperationKind.AUTHORISE, captured=True)
    assert missing_of(taken, payment(status)) is Missing.BOOKING
    assert missing_of(taken, payment(status, 500)) is None


def test_a_capture_is_booked_under_its_own_reference() -> None:
    """Another capture of the payment does not stand for it, not even with the payment a success."""
    capture = operation(OperationKind.CAPTURE)
    assert missing_of(capture, payment("success", 500, "sim_2")) is Missing.BOOKING
    assert missing_of(capture, payment("success", 500, "sim_1")) is None


@pytest.mark.parametrize(
    ("status", "missing"), [("authorized", Missing.BOOKING), ("cancelled", None), ("expired", None)]
)
def test_a_void_is_booked_by_the_end_of_its_payment(status: str, missing: Missing | None) -> None:
    """A payment that still counts as authorised has nothing left at the gateway."""
    assert missing_of(operation(OperationKind.VOID), payment(status)) is missing


@pytest.mark.parametrize("status", ["pending", "requires_action", "retrying", "authorized", "failed"])
def test_a_closed_attempt_is_nothing_that_the_row_lacks(status: str) -> None:
    """Before another attempt, the failed one is voided at its gateway: the payment goes on, and nothing is missing."""
    closed = operation(OperationKind.VOID, key="pay_1:close:1")
    assert missing_of(closed, payment(status)) is None
    assert missing_of(closed, NO_ROWS) is Missing.ROW


@pytest.mark.parametrize("kind", [OperationKind.AUTHORISE, OperationKind.CAPTURE, OperationKind.VOID])
def test_what_is_under_review_is_left_to_its_person(kind: OperationKind) -> None:
    """A payment under review is left to the person who reviews it."""
    assert missing_of(operation(kind), payment("needs_review")) is None


@pytest.mark.parametrize(
    ("status", "missing"),
    [
        ("pending", Missing.BOOKING),
        ("failed", Missing.BOOKING),
        ("processed", None),
        ("reversed", None),
        ("needs_review", None),
    ],
)
def test_a_refund_is_booked_by_its_own_row(status: str, missing: Missing | None) -> None:
    """A refund that was paid out and counts as failed or pending is not booked; its payment does not matter."""
    paid_out = operation(OperationKind.REFUND, key="rfnd_1:refund:1")
    assert missing_of(paid_out, refund(status)) is missing
    assert missing_of(operation(OperationKind.REFUND, PENDING, key="rfnd_1:refund:1"), refund(status)) is None
