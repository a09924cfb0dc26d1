"""`/operator`: what operators of the installation see across all merchants. Each read is an audit row.

Jobs, dead letters and the system have modules of their own. For one merchant, an operator names it in
`X-Clearway-Merchant` and uses its routes (`clearway.domain.roles.OPERATOR`).
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Depends, Query

from api.http.fields import Body, Findings, PlainText
from api.http.paging import Page, cursor_invalid, page_of, page_request
from api.http.problems import WITH_BODY, declare
from api.http.services import ServicesDep
from api.operator.access import TO_OPERATORS, OperatorDep, operator_router
from api.operator.schemas import AwaitingDecision, ClosedReview, GatewaySummary, MerchantSummary, awaiting, of_row
from clearway.db import across_merchants
from clearway.db.across_merchants import Place
from clearway.db.pages import EPOCH, PageRequest
from clearway.domain.ids import GATEWAY, MERCHANT, PAYMENT, REFUND, REVIEW, is_id
from clearway.domain.limits import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, SEARCH_LENGTH_MAX
from clearway.gateway_events import reviewing

router = operator_router()

Search = Annotated[
    PlainText | None,
    Query(min_length=1, max_length=SEARCH_LENGTH_MAX, description="A part of a name, or a whole id of either."),
]

CURSOR_TIME: Final = re.compile(r"[0-9]{1,16}", re.ASCII)
"""Microseconds since 1970, until the year 2286."""


class ReviewClosing(Body):
    """What an operator found about a contradiction."""

    resolution: Findings


@router.get("/merchants", responses=declare(*TO_OPERATORS, "cursor_invalid"), summary="List all merchants")
async def list_all_merchants(
    services: ServicesDep, page: Annotated[PageRequest, Depends(page_request(MERCHANT))], search: Search = None
) -> Page[MerchantSummary]:
    """List the merchants of all accounts, newest first."""
    async with services.reader.connect() as connection:
        found = await across_merchants.merchants_page(connection, page, search)
    return page_of((of_row(MerchantSummary, row) for row in found.rows), found.next_cursor)


@router.get("/reviews", responses=declare(*TO_OPERATORS, "cursor_invalid"), summary="List open reviews")
async def list_all_reviews(
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE_DEFAULT,
    cursor: Annotated[str | None, Query(description="The `next_cursor` of the previous page.")] = None,
) -> Page[AwaitingDecision]:
    """List payments and refunds in needs_review and contradictions of all merchants, the longest waiting first."""
    async with services.reader.connect() as connection:
        found = await across_merchants.awaiting_decision(connection, limit, None if cursor is None else _place(cursor))
    return page_of(map(awaiting, found.rows), None if found.last is None else _cursor(found.last))


@router.post(
    "/reviews/{review_id}/close",
    responses=declare(*TO_OPERATORS, *WITH_BODY, "review_not_found", "review_closed"),
    summary="Close a review",
)
async def close_any_review(
    review_id: str, body: ReviewClosing, caller: OperatorDep, services: ServicesDep
) -> ClosedReview:
    """Close the review of a contradiction with what you found at the gateway. It changes no payment and no refund."""
    async with services.engine.begin() as connection:
        closed = await reviewing.close_review(connection, caller.actor, review_id, body.resolution)
    return ClosedReview(**{name: closed[name] for name in ClosedReview.model_fields if name != "object"})


@router.get("/gateways", responses=declare(*TO_OPERATORS, "cursor_invalid"), summary="List all gateways")
async def list_all_gateways(
    services: ServicesDep, page: Annotated[PageRequest, Depends(page_request(GATEWAY))]
) -> Page[GatewaySummary]:
    """List the gateways of all merchants with their health, newest first."""
    async with services.reader.connect() as connection:
        found = await across_merchants.gateways_page(connection, page)
    return page_of((of_row(GatewaySummary, row) for row in found.rows), found.next_cursor)


def _cursor(place: Place) -> str:
    """Return the cursor of a place: its microseconds since 1970, and the id."""
    return f"{(place.since - EPOCH) // timedelta(microseconds=1)}.{place.id}"


def _place(cursor: str) -> Place:
    """Read a cursor. Raises InvalidRequestError."""
    since, _, identifier = cursor.partition(".")
    if not CURSOR_TIME.fullmatch(since) or not any(is_id(prefix, identifier) for prefix in (PAYMENT, REFUND, REVIEW)):
        raise cursor_invalid()
    return Place(EPOCH + timedelta(microseconds=int(since)), identifier)
