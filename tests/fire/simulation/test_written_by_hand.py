"""Stories written by hand, because random ones seldom reach them."""

from __future__ import annotations

from typing import Final

import pytest

from tests.fire.simulation.endpoint import running_endpoint
from tests.fire.simulation.judgement import judge
from tests.fire.simulation.plans import Plan, Step
from tests.fire.simulation.story import Story
from tests.support.durable import Durable

PAYMENT: Final = {
    "amount_minor": 50_000,
    "method": "upi",
    "instrument": "success@razorpay",
    "capture_method": "manual",
}
SILENT: Final = {"operation": "look_up", "fault": "rate_limited", "retry_after_s": 2}
SOON: Final = Step("wait", {"seconds": 60})
LATER: Final = Step("wait", {"seconds": 2_400})
"""Longer than the outcome of a capture may stay unknown."""

STALE: Final = Plan(
    seed=0,
    payment=PAYMENT,
    faults=(
        {"operation": "capture", "fault": "executed_then_dropped", "times": 1},
        {"operation": "capture", "fault": "dropped_before", "times": 1},
        SILENT,
    ),
    answers=("taken",),
    steps=(
        SOON,
        Step("capture", {"amount_minor": 10_000}),
        LATER,
        Step("decide", {"times": 1}),
        SOON,
        Step("capture", {"amount_minor": 40_000}),
        SOON,
        Step("decide_late"),
        LATER,
    ),
    lifted=False,
)
WRONG: Final = Plan(
    seed=0,
    payment=PAYMENT,
    faults=({"operation": "capture", "fault": "wrong_amount", "times": 1},),
    answers=("taken",),
    steps=(
        SOON,
        Step("capture", {"amount_minor": 10_000}),
        SOON,
        Step("learn", {"about": 1}),
        Step("gateway_event", {"which": 0, "times": 2}),
        SOON,
    ),
    lifted=True,
)
CROWD: Final = Plan(
    seed=0,
    payment=PAYMENT,
    faults=({"operation": "capture", "fault": "executed_then_dropped", "times": 1}, {**SILENT, "times": 6}),
    answers=("refused", "dropped", "cut_off", "taken", "gone"),
    steps=(
        SOON,
        Step(
            "at_once",
            {
                "steps": (
                    Step("capture", {"amount_minor": 25_000}),
                    Step("capture", {"amount_minor": 25_000}),
                    Step("capture", {"amount_minor": None}),
                    Step("cancel"),
                    Step("refund", {"amount_minor": None}),
                    Step("rival"),
                    Step("start_again"),
                )
            },
        ),
        Step("at_once", {"steps": tuple(Step("refund", {"amount_minor": 25_000}) for _ in range(4))}),
    ),
    lifted=False,
)
STORIES: Final = (
    pytest.param(STALE, id="a decision is for the review it was made in, and not for the next"),
    pytest.param(WRONG, id="a wrong amount that is told twice stays wrong"),
    pytest.param(CROWD, id="everybody wants everything at once"),
)


@pytest.mark.parametrize("plan", STORIES)
async def test_a_story_written_by_hand_keeps_the_invariants(durable: Durable, plan: Plan) -> None:
    """A story written by hand keeps every invariant."""
    async with running_endpoint() as endpoint:
        story = Story(durable, endpoint, plan)
        await story.told()
        assert (await judge(durable, endpoint, story)).wrong == []
