"""Attempts whose rows are lost: a restored database has the payment as it was before its last attempts.

The attempt on record must not be sent again then: a later one may have charged the customer at another gateway. So the
gateways that may have had the payment are asked first, and the payment goes on with the last attempt that was made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from operator import attrgetter
from typing import Final

from temporalio import workflow

from clearway.domain.attempt import GatewayChoice, attempt_key
from clearway.domain.payment import UNDECIDED
from clearway.domain.retry import RETRIES_BY_HAND_MAX
from clearway.gateways.contract import CANNOT_BE_ASKED, UNANSWERED, Executed, GatewayOutcome, OutcomeKind
from workflows import policies
from workflows.payment import attempts, retries, review
from workflows.payment.doubt import Doubt
from workflows.payment.record import PaymentRun

THERE: Final = frozenset({OutcomeKind.APPROVED, OutcomeKind.PENDING, OutcomeKind.NEEDS_ACTION, OutcomeKind.PREPARED})
"""The gateway has the attempt, and it has taken the money or may yet."""
GIVEN_UP: Final = GatewayOutcome(OutcomeKind.NOT_FOUND, Executed.NO)
"""An attempt that another followed: the lost run made sure that it took no money."""
WHERE_IS_IT: Final = "which gateway has the payment is not known, and the record of its last attempts may be lost"
RETRIES_LOOKED_FOR: Final = 5
"""How many retries after the attempt on record are looked for: a gateway that refuses one unseen does not know it."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a later attempt may have been made.

    steps: how many attempts after the one on record. by_failover: the routing decision names this gateway for it.
    """

    at: GatewayChoice
    steps: int
    outcome: GatewayOutcome
    by_failover: bool

    @property
    def is_made(self) -> bool:
        """Whether the gateway has the attempt. What it refuses without acting, such as an instrument, it never had."""
        return self.outcome.kind in THERE or (
            self.outcome.kind is OutcomeKind.DECLINED and self.outcome.executed is Executed.YES
        )

    @property
    def may_be_made(self) -> bool:
        """Whether the gateway may have the attempt.

        Of retries, only what a gateway could answer and did not: a retry at one that is never asked shows in its
        events.
        """
        if self.by_failover:
            return self.outcome.kind in UNANSWERED
        return self.outcome.kind is OutcomeKind.UNKNOWN and self.outcome.error_code != CANNOT_BE_ASKED


async def follow(run: PaymentRun, gateways: Sequence[GatewayChoice]) -> bool:
    """Go on with the last attempt that was made. Return False if that is the one on record."""
    followed = False
    while run.status in UNDECIDED and _may_have_gone_on(run):
        here = await run.caller.find_lost(run.authorisation(), give_up_at=workflow.now() + policies.TAKEN_UP_INQUIRY)
        if here.kind in THERE:
            break
        places = await _asked(run, gateways)
        made = [place for place in places if place.is_made]
        possible = [each for each in places if each.may_be_made]
        if made:
            await _go_to(run, max(made, key=attrgetter("steps")), here)
        elif not possible:
            break
        elif len(possible) > 1 or here.kind is OutcomeKind.UNKNOWN or not possible[0].by_failover:
            await review.begin(run, WHERE_IS_IT, Doubt(run.authorise_key))
        elif await attempts.closed(run, here, until=run.deadline):
            await _go_to(run, possible[0], here)
        else:
            break
        followed = True
    return followed


async def begin_again(run: PaymentRun, gateways: Sequence[GatewayChoice]) -> bool:
    """Record the retry of a payment that waits for one, if a gateway has it. Return whether one has."""
    places = await _asked(run, gateways)
    made = [place for place in places if place.is_made]
    if made:
        await retries.begin_next(run, max(made, key=attrgetter("steps")).at)
    elif any(place.may_be_made for place in places):
        await review.begin(run, WHERE_IS_IT, Doubt(differs=WHERE_IS_IT))
    return bool(made)


def _may_have_gone_on(run: PaymentRun) -> bool:
    return bool(run.alternatives) or (_is_retried(run) and run.attempt <= RETRIES_BY_HAND_MAX)


def _is_retried(run: PaymentRun) -> bool:
    return retries.policy_of(run) is not None


async def _asked(run: PaymentRun, gateways: Sequence[GatewayChoice]) -> list[_Place]:
    """Ask each gateway that may have had a later attempt. A retry may have gone to any that the merchant has."""
    planned = [(at, steps) for steps, at in enumerate(run.alternatives, 1)]
    retried = product(gateways, range(1, RETRIES_LOOKED_FOR + 1)) if _is_retried(run) else ()
    places = [(at, steps, True) for at, steps in planned]
    places += [(at, steps, False) for at, steps in retried if (at, steps) not in planned]
    outcomes = await asyncio.gather(*(_asked_at(run, at, run.attempt + steps) for at, steps, _ in places))
    return [
        _Place(at, steps, outcome, by_failover)
        for (at, steps, by_failover), outcome in zip(places, outcomes, strict=True)
    ]


async def _asked_at(run: PaymentRun, at: GatewayChoice, number: int) -> GatewayOutcome:
    # Its ids are lost with its row: by those of the attempt on record, the gateway would answer about that one.
    lost = replace(
        run.authorisation(),
        key=attempt_key(run.new.id, number),
        number=number,
        references={},
        state=None,
        first_sent_at=run.made_at,
    )
    return await run.caller_at(at.gateway_id).find_lost(lost, give_up_at=workflow.now() + policies.TAKEN_UP_INQUIRY)


async def _go_to(run: PaymentRun, place: _Place, here: GatewayOutcome) -> None:
    """Record the attempts up to this place. One between them that no gateway knows is recorded at the same gateway."""
    run.learn(here)
    failed = here if here.kind is OutcomeKind.DECLINED else GIVEN_UP
    following = run.alternatives[place.steps :] if place.by_failover else ()
    before = run.alternatives[: place.steps - 1]
    for to in (*before, *[place.at] * (place.steps - len(before))):
        await attempts.fail_over(run, failed, to)
        failed = GIVEN_UP
    run.alternatives = following
