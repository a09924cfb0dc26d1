"""What got stuck, of all merchants: failed deliveries, gateway events that were not used, mails that were not sent."""

from __future__ import annotations

from sqlalchemy import and_, func, literal, null, select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.pages import PageRequest, Rows, fetch_page
from clearway.db.tables import gateway_events, mails, merchants, webhook_deliveries, webhook_endpoints
from clearway.domain.delivery import DeliveryStatus
from clearway.domain.endpoint import EndpointStatus
from clearway.domain.gateway_event import Disposition, Verdict
from clearway.domain.mail import MailStatus

UNUSED = (Disposition.UNHEARD.value, Disposition.UNKNOWN_SUBJECT.value)
SETTLED = (Disposition.REPLAYED.value, Disposition.ANSWERED.value)


async def failed_deliveries(connection: AsyncConnection, page: PageRequest) -> Rows:
    """Return one page of deliveries whose last attempt failed, newest first. can_retry: their endpoint is open."""
    column, endpoint = webhook_deliveries.c, webhook_endpoints.c
    query = (
        select(
            *(column.id, column.merchant_id, merchants.c.name.label("merchant_name"), merchants.c.mode),
            *(column.event_type.label("what"), column.event_id.label("subject_id"), column.payment_id),
            func.coalesce(column.last_error, func.concat("answered ", column.last_response_status)).label("error"),
            *(column.attempt_count.label("attempts"), column.updated_at.label("since")),
            and_(endpoint.status == EndpointStatus.ENABLED.value, endpoint.deleted_at.is_(None)).label("can_retry"),
        )
        .join(merchants, merchants.c.id == column.merchant_id)
        .join(webhook_endpoints, endpoint.id == column.endpoint_id)
        .where(column.status == DeliveryStatus.FAILED.value)
    )
    return await fetch_page(connection, query, column.id, page)


async def unused_gateway_events(connection: AsyncConnection, page: PageRequest) -> Rows:
    """Return one page of gateway events that changed nothing and perhaps should have, newest first.

    They are not signed, cannot be read, or nothing took them. can_retry: their whole body is stored.
    """
    column = gateway_events.c
    stuck = (column.verdict != Verdict.VERIFIED.value) | column.disposition.in_(UNUSED)
    query = (
        select(
            *(column.id, column.merchant_id, merchants.c.name.label("merchant_name"), merchants.c.mode),
            *(column.disposition.label("what"), column.subject_id, null().label("payment_id")),
            func.coalesce(column.reason, column.operation_key).label("error"),
            *(null().label("attempts"), column.received_at.label("since"), column.complete.label("can_retry")),
        )
        .join(merchants, merchants.c.id == column.merchant_id)
        .where(stuck, column.disposition.not_in(SETTLED))
    )
    return await fetch_page(connection, query, column.id, page)


async def failed_mails(connection: AsyncConnection, page: PageRequest) -> Rows:
    """Return one page of mails that were not sent, newest first. can_retry: their link still has an effect."""
    column = mails.c
    query = select(
        *(column.id, null().label("merchant_id"), null().label("merchant_name"), null().label("mode")),
        *(column.template.label("what"), null().label("subject_id"), null().label("payment_id"), column.error),
        *(column.tries.label("attempts"), func.coalesce(column.ended_at, column.created_at).label("since")),
        func.coalesce(column.useless_after > func.now(), literal(value=True)).label("can_retry"),
    ).where(column.status == MailStatus.FAILED.value)
    return await fetch_page(connection, query, column.id, page)
