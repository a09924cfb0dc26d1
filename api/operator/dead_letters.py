"""`/operator/dead_letters`: failed work of the installation, and sending a failed mail again.

A delivery is retried by `POST /webhooks/{id}/retry`, a gateway event by `POST /gateway_events/{id}/replay`, both with
the merchant in `X-Clearway-Merchant`. A lost workflow gets a new run by the job `maintenance`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from fastapi import Query
from pydantic import Field

from api.http.paging import Page, cursor_invalid, page_of
from api.http.problems import declare
from api.http.services import ServicesDep
from api.operator.access import TO_OPERATORS, OperatorDep, operator_router
from api.operator.schemas import of_row
from clearway.db import across_merchants
from clearway.db.pages import PageRequest
from clearway.domain.errors import ConflictError
from clearway.domain.ids import DELIVERY, GATEWAY_EVENT, MAIL, is_id
from clearway.domain.limits import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX
from clearway.domain.merchant import Mode
from clearway.domain.resources import Moment, Resource
from clearway.durable.messages import (
    DELIVERY_WORKFLOW,
    MAIL_WORKFLOW,
    PAYMENT_WORKFLOW,
    RECOVERY_WORKFLOW,
    REFUND_WORKFLOW,
)
from clearway.mail import outbox
from clearway.monitoring.ended_badly import EndedBadly, ended_badly

TAKEN_UP: Final = {PAYMENT_WORKFLOW, REFUND_WORKFLOW, DELIVERY_WORKFLOW, RECOVERY_WORKFLOW, MAIL_WORKFLOW}
"""Workflows of which housekeeping starts a new run, when their row has not ended."""

router = operator_router()


class StuckKind(StrEnum):
    """The kind of a dead letter."""

    DELIVERY = "delivery"
    GATEWAY_EVENT = "gateway_event"
    MAIL = "mail"
    WORKFLOW = "workflow"


class DeadLetter(Resource):
    """Work that failed permanently: nothing continues it automatically."""

    id: str = Field(description="Of the delivery, gateway event or mail; of a workflow, its workflow id.")
    object: Literal["dead_letter"] = "dead_letter"
    kind: StuckKind
    what: str = Field(description="The event type, the disposition, the mail's name, or the workflow's type.")
    merchant_id: str | None
    merchant_name: str | None
    mode: Mode | None
    subject_id: str | None
    payment_id: str | None
    error: str | None
    attempts: int | None
    since: Moment
    can_retry: bool = Field(
        description="false: its endpoint is closed, its link has expired, or its body is incomplete."
    )
    run_id: str | None = Field(default=None, description="Of a workflow.")
    status: str | None = Field(default=None, description="How a workflow ended.")


class MailResent(Resource):
    """A mail that is sent again."""

    id: str
    object: Literal["mail"] = "mail"
    status: Literal["pending"] = "pending"


READ: Final = {
    StuckKind.DELIVERY: (DELIVERY, across_merchants.failed_deliveries),
    StuckKind.GATEWAY_EVENT: (GATEWAY_EVENT, across_merchants.unused_gateway_events),
    StuckKind.MAIL: (MAIL, across_merchants.failed_mails),
}
"""The prefix of the ids and the query of each kind that Postgres knows."""


@router.get(
    "/dead_letters",
    responses=declare(*TO_OPERATORS, "cursor_invalid", "temporal_unavailable"),
    summary="List dead letters",
)
async def list_dead_letters(
    services: ServicesDep,
    kind: StuckKind,
    limit: Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE_DEFAULT,
    cursor: Annotated[
        str | None, Query(description="The `next_cursor` of the previous page. Workflows have none.")
    ] = None,
) -> Page[DeadLetter]:
    """List work that failed permanently, of all merchants, newest first.

    Deliveries after their last attempt; gateway events that are not signed, not readable or about nothing known; mails
    that were given up; workflows that failed, timed out or were terminated, unless a later run continues them.
    """
    if kind is StuckKind.WORKFLOW:
        ended, more = await ended_badly(services.temporal, limit)
        return Page(data=[_of_workflow(each) for each in ended], has_more=more, next_cursor=None)
    prefix, read = READ[kind]
    if cursor is not None and not is_id(prefix, cursor):
        raise cursor_invalid()
    async with services.reader.connect() as connection:
        found = await read(connection, PageRequest(limit, cursor))
    return page_of((of_row(DeadLetter, row, kind=kind) for row in found.rows), found.next_cursor)


@router.post(
    "/mails/{mail_id}/resend",
    responses=declare(*TO_OPERATORS, "mail_not_resendable"),
    summary="Send a failed mail again",
)
async def resend_mail(mail_id: str, caller: OperatorDep, services: ServicesDep) -> MailResent:
    """Send a failed mail again, unless its link has expired."""
    async with services.engine.begin() as connection:
        reopened = await outbox.resend(connection, caller.actor, mail_id) if is_id(MAIL, mail_id) else []
    if not reopened:
        detail = f"Mail {mail_id!r} did not fail, is unknown, or its link has expired. Nothing was sent."
        raise ConflictError("mail_not_resendable", detail)
    await outbox.start(services.temporal, *reopened)
    return MailResent(id=mail_id)


def _of_workflow(found: EndedBadly) -> DeadLetter:
    return DeadLetter(
        id=found.workflow_id,
        kind=StuckKind.WORKFLOW,
        what=found.type,
        merchant_id=found.merchant_id,
        merchant_name=None,
        mode=None,
        subject_id=None,
        payment_id=found.payment_id,
        error=found.error,
        attempts=None,
        since=found.ended_at,
        can_retry=found.type in TAKEN_UP,
        run_id=found.run_id,
        status=found.status,
    )
