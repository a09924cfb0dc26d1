"""Receive a gateway event: verify it over the raw bytes, store it, pass it on once, and only then answer.

    not signed, or unreadable   kept while there is room, and changes nothing; so is what has no use here (a dispute)
    of another gateway          kept as foreign, and changes nothing
    about a running workflow    a signal, which may come twice: a payment never moves back for it
    a question before a payment answered by what is recorded, and changes nothing
    a refund that came back     a short run of its workflow asks the gateway, and records the reversal
    about something ended       late; or a review, an event for the merchant and a metric, if it contradicts the record.
                                After a hint the gateway is asked, and its answer is compared

A repeated event is passed on only if the first was not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from clearway.db import across_merchants, gateway_events
from clearway.db.across_merchants import Subject
from clearway.db.gateway_events import Kept, Received, Refused
from clearway.deliveries import sending
from clearway.domain import payment, refund
from clearway.domain.errors import UnavailableError
from clearway.domain.gateway import GatewayConfig
from clearway.domain.gateway_event import OPEN, Disposition, Verdict
from clearway.domain.limits import OPERATOR_TEXT_LENGTH_MAX
from clearway.domain.review import ReviewKind, SubjectType
from clearway.domain.text import storable
from clearway.durable.calls import WorkflowEndedError
from clearway.durable.gateway_events import pass_on
from clearway.durable.messages import GatewayEvent
from clearway.gateway_events import asking, prechecking, reversals
from clearway.gateway_events.contradicting import against, open_review
from clearway.gateway_events.naming import Named, named_by
from clearway.gateway_events.raw import raw_of
from clearway.gateways.connections import Connection
from clearway.gateways.contract import (
    EventUnreadableError,
    Inbound,
    InboundAnswer,
    InboundEvent,
    InboundRequest,
    OperationKind,
    OutcomeKind,
    SignatureInvalidError,
    Trust,
    read_inbound,
)
from clearway.gateways.errors.judging import judged
from clearway.gateways.errors.overrides import NONE, Overrides
from clearway.recovery import reaching
from clearway.services import Services

ENDED: Final = payment.FINAL | refund.FINAL
"""The statuses whose workflow has ended: it gets no signal."""

NOT_USED: Final = "Clearway does not use events of this kind, such as disputes: look at it at the gateway"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """The dispositions of a request's events, in order. answer: the response body that the gateway expects, if any."""

    dispositions: Sequence[Disposition]
    answer: InboundAnswer | None = None


async def receive(services: Services, gateway: Connection, request: InboundRequest) -> Taken:
    """Process the events of a request to this gateway's address, and return their dispositions.

    Raises SignatureInvalidError, with nothing stored (`keep_refused`), and UnavailableError when one could not be
    passed on: the gateway is to send it again.
    """
    try:
        taken = await take(services, gateway, request)
    except EventUnreadableError as error:
        await keep_refused(services, gateway.config, error, request)
        return Taken([Disposition.IGNORED])
    if taken.dispositions:
        return taken
    await _keep(services, gateway.config, Verdict.UNREADABLE, NOT_USED, request, believed=True)
    return Taken([Disposition.IGNORED], taken.answer)


async def take(services: Services, gateway: Connection, request: InboundRequest, *, again: bool = False) -> Taken:
    """Process the events of a request. again: pass them on even if they were passed on before.

    Raises SignatureInvalidError and EventUnreadableError, with nothing stored, and UnavailableError.
    """
    inbound = await read_inbound(gateway.gateway, request)
    if inbound.precheck is not None:
        answer = await prechecking.answered(services, gateway.config, inbound, inbound.precheck, request)
        return Taken([Disposition.ANSWERED], answer)
    own = await services.error_overrides.of_merchant(gateway.config.merchant_id) if _declines(inbound) else NONE
    events = [await _heard(services, gateway.config, event, own) for event in inbound.events]
    dispositions = [await _take_one(services, gateway, named, event, request, again=again) for named, event in events]
    return Taken(dispositions, inbound.answer)


async def keep_refused(services: Services, config: GatewayConfig, error: Exception, request: InboundRequest) -> None:
    """Keep a request that is unverified or unreadable, so that a person can look for it.

    Rate-limit the source of an unverified one before this call.
    """
    verdict = Verdict.UNSIGNED if isinstance(error, SignatureInvalidError) else Verdict.UNREADABLE
    await _keep(services, config, verdict, str(error), request, believed=False)


async def _keep(
    services: Services, config: GatewayConfig, verdict: Verdict, why: str, request: InboundRequest, *, believed: bool
) -> None:
    reason = storable(why, OPERATOR_TEXT_LENGTH_MAX)
    refused = Refused(raw_of(services.cipher, config, request, believed=believed), verdict, reason)
    async with services.reader.connect() as connection:
        kept = await gateway_events.keep_refused(connection, refused)
    log.warning("gateway_event_not_taken", gateway_id=config.id, verdict=verdict, reason=reason, kept=kept)


def _declines(inbound: Inbound) -> bool:
    return any(event.outcome.kind is OutcomeKind.DECLINED for event in inbound.events)


