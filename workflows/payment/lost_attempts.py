"""Attempts whose rows are lost: a restored database has the payment as it was before its last attempts.

The attempt on record must not be sent again then: a later one may have charged the customer at another gateway. So the
gateways that may have had the payment are asked first, and the payment goes on with the last attempt that was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from operator import attrgetter
from typing import Final

from temporalio import workflow

from clearway.domain.attempt import GatewayChoice, attempt_key
from clearway.domain.payment import UNDECIDED as UNDECIDED_STATUSES
from clearway.domain.retry import RETRIES_BY_HAND_MAX
from clearway.gateways.contract import Executed, GatewayOutcome, OutcomeKind
from workflows import policies
from workflows.operation import UNDECIDED
from workflows.payment import attempts, retries, review
from workflows.payment.doubt import Doubt
from workflows.payment.record import PaymentRun

THERE: Final = frozenset({OutcomeKind.APPROVED, OutcomeKind.PENDING, OutcomeKind.NEEDS_ACTION, OutcomeKind.PREPARED})
"""The gateway has the attempt, and it has taken the money or may yet."""
GIVEN_UP: Final = GatewayOutcome(OutcomeKind.NOT_FOUND, Executed.NO)
"""An attempt that another followed: the lost run made sure that it took no money."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a later attempt may have been made. steps: how many attempts after the one on record."""

    at: GatewayChoice
    steps: int
    outcome: GatewayOutcome

    @property
    def is_made(self) -> bool:
        """Whether the gateway has the attempt. What it refuses without acting, such as an instrument, it never had."""
        return self.outcome.kind in THERE or (
            self.outcome.kind is OutcomeKind.DECLINED and self.outcome.executed is Executed.YES
        )


async def follow(run: PaymentRun, gateways: Sequence[GatewayChoice]) -> bool:
    """Go on with the last attempt that was made. Return False if that is the one on record."""
    followed = False
    while run.status in UNDECIDED_STATUSES and _may_have_gone_on(run):
        here = await run.caller.find_lost(run.authorisation(), give_up_at=workflow.now() + policies.TAKEN_UP_INQUIRY)
        if here.kind in THERE:
            break
        places = await _asked(run, gateways)
        made = [place for place in places if place.is_made]
        possible = [each for each in places if each.outcome.kind in UNDECIDED and each.at in run.alternatives]
        if made:
            await _go_to(run, max(made, key=attrgetter("steps")), here)
        elif not possible:
            break
        elif len(possible) > 1 or here.kind is OutcomeKind.UNKNOWN:
            doubt = "which gateway has the payment is not known, and the record of its last attempts is lost"
            await review.begin(run, doubt, Doubt(run.authorise_key))
        elif await attempts.closed(run, here, until=run.deadline):
            await _go_to(run, possible[0], here)
        else:
            break
        followed = True
    return followed


async def begin_again(run: PaymentRun, gateways: Sequence[GatewayChoice]) -> bool:
    """Record the retry of a payment that waits for one, if a gateway has it. Return whether one has."""
    made = [place for place in await _asked(run, gateways) if place.is_made]
    if made:
        await retries.begin_next(run, made[-1].at)
    return bool(made)


def _may_have_gone_on(run: PaymentRun) -> bool:
    return bool(run.alternatives) or (_is_retried(run) and run.attempt <= RETRIES_BY_HAND_MAX)


def _is_retried(run: PaymentRun) -> bool:
    return retries.policy_of(run) is not None


async def _asked(run: PaymentRun, gateways: Sequence[GatewayChoice]) -> list[_Place]:
    """Ask each gateway that may have had a later attempt. A retry may have gone to any that the merchant has."""
    asked = [
        _Place(at, steps, await _asked_at(run, at, run.attempt + steps, policies.TAKEN_UP_INQUIRY))
        for steps, at in enumerate(run.alternatives, 1)
    ]
    others = [at for at in gateways if at not in run.alternatives] if _is_retried(run) else []
    return asked + [_Place(at, 1, await _asked_at(run, at, run.attempt + 1, policies.FAILOVER_DOUBT)) for at in others]


async def _asked_at(run: PaymentRun, at: GatewayChoice, number: int, patience: timedelta) -> GatewayOutcome:
    # Its ids are lost with its row: by those of the attempt on record, the gateway would answer about that one.
    key = attempt_key(run.new.id, number)
    operation = replace(run.authorisation(), key=key, number=number, references={}, state=None)
    return await run.caller_at(at.gateway_id).find_lost(operation, give_up_at=workflow.now() + patience)


async def _go_to(run: PaymentRun, place: _Place, here: GatewayOutcome) -> None:
    """Record the attempts up to this place."""
    run.learn(here)
    failed = here if here.kind is OutcomeKind.DECLINED else GIVEN_UP
    following = run.alternatives[place.steps :] if place.at in run.alternatives else ()
    for to in (*run.alternatives[: place.steps - 1], place.at):
        await attempts.fail_over(run, failed, to)
        failed = GIVEN_UP
    run.alternatives = following
