"""When a look-up's answer is believed, by what a connector declares."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clearway.gateways.contract import (
    ALL_METHODS,
    CANNOT_BE_ASKED,
    UNKNOWN,
    Abilities,
    Capabilities,
    Executed,
    Finding,
    FindsOut,
    GatewayOutcome,
    Operation,
    OperationKind,
    OutcomeKind,
    find_out,
)

SENT_AT = datetime(2026, 1, 1, tzinfo=UTC)
NOT_ASKED = GatewayOutcome(OutcomeKind.UNKNOWN, error_code=CANNOT_BE_ASKED)
OPERATION = Operation(
    OperationKind.CAPTURE, "pay_1:capture:1", "pay_1", 100, "EUR", first_sent_at=SENT_AT, last_sent_at=SENT_AT
)
NOT_FOUND = GatewayOutcome(OutcomeKind.NOT_FOUND)


class Answering:
    """A gateway that answers each question alike, and counts them."""

    def __init__(self, finding: Finding, answer: GatewayOutcome = NOT_FOUND, **otherwise: Any) -> None:
        self.abilities = Abilities(finding, Capabilities(ALL_METHODS), **otherwise)
        self.answer = answer
        self.asked = 0

    async def recover(self, _: Operation) -> GatewayOutcome:
        """Answer."""
        self.asked += 1
        return self.answer


async def found(gateway: Answering, after_s: float, operation: Operation = OPERATION) -> GatewayOutcome:
    """Ask so long after the operation was sent."""
    asked: Any = gateway
    return await find_out(asked, operation, SENT_AT + timedelta(seconds=after_s))


@pytest.mark.parametrize(("after_s", "kind"), [(0, "unknown"), (29.9, "unknown"), (30, "not_found")])
async def test_a_gateway_that_is_behind_is_believed_after_its_lag(after_s: float, kind: str) -> None:
    """NOT_FOUND within the lag says nothing: the operation may not show yet."""
    gateway = Answering(Finding(FindsOut.BY_SCAN, lag_s=30))
    assert (await found(gateway, after_s)).kind == kind


async def test_the_lag_counts_from_the_last_time_it_was_sent() -> None:
    """An operation that was sent again may not show yet, however long ago the first time was."""
    gateway = Answering(Finding(FindsOut.BY_SCAN, lag_s=30))
    again = replace(OPERATION, last_sent_at=SENT_AT + timedelta(seconds=60))
    assert await found(gateway, 80, again) == UNKNOWN


async def test_a_consistent_gateway_is_believed_at_once() -> None:
    """Where the gateway's answer is never behind, the first NOT_FOUND is enough."""
    assert await found(Answering(Finding(FindsOut.BY_REFERENCE)), 0) == NOT_FOUND


@pytest.mark.parametrize(("after_s", "kind"), [(0, "retryable"), (3_599, "retryable"), (3_600, "unknown")])
async def test_a_replay_is_used_only_while_the_key_lives(after_s: float, kind: str) -> None:
    """The same request is sent again to find out, and never after the gateway may have forgotten its key."""
    gateway = Answering(Finding(FindsOut.BY_REPLAY, key_life_s=3_600))
    outcome = await found(gateway, after_s)
    assert (outcome.kind, outcome.executed, gateway.asked) == (kind, Executed.MAYBE, 0)


async def test_a_gateway_without_a_look_up_is_not_asked() -> None:
    """Without a way to find out, the outcome stays unknown: a person or a gateway event decides."""
    gateway = Answering(Finding(FindsOut.NEVER))
    assert (await found(gateway, 1_000_000), gateway.asked) == (NOT_ASKED, 0)


async def test_each_kind_of_operation_has_its_own_way() -> None:
    """What a connector declares for one kind counts for that kind alone."""
    never = {OperationKind.REFUND: Finding(FindsOut.NEVER)}
    gateway = Answering(Finding(FindsOut.BY_REFERENCE), finds_otherwise=never)
    assert await found(gateway, 0) == NOT_FOUND
    assert await found(gateway, 0, replace(OPERATION, kind=OperationKind.REFUND)) == NOT_ASKED


async def test_a_question_that_was_refused_is_not_an_answer() -> None:
    """RETRYABLE of a question must not be taken for RETRYABLE of the operation: it would be sent again."""
    refused = GatewayOutcome(OutcomeKind.RETRYABLE, retry_after_s=7)
    outcome = await found(Answering(Finding(FindsOut.BY_OUR_ID), refused), 0)
    assert (outcome.kind, outcome.executed, outcome.retry_after_s) == ("unknown", Executed.MAYBE, 7)
