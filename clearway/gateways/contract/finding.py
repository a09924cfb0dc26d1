"""Find out the outcome of an operation: when the gateway is asked, and when its NOT_FOUND is believed.

One rule for all connectors, by what each declares. The caller passes the workflow's time.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from clearway.domain.attempt import Executed
from clearway.gateways.contract.abilities import Finding, FindsOut
from clearway.gateways.contract.gateway import Gateway
from clearway.gateways.contract.operations import Operation
from clearway.gateways.contract.outcomes import UNKNOWN, GatewayOutcome, OutcomeKind

CANNOT_BE_ASKED: Final = "cannot_be_asked"
NOT_ASKED: Final = GatewayOutcome(OutcomeKind.UNKNOWN, error_code=CANNOT_BE_ASKED)
"""No question gives the outcome: only a gateway event does."""
SEND_AGAIN: Final = GatewayOutcome(OutcomeKind.RETRYABLE, Executed.MAYBE)
"""The way to find out is to send the same request with the same key: it has no second effect."""


async def find_out(gateway: Gateway, operation: Operation, at: datetime) -> GatewayOutcome:
    """Return what is known now about an operation that may have been sent.

    NOT_FOUND: surely not executed. RETRYABLE: send it again to find out. UNKNOWN: not known (yet).
    """
    finding = gateway.abilities.finding(operation.kind)
    if finding.by is FindsOut.NEVER:
        return NOT_ASKED
    if finding.by is FindsOut.BY_REPLAY:
        return SEND_AGAIN if _key_lives(finding, operation, at) else UNKNOWN
    outcome = await gateway.recover(operation)
    if outcome.kind is OutcomeKind.RETRYABLE:
        # A refused question says nothing about the operation.
        return replace(outcome, kind=OutcomeKind.UNKNOWN, executed=Executed.MAYBE)
    if outcome.kind is OutcomeKind.NOT_FOUND and _may_not_show_yet(finding, operation, at):
        return UNKNOWN
    return outcome


def _key_lives(finding: Finding, operation: Operation, at: datetime) -> bool:
    assert finding.key_life_s is not None, "declared with BY_REPLAY"
    sent_at = operation.first_sent_at
    return sent_at is None or (at - sent_at).total_seconds() < finding.key_life_s


def _may_not_show_yet(finding: Finding, operation: Operation, at: datetime) -> bool:
    sent_at = operation.last_sent_at
    return sent_at is not None and (at - sent_at).total_seconds() < finding.lag_s
