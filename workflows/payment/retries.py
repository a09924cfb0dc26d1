"""Retries: a payment whose attempt failed waits for the next one, if it was made with a retry policy.

The merchant retries it at any time until the policy's time is over; a passing decline is also retried by schedule. The
last attempt is over before the next begins: it can no longer take money.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from temporalio import workflow

from clearway.domain.actor import SYSTEM, in_history
from clearway.domain.attempt import GatewayChoice
from clearway.domain.command import CommandStatus
from clearway.domain.payment import UNDECIDED, PaymentStatus, Retry
from clearway.domain.refusals import NOT_RETRYABLE
from clearway.domain.retry import RetryPolicy, retry_refusal
from clearway.gateways.contract import GatewayOutcome
from workflows.inbox import Command
from workflows.payment import attempts
from workflows.payment.record import PaymentRun

GIVEN_UP: Final = "no other attempt was made in time"


def policy_of(run: PaymentRun) -> RetryPolicy | None:
    """Return the payment's retry policy, if it has one."""
    return None if run.new.retries is None else RetryPolicy(**run.new.retries)


async def wait_for_another(run: PaymentRun, outcome: GatewayOutcome, reason: str, failure: dict[str, Any]) -> bool:
    """Record that another attempt follows, and return True; False: there is none. failure: fields of the change."""
    policy, now = policy_of(run), workflow.now()
    if policy is None or run.status not in UNDECIDED or now >= policy.ends_at(run.recorded_at):
        return False
    if not await attempts.closed(run, outcome, until=now):
        return False
    ends_at = policy.ends_at(run.recorded_at)
    retry_at = policy.next_at(run.retries_made, now, outcome.worth_again_s, ends_at)
    told = "the merchant may retry" if retry_at is None else f"attempt {run.attempt + 1} follows by schedule"
    await run.change(PaymentStatus.RETRYING, f"{reason}; {told}", retry_at=retry_at, **failure)
    return True


def wait_s(run: PaymentRun) -> float:
    """Return how long to wait for the merchant before the next scheduled step."""
    return (_next_step_at(run) - workflow.now()).total_seconds()


def _next_step_at(run: PaymentRun) -> datetime:
    policy = policy_of(run)
    assert policy is not None, "only a payment with a policy is retrying"
    return run.payment.retry_at or policy.ends_at(run.recorded_at)


async def go_on(run: PaymentRun) -> None:
    """The wait is over: make the scheduled attempt, or give the payment up."""
    policy = policy_of(run)
    assert policy is not None, "only a payment with a policy is retrying"
    if run.payment.retry_at is not None and workflow.now() < policy.ends_at(run.recorded_at):
        await begin_next(run, _same(run))
        await attempts.authorise(run)
        return
    payment = run.payment
    await run.change(
        PaymentStatus.FAILED, GIVEN_UP, error_code=payment.error_code, error_description=payment.error_description
    )


async def begin_next(run: PaymentRun, at: GatewayChoice) -> None:
    """Begin the next attempt without a request of the merchant."""
    await _begin(run, Retry(f"{run.new.id}:retry:{run.attempt + 1}", run.attempt + 1), at)


async def retry(run: PaymentRun, command: Command) -> None:
    """Begin the attempt that a merchant asks for; the command is answered once it is recorded."""
    asked = command.retry
    assert asked is not None
    recorded = run.record.retries.get(asked.retry_id)
    if recorded is not None and recorded.status is CommandStatus.DONE:
        command.answer = run.record.resource
        return
    refusal = retry_refusal(run.payment, run.retries_made)
    if refusal:
        command.refuse(NOT_RETRYABLE, refusal)
        return
    begun = Retry(asked.retry_id, run.attempt + 1, asked.asked_by, asked.personal)
    await _begin(run, begun, asked.at or _same(run))
    command.answer = run.record.resource
    await attempts.authorise(run)


async def _begin(run: PaymentRun, begun: Retry, at: GatewayChoice) -> None:
    by = "retried by schedule" if begun.asked_by is None else "retried by the merchant"
    actor = SYSTEM if begun.asked_by is None else in_history(begun.asked_by)
    await run.change(
        PaymentStatus.PENDING,
        f"{by}: attempt {begun.number} at {at.gateway_id}",
        actor=actor,
        gateway_reference=None,
        next_attempt=at,
        retry=begun,
    )
    if begun.personal is not None:
        # Only now: an instrument whose retry is not recorded must not be charged by a later one.
        run.new = replace(run.new, personal=begun.personal)
    run.retries_made += 1
    run.begin_attempt(at)
    run.alternatives = ()
    run.set_deadline(workflow.now())


def _same(run: PaymentRun) -> GatewayChoice:
    return GatewayChoice(run.payment.gateway, run.payment.gateway_id)
