"""Answer a gateway that asks, before it takes the money, whether a payment may be made.

Anybody may ask, so the question changes nothing and is not believed: the answer depends on the rows alone. A payment
may be made while it is open, at this gateway, by its last attempt, and in its own amount and currency.
"""

from __future__ import annotations

from typing import Final

import structlog

from clearway.db import across_merchants, gateway_events
from clearway.db.across_merchants import Subject
from clearway.db.gateway_events import Refused
from clearway.domain.gateway import GatewayConfig
from clearway.domain.gateway_event import Disposition, Verdict
from clearway.domain.limits import GATEWAY_IDENTIFIER_LENGTH_MAX, OPERATOR_TEXT_LENGTH_MAX
from clearway.domain.payment import PaymentStatus
from clearway.domain.review import SubjectType
from clearway.domain.text import is_storable, storable
from clearway.gateway_events.raw import raw_of
from clearway.gateways.contract import Inbound, InboundAnswer, InboundRequest, Precheck
from clearway.services import Services

OPEN: Final = frozenset({PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION, PaymentStatus.PROCESSING})

log = structlog.get_logger(__name__)


async def answered(
    services: Services, config: GatewayConfig, inbound: Inbound, asked: Precheck, request: InboundRequest
) -> InboundAnswer | None:
    """Return the answer to send: that of the gateway's document, or its refusal. The question is kept as an event."""
    refusal = await _refusal(services, config, asked)
    said = f"the payment may be made: {asked.payment}" if refusal is None else f"refused: {refusal}"
    reason = storable(said, OPERATOR_TEXT_LENGTH_MAX)
    raw = raw_of(services.cipher, config, request, believed=False)
    async with services.reader.connect() as connection:
        await gateway_events.keep_refused(connection, Refused(raw, Verdict.UNSIGNED, reason, Disposition.ANSWERED))
    log.info("gateway_precheck", gateway_id=config.id, allowed=refusal is None, reason=reason)
    return inbound.answer if refusal is None else asked.refusal


async def _refusal(services: Services, config: GatewayConfig, asked: Precheck) -> str | None:
    """Return why the payment may not be made, or None."""
    if not is_storable(asked.payment, GATEWAY_IDENTIFIER_LENGTH_MAX):
        return "it names no payment"
    async with services.reader.connect() as connection:
        found = await across_merchants.find_by_reference(connection, config.id, asked.payment)
        if found is None:
            return "no payment of this gateway has this reference"
        payment_id, number = found
        subject = await across_merchants.find_subject(connection, SubjectType.PAYMENT, payment_id)
    if subject is None or (subject.gateway_id, subject.merchant_id) != (config.id, config.merchant_id):
        return f"{payment_id} is at another gateway now"
    return _closed(subject, number, asked)


def _closed(subject: Subject, number: int, asked: Precheck) -> str | None:
    """Return why a payment of this gateway may not be made, or None."""
    if subject.is_former_attempt(number):
        return f"{subject.id} is tried in another attempt now"
    if subject.status not in OPEN:
        return f"{subject.id} is {subject.status}"
    if (asked.amount_minor, asked.currency) != (subject.asked_minor, subject.currency):
        return f"{subject.id} is of another amount or currency"
    return None
