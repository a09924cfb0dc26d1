"""The limits of a gateway: requests are spread, those under way are counted, and a gateway's own wish comes first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from activities.gateway_measuring import asks_to_wait, waiting
from clearway.domain.gateway_call import CallOperation
from clearway.domain.gateway_limits import GatewayLimits, Turn, Usage, take
from clearway.gateways.contract import Executed, GatewayOutcome, OutcomeKind

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
CALL = timedelta(seconds=40)


def turns(usage: Usage, limits: GatewayLimits, count: int, now: datetime = NOW) -> tuple[Usage, list[Turn]]:
    """Take several turns at once."""
    taken = []
    for number in range(count):
        usage, turn = take(usage, limits, f"gwc_{now}_{number}", now, until=now + CALL)
        taken.append(turn)
    return usage, taken


def test_requests_are_spread_evenly_and_stand_in_line_beyond_a_second() -> None:
    """At two a second, the third waits a second; the next ones ask again later, each at another moment."""
    usage, taken = turns(Usage(), GatewayLimits(requests_per_s=2), 6)
    assert taken[:3] == [Turn(0), Turn(0.5), Turn(1)]
    assert taken[3:] == [Turn(2, again=True), Turn(2.5, again=True), Turn(3, again=True)]
    _, later = turns(usage, GatewayLimits(requests_per_s=2), 1, NOW + timedelta(seconds=2))
    assert later == [Turn(0)]


def test_requests_under_way_are_counted_until_they_end_or_their_process_is_dead() -> None:
    """With two at once the third waits; a request whose end nobody reports counts no more after a while."""
    usage, taken = turns(Usage(), GatewayLimits(concurrent=2), 3)
    assert [turn.again for turn in taken] == [False, False, True]
    first, *_ = usage.under_way
    ended = replace(usage, under_way={each: end for each, end in usage.under_way.items() if each != first})
    assert take(ended, GatewayLimits(concurrent=2), "next", NOW, until=NOW + CALL)[1] == Turn()
    assert take(usage, GatewayLimits(concurrent=2), "next", NOW + CALL, until=NOW + 2 * CALL)[1] == Turn()


def test_a_request_that_must_wait_uses_nothing() -> None:
    """A request that asks again is not under way, and reserves no moment."""
    held = Usage(held_until=NOW + timedelta(seconds=30))
    usage, (turn,) = turns(held, GatewayLimits(requests_per_s=1, concurrent=1), 1)
    assert (turn, usage) == (Turn(30, again=True), held)
    assert turns(held, GatewayLimits(concurrent=1), 1, NOW + timedelta(seconds=30))[1] == [Turn()]


def test_a_question_that_waits_says_nothing_and_all_else_was_surely_not_sent() -> None:
    """An abort or a question that is not sent leaves the outcome unknown, so no other attempt follows it."""
    asked, sent = waiting(CallOperation.ABORT, 5), waiting(CallOperation.AUTHORISE, 5)
    assert (asked.kind, asked.executed, asked.retry_after_s) == (OutcomeKind.UNKNOWN, Executed.MAYBE, 5)
    assert (sent.kind, sent.executed, sent.retry_after_s) == (OutcomeKind.RETRYABLE, Executed.NO, 5)
    assert waiting(CallOperation.RECOVER, 5).kind is OutcomeKind.UNKNOWN


@pytest.mark.parametrize(
    ("outcome", "status", "waits"),
    [
        (GatewayOutcome(OutcomeKind.RETRYABLE, retry_after_s=3), 429, True),
        (GatewayOutcome(OutcomeKind.UNKNOWN, retry_after_s=3), 429, True),
        (GatewayOutcome(OutcomeKind.RETRYABLE), 429, False),
        (GatewayOutcome(OutcomeKind.RETRYABLE, retry_after_s=3), 503, False),
        (GatewayOutcome(OutcomeKind.APPROVED), 200, False),
    ],
)
def test_only_too_many_requests_with_a_time_hold_a_gateway(outcome: GatewayOutcome, status: int, waits: bool) -> None:  # noqa: FBT001
    """429 with a time is a wait; a gateway that is out of order stays a technical failure."""
    assert asks_to_wait(outcome, status) is waits
