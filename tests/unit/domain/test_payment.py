"""The payment's state machine: which moves there are, and what no sequence of changes can bring about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.domain.events import EventType
from clearway.domain.ledger import gateway_receivable, merchant_payable
from clearway.domain.payment import (
    FINAL,
    HOLDS_ORDER,
    MOVES,
    Applied,
    CapturedAmount,
    CaptureMethod,
    Change,
    MoveRefusedError,
    Payment,
    PaymentStatus,
    apply_change,
)

S = PaymentStatus
AMOUNT_MINOR = 1_000

TABLE = {
    "pending": "requires_action processing retrying authorized success failed cancelled expired needs_review",
    "requires_action": "processing retrying authorized success failed cancelled expired needs_review",
    "processing": "retrying authorized success failed cancelled expired needs_review",
    "retrying": "failed cancelled needs_review",
    "authorized": "success cancelled expired needs_review",
    "needs_review": "authorized success failed cancelled",
    "success": "",
    "failed": "",
    "cancelled": "",
    "expired": "",
}
"""Every move there is, written down a second time: the state machine changes only when both do."""


def _payment(status: PaymentStatus = S.PENDING, **fields: object) -> Payment:
    payment = Payment(
        id="pay_1",
        merchant_id="mer_1",
        order_id="order_1",
        amount_minor=AMOUNT_MINOR,
        currency="INR",
        capture_method=CaptureMethod.MANUAL,
        gateway="simulator",
        gateway_id="gw_1",
        status=status,
    )
    return replace(payment, **fields)  # type: ignore[arg-type]


def _capture(amount_minor: int) -> CapturedAmount:
    return CapturedAmount("cap_1", amount_minor)


# The amounts at which something changes, and all others.
amounts = st.sampled_from([-1, 0, 1, 400, 600, 601, AMOUNT_MINOR, AMOUNT_MINOR + 1]) | st.integers(-1, AMOUNT_MINOR + 1)
captures = st.none() | amounts.map(_capture)
changes = st.builds(
    Change,
    step=st.uuids().map(str),
    to=st.sampled_from(PaymentStatus),
    reason=st.just("a test"),
    capture=captures,
    gateway_reference=st.none() | st.just("ref_1"),
    action_url=st.none() | st.just("https://bank.example"),
    error_code=st.none() | st.just("card_declined"),
)
histories = st.lists(changes, max_size=30)


def _live(history: list[Change], payment: Payment | None = None) -> Iterator[tuple[Payment, Change, Applied]]:
    """Apply what the state machine accepts, and yield each payment before, the change, and what it came to."""
    payment = payment or _payment()
    for change in history:
        with suppress(MoveRefusedError):
            applied = apply_change(payment, change)
            yield payment, change, applied
            payment = applied.payment


def test_every_move_is_in_the_table() -> None:
    """The moves are exactly those of the table."""
    assert {status.value: {to.value for to in MOVES[status]} for status in S} == {
        status: set(moves.split()) for status, moves in TABLE.items()
    }


@pytest.mark.parametrize(("before", "to"), [*product(S, S)], ids=str)
def test_a_move_outside_the_table_is_refused(before: PaymentStatus, to: PaymentStatus) -> None:
    """Of all pairs of statuses, those of the table can be moved between and no others, not even to itself."""
    needs_money = to is S.SUCCESS or before is S.SUCCESS
    payment = _payment(before, captured_minor=AMOUNT_MINOR if needs_money else 0)

    if to.value in TABLE[before.value].split():
        assert apply_change(payment, Change("step", to, "a test")).payment.status is to
    else:
        with pytest.raises(MoveRefusedError):
            apply_change(payment, Change("step", to, "a test"))


def test_final_statuses_are_those_without_a_way_out() -> None:
    """Final means that no move leads away; an order is free again after those that took no money."""
    assert {status for status, moves in MOVES.items() if not moves} == FINAL == set(S) - HOLDS_ORDER | {S.SUCCESS}


def test_every_status_can_be_reached_and_left() -> None:
    """No payment is stuck: from every status that is not final a final one can be reached."""
    reached = {S.PENDING} | {to for moves in MOVES.values() for to in moves}
    ends = set(FINAL)
    for _ in S:
        ends |= {status for status, moves in MOVES.items() if moves & ends}

    assert reached == set(S)
    assert ends == set(S)


@pytest.mark.parametrize("status", sorted(FINAL))
@given(change=changes)
def test_a_final_status_never_moves(status: PaymentStatus, change: Change) -> None:
    """Nothing moves a payment that has ended, and nothing is captured of it."""
    payment = _payment(status, captured_minor=AMOUNT_MINOR if status is S.SUCCESS else 0)
    with pytest.raises(MoveRefusedError):
        apply_change(payment, change)


@given(histories)
def test_no_history_moves_a_final_status(history: list[Change]) -> None:
    """In every order of changes, the first final status is the last status."""
    statuses = [applied.payment.status for _, _, applied in _live(history)]

    assert all(before not in FINAL for before, _ in pairwise(statuses))


@given(histories)
def test_no_history_captures_too_much(history: list[Change]) -> None:
    """What is captured only grows, by what each capture says, and never beyond what was authorised."""
    for before, change, applied in _live(history):
        taken = change.capture.amount_minor if change.capture else 0
        assert applied.payment.captured_minor == before.captured_minor + taken
        assert before.captured_minor <= applied.payment.captured_minor <= AMOUNT_MINOR


@pytest.mark.parametrize(
    ("captured_minor", "amount_minor", "accepted"),
    [
        (0, 1, True),
        (0, 1_000, True),
        (600, 400, True),
        (0, 1_001, False),
        (600, 401, False),
        (0, 0, False),
        (0, -1, False),
    ],
)
def test_a_capture_is_within_what_is_left(captured_minor: int, amount_minor: int, *, accepted: bool) -> None:
    """From one minor unit up to what is left can be captured: not one more, and not nothing."""
    payment = _payment(S.AUTHORIZED, captured_minor=captured_minor)
    change = Change("step", S.AUTHORIZED, "a test", capture=_capture(amount_minor))

    if accepted:
        assert apply_change(payment, change).payment.captured_minor == captured_minor + amount_minor
    else:
        with pytest.raises(MoveRefusedError, match=r"would exceed|at least one minor unit"):
            apply_change(payment, change)


@given(histories)
def test_money_and_status_agree(history: list[Change]) -> None:
    """A success has taken money; a payment that failed, was cancelled or expired has taken none."""
    for _, _, applied in _live(history):
        after = applied.payment
        assert after.status is not S.SUCCESS or after.captured_minor > 0
        assert after.status not in FINAL - {S.SUCCESS} or after.captured_minor == 0


@given(histories)
def test_books_follow_captures(history: list[Change]) -> None:
    """Every capture makes one balanced transaction of its amount, and nothing else makes any."""
    for _, change, applied in _live(history):
        booked = [
            (entry.account, entry.amount_minor) for transaction in applied.transactions for entry in transaction.entries
        ]
        if change.capture is None:
            assert booked == []
        else:
            amount_minor = change.capture.amount_minor
            owed = (gateway_receivable("gw_1"), amount_minor)
            assert booked == [owed, (merchant_payable("mer_1"), -amount_minor)]


@given(histories)
def test_every_status_change_has_its_event(history: list[Change]) -> None:
    """A new status has one event of its name; so has a capture that was requested."""
    for before, change, applied in _live(history):
        after = applied.payment
        told = [EventType.PAYMENT_CAPTURED] if change.capture else []
        if after.status is not before.status:
            told.append(EventType(f"payment.{after.status}"))
        assert list(applied.events) == told


@given(histories)
def test_every_step_is_counted_and_named(history: list[Change]) -> None:
    """The version counts the moves and the last step is the one just taken; who and what for never changes."""
    for before, change, applied in _live(history):
        after = applied.payment
        assert (after.version, after.last_step) == (before.version + 1, change.step)
        assert (after.id, after.merchant_id, after.order_id, after.money) == (
            before.id,
            before.merchant_id,
            before.order_id,
            before.money,
        )


@given(histories)
def test_a_page_to_visit_is_shown_only_while_it_helps(history: list[Change]) -> None:
    """The customer's page is there in `requires_action` and gone with it; the gateway's reference stays once known."""
    for before, change, applied in _live(history):
        after = applied.payment
        assert after.action_url == (change.action_url if after.status is S.REQUIRES_ACTION else None)
        assert after.gateway_reference == (change.gateway_reference or before.gateway_reference)


@pytest.mark.parametrize("status", [status for status in S if status is not S.AUTHORIZED])
def test_only_an_authorised_payment_stays_by_a_capture(status: PaymentStatus) -> None:
    """A partial capture leaves an authorised payment authorised; no other payment stays as it is."""
    authorised = apply_change(_payment(S.AUTHORIZED), Change("one", S.AUTHORIZED, "a test", capture=_capture(400)))

    assert authorised.payment.captured_minor == 400
    assert authorised.payment.capturable_minor == 600
    with pytest.raises(MoveRefusedError, match="cannot become"):
        apply_change(_payment(status), Change("one", status, "a test", capture=_capture(400)))


def test_an_automatic_capture_has_no_event_of_its_own() -> None:
    """With automatic capture, the only event is that of the success."""
    payment = _payment(capture_method=CaptureMethod.AUTOMATIC)
    applied = apply_change(payment, Change("one", S.SUCCESS, "a test", capture=_capture(AMOUNT_MINOR)))

    assert applied.events == (EventType.PAYMENT_SUCCESS,)


@given(st.integers(0, AMOUNT_MINOR), st.integers(0, AMOUNT_MINOR), st.integers(0, AMOUNT_MINOR))
def test_what_is_left_to_refund(captured_minor: int, refunded_minor: int, pending_minor: int) -> None:
    """What is refunded and what is promised both count against what was captured."""
    payment = _payment(
        S.SUCCESS, captured_minor=captured_minor, refunded_minor=refunded_minor, refund_pending_minor=pending_minor
    )

    assert payment.refundable_minor + refunded_minor + pending_minor == captured_minor
    assert payment.capturable_minor == 0