async def _heard(
    services: Services, config: GatewayConfig, event: InboundEvent, own: Overrides
) -> tuple[Named, GatewayEvent]:
    """Return what an event is about, and the signal for the workflow. own: the merchant's rows over the error table.

    Without our key the event is matched by the gateway's reference, among what was made at this gateway. Its attempt or
    capture is unknown then, so only an authorisation is believed; about all else the gateway is asked.
    """
    outcome = judged(event.outcome, config.kind.value, event.operation or OperationKind.AUTHORISE, own)
    if event.key is not None:
        return named_by(event.key), GatewayEvent(event.event_id, event.key, outcome, event.trust)
    reference = event.references.get("payment")
    found = await _made_here(services, config, reference) if reference else None
    if found is None:
        raise EventUnreadableError("it names neither an operation nor a payment that was made at this gateway")
    payment_id, attempt = found
    is_authorisation = event.operation is OperationKind.AUTHORISE
    named = Named(SubjectType.PAYMENT, payment_id, event.operation, attempt if is_authorisation else 1)
    trust = event.trust if is_authorisation else Trust.HINT
    key = f"{payment_id}:{event.operation}:{named.number}"
    return named, GatewayEvent(event.event_id, key, outcome, trust)


async def _made_here(services: Services, config: GatewayConfig, reference: str) -> tuple[str, int] | None:
    async with services.reader.connect() as connection:
        return await across_merchants.find_by_reference(connection, config.id, reference)


async def _take_one(
    services: Services,
    gateway: Connection,
    named: Named,
    event: GatewayEvent,
    request: InboundRequest,
    *,
    again: bool,
) -> Disposition:
    raw = raw_of(services.cipher, gateway.config, request, believed=True)
    received = Received(raw, event.event_id, event.key, named.id)
    with structlog.contextvars.bound_contextvars(workflow_id=named.workflow_id, gateway_event_id=event.event_id):
        return await _take(services, gateway, named, event, received, again=again)


async def _take(
    services: Services, gateway: Connection, named: Named, event: GatewayEvent, received: Received, *, again: bool
) -> Disposition:
    async with services.reader.connect() as connection:
        subject = await across_merchants.find_subject(connection, named.type, named.id)
        at_first = _at_first(gateway.config, subject, named, event)
        kept = await gateway_events.store(connection, received, at_first)
    if kept.disposition not in OPEN and not again:
        return kept.disposition
    if subject is None or at_first is Disposition.FOREIGN:
        log.warning("gateway_event_of_another", key=event.key, gateway_id=gateway.config.id, became=at_first)
        return await _becomes(services, kept, at_first)
    if subject.status not in ENDED:
        if await _signalled(services, named, event):
            return await _becomes(services, kept, Disposition.SIGNALLED)
        async with services.reader.connect() as connection:
            subject = await across_merchants.find_subject(connection, named.type, named.id)
    if subject and await reversals.is_reversal(gateway.gateway, event, subject):
        await reversals.record(services, event, subject)
        return await _becomes(services, kept, Disposition.SIGNALLED)
    if subject and subject.status in ENDED and event.trust is Trust.HINT:
        event = await asking.answered(gateway.gateway, named.number, event, subject)
    return await _compare(services, kept, named, event, subject)


def _at_first(config: GatewayConfig, subject: Subject | None, named: Named, event: GatewayEvent) -> Disposition:
    """Return the disposition of an event before it is passed on. A gateway may only report its own payments."""
    if subject is None:
        return Disposition.UNKNOWN_SUBJECT
    is_authorisation = named.operation == OperationKind.AUTHORISE
    attempt = subject.attempts.get(named.number) if is_authorisation else None
    made_at = attempt.gateway_id if attempt else subject.gateway_id
    if (made_at, subject.merchant_id) != (config.id, config.merchant_id):
        return Disposition.FOREIGN
    # A hint says nothing by itself: the gateway is asked before the two are compared.
    agrees = event.trust is Trust.PROVEN and subject.status in ENDED and against(subject, named, event) is None
    return Disposition.LATE if agrees else Disposition.RECEIVED


async def _compare(
    services: Services, kept: Kept, named: Named, event: GatewayEvent, subject: Subject | None
) -> Disposition:
    """The workflow has ended: compare the report with the row."""
    if subject is None:
        log.warning("gateway_event_of_unknown_subject", key=event.key, kind=event.outcome.kind)
        return await _becomes(services, kept, Disposition.UNKNOWN_SUBJECT)
    if subject.status not in ENDED:
        log.error("gateway_event_without_workflow", key=event.key, recorded=subject.status)
        return await _becomes(services, kept, Disposition.UNHEARD)
    kind = against(subject, named, event)
    if kind is None:
        return await _becomes(services, kept, Disposition.LATE)
    await _open_review(services, kept, kind, event, subject)
    return Disposition.CONTRADICTS


async def _open_review(services: Services, kept: Kept, kind: ReviewKind, event: GatewayEvent, subject: Subject) -> None:
    async with services.reader.connect() as connection:
        due = await open_review(connection, kept, kind, event, subject)
    if due:
        try:
            await sending.start(services, due)
        except UnavailableError:
            log.warning("deliveries_not_started", payment_id=subject.payment_id)  # housekeeping starts them


async def _signalled(services: Services, named: Named, event: GatewayEvent) -> bool:
    """Pass the event on; False when no workflow runs."""
    try:
        await pass_on(services.temporal, named.workflow_id, event)
    except WorkflowEndedError:
        return await _taken_up(services, named, event)
    return True


async def _taken_up(services: Services, named: Named, event: GatewayEvent) -> bool:
    """Start a new run for an open payment or refund without a workflow, and pass the event on to it."""
    try:
        await reaching.take_up(services.recovery, named.id)
        await pass_on(services.temporal, named.workflow_id, event)
    except WorkflowEndedError:
        return False
    return True


async def _becomes(services: Services, kept: Kept, disposition: Disposition) -> Disposition:
    if disposition is not kept.disposition:
        async with services.reader.connect() as connection:
            await gateway_events.set_disposition(connection, kept, disposition)
    return disposition
