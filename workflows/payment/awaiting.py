"""What a payment waits for now, as text for the first line of its Current Details."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from clearway.domain.payment import PaymentStatus
from workflows.payment.record import PaymentRun
from workflows.timeline import moment


def awaited(run: PaymentRun) -> str:
    """Return status, what is awaited, since when, until when, the next poll, the reference, and what to do."""
    parts = [f"{run.status} since {moment(run.since)}", *_by_status(run)]
    if run.reference:
        parts.append(f"gateway reference `{run.reference}`")
    return "; ".join(parts)


def _by_status(run: PaymentRun) -> list[str]:
    match run.status:
        case PaymentStatus.AUTHORIZED:
            captured = f"{run.money(run.payment.captured_minor)} of {run.payment.money} captured"
            return [captured, f"awaits a capture or a cancellation until {moment(run.expires_at)}"]
        case PaymentStatus.NEEDS_REVIEW:
            amount = " --amount …" if run.doubt.differs else ""
            command = f"clearway payments resolve {run.new.id} --outcome …{amount} --reason …"
            return ["awaits an operator's decision", f"look at the gateway, then `{command}`"]
        case PaymentStatus.RETRYING if run.payment.retry_at is not None:
            return [f"attempt {run.attempt + 1} follows {moment(run.payment.retry_at)}, unless the merchant is first"]
        case PaymentStatus.RETRYING:
            return ["awaits a retry or a cancellation by the merchant"]
        case PaymentStatus.REQUIRES_ACTION:
            return [f"awaits the customer at {run.payment.action_url} until {moment(run.deadline)}", _next_poll(run)]
        case _:
            return [f"awaits the gateway's decision until {moment(run.deadline)}", _next_poll(run)]


def _next_poll(run: PaymentRun) -> str:
    return f"next poll {moment(workflow.now() + timedelta(seconds=max(run.poll_wait_s, 0)))}"
