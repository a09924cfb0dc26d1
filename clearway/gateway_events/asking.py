"""A hint about a payment that has ended: the gateway is asked what it did, because anybody may have sent the hint.

A customer may pay on a page that outlives the payment. So such a hint must not be put aside as late unasked.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from clearway.db.across_merchants import Subject
from clearway.domain.errors import UnavailableError
from clearway.domain.review import SubjectType
from clearway.durable.messages import GatewayEvent
from clearway.gateways.contract import (
    UNANSWERED,
    FindsOut,
    Gateway,
    Operation,
    OperationKind,
    Trust,
    find_out,
)

CANNOT_ASK: Final = frozenset({FindsOut.NEVER, FindsOut.BY_REPLAY})


async def answered(gateway: Gateway, number: int, event: GatewayEvent, subject: Subject) -> GatewayEvent:
    """Return a hint about an authorisation with the gateway's own answer in it, which is believed.

    Any other event is returned as it is. number: of the attempt. Raises UnavailableError when the gateway did not
    answer: whoever sent the hint is to send it again.
    """
    if subject.type is not SubjectType.PAYMENT or f":{OperationKind.AUTHORISE}:" not in event.key:
        return event
    if gateway.abilities.finding(OperationKind.AUTHORISE).by in CANNOT_ASK:
        return event
    outcome = await find_out(gateway, _authorisation(number, event, subject), datetime.now(UTC))
    if outcome.kind in UNANSWERED:
        raise UnavailableError("gateway_unavailable", "The gateway could not be asked. Send the event again later.")
    return replace(event, outcome=outcome, trust=Trust.PROVEN)


def _authorisation(number: int, event: GatewayEvent, subject: Subject) -> Operation:
    attempt = subject.attempts.get(number)
    return Operation(
        kind=OperationKind.AUTHORISE,
        key=event.key,
        payment_id=subject.id,
        amount_minor=subject.asked_minor,
        currency=subject.currency,
        references={**subject.references, **(attempt.references if attempt else {})},
        number=number,
        first_sent_at=subject.created_at,
    )
