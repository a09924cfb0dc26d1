"""From a gateway's verified webhook to a signal: stored first, passed on once, never lost and never acted on here.

News is kept in `gateway_events` before it is answered. A repeat is passed on again only when the first was not: the
signal may then come twice, and a payment never moves back for it.
"""

from __future__ import annotations

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import across_merchants, gateway_events
from clearway.db.gateway_events import Disposition, ReceivedNews
from clearway.domain import payment, refund
from clearway.domain.ids import PAYMENT, REFUND, is_id
from clearway.domain.payment import PaymentStatus
from clearway.domain.refund import RefundStatus
from clearway.domain.text import storable
from clearway.durable import calls
from clearway.durable.calls import WorkflowEndedError
from clearway.durable.messages import PROVIDER_NEWS, News, payment_workflow_id, refund_workflow_id
from clearway.gateways.contract import NewsUnreadableError, OutcomeKind, ProviderNews
from clearway.services import Services

CONTRADICTS = {
    OutcomeKind.APPROVED: {
        PaymentStatus.FAILED,
        PaymentStatus.CANCELLED,
        PaymentStatus.EXPIRED,
        RefundStatus.FAILED,
    },
    OutcomeKind.DECLINED: {PaymentStatus.SUCCESS, RefundStatus.PROCESSED},
}
"""Which final statuses cannot be true together with what a gateway says."""

ENDED = payment.FINAL | refund.FINAL
"""The statuses whose workflow has nothing more to hear: it is spared the signal."""

log = structlog.get_logger(__name__)


async def take(services: Services, gateway: str, news: ProviderNews, body: bytes) -> Disposition:
    """Store the news and pass it on. Raises NewsUnreadableError, or UnavailableError for the gateway to repeat."""
    workflow_id = workflow_of(news)
    structlog.contextvars.bind_contextvars(workflow_id=workflow_id, provider_event_id=news.event_id)
    async with services.reader.connect() as connection:
        status = await _status(connection, news)
        late = status in ENDED
        text = storable(body.decode(errors="replace"), len(body))
        disposition = Disposition.LATE if late else Disposition.RECEIVED
        received = ReceivedNews(gateway, news.event_id, news.key, workflow_id, text, disposition)
        known = await gateway_events.store(connection, received)
    if known not in {None, Disposition.RECEIVED}:
        return known
    if late:
        _look_for_contradiction(news, status)
    else:
        disposition = await _pass_on(services, workflow_id, news)
    if disposition is not (known or received.disposition):
        async with services.reader.connect() as connection:
            await gateway_events.set_disposition(connection, gateway, news.event_id, disposition)
    return disposition


def workflow_of(news: ProviderNews) -> str:
    """Return the workflow that asked for the operation. Raises NewsUnreadableError when the key is not one of ours."""
    subject_id = _subject_of(news)
    if is_id(PAYMENT, subject_id):
        return payment_workflow_id(subject_id)
    if is_id(REFUND, subject_id):
        return refund_workflow_id(subject_id)
    raise NewsUnreadableError("the operation's key is not one of ours")


def _subject_of(news: ProviderNews) -> str:
    return news.key.split(":", 1)[0]


async def _pass_on(services: Services, workflow_id: str, news: ProviderNews) -> Disposition:
    outcome = news.outcome
    signal = News(
        event_id=news.event_id,
        key=news.key,
        kind=outcome.kind.value,
        reference=outcome.reference,
        amount_minor=outcome.amount_minor,
        currency=outcome.currency,
        captured=outcome.captured,
        error_code=outcome.error_code,
        error_description=outcome.error_description,
        action_url=outcome.action_url,
    )
    try:
        await calls.signal(services.temporal, workflow_id, PROVIDER_NEWS, signal)
    except WorkflowEndedError:
        async with services.reader.connect() as connection:
            _look_for_contradiction(news, await _status(connection, news))
        return Disposition.LATE
    return Disposition.SIGNALLED


def _look_for_contradiction(news: ProviderNews, status: str | None) -> None:
    """Late news changes nothing; when it contradicts what we recorded, somebody must look."""
    if status is None:
        log.warning("late_news_of_unknown_subject", key=news.key, kind=news.outcome.kind)
    elif status in CONTRADICTS.get(news.outcome.kind, set()):
        log.warning("late_news_contradicts_record", key=news.key, kind=news.outcome.kind, recorded=status)


async def _status(connection: AsyncConnection, news: ProviderNews) -> str | None:
    subject_id = _subject_of(news)
    status_of = across_merchants.refund_status if is_id(REFUND, subject_id) else across_merchants.payment_status
    return await status_of(connection, subject_id)
