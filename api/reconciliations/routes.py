"""`/reconciliations`: compare Clearway's records with what a gateway reports, and close the differences."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.fields import Id
from api.http.idempotency import Answer, OnceDep
from api.http.paging import Page, page_of, page_request
from api.http.problems import ONCE, TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.reconciliations.schemas import ItemResolve, ReconciliationCreate
from clearway.db.pages import PageRequest
from clearway.db.reconciliation.items import Wanted
from clearway.domain.ids import DECISION, RECONCILIATION, RECONCILIATION_ITEM
from clearway.domain.permissions import Permission
from clearway.domain.reconciliation import ItemKind, ItemState
from clearway.domain.resources import ReconciliationItemResource, ReconciliationResource
from clearway.reconciliation import asking
from clearway.services import Allocation

router = Router(prefix="/reconciliations", tags=["reconciliations"])

Reader = Annotated[Principal, requires(Permission.RECONCILIATIONS_READ)]
Starter = Annotated[Principal, requires(Permission.RECONCILIATIONS_WRITE)]
Resolver = Annotated[Principal, requires(Permission.RECONCILIATIONS_RESOLVE)]


async def item_filter(
    *,
    state: ItemState | None = None,
    kind: ItemKind | None = None,
    gateway_id: Id | None = None,
    reconciliation_id: Id | None = None,
) -> Wanted:
    """Read the filters of a list of items."""
    return Wanted(state, kind, gateway_id, reconciliation_id)


@router.post(
    "",
    status_code=HTTPStatus.ACCEPTED,
    response_model=ReconciliationResource,
    responses=declare(
        *TO_MERCHANTS,
        *WITH_BODY,
        *ONCE,
        "gateway_not_found",
        "reconciliation_running",
        "reconciliation_period_invalid",
        "temporal_unavailable",
    ),
    summary="Reconcile a period",
)
async def create_reconciliation(
    body: ReconciliationCreate, principal: Starter, services: ServicesDep, once: OnceDep
) -> Response:
    """Compare a day or a period with what a gateway reports. It runs in the background; each day also runs by itself.

    Comparing a period again is harmless: nothing is booked twice, and a difference has one item.
    """
    period = await asking.period_of(
        services, principal.merchant_id, body.gateway_id, date=body.date, since=body.since, until=body.until
    )

    async def operation(allocation: Allocation) -> Answer:
        started = await asking.start(services, principal.actor, body.gateway_id, allocation.resource_id, period)
        return Answer(HTTPStatus.ACCEPTED, started)

    return await once.answer(RECONCILIATION, operation)


@router.get("", responses=declare(*TO_MERCHANTS, "cursor_invalid"), summary="List reconciliations")
async def list_reconciliations(
    principal: Reader,
    services: ServicesDep,
    page: Annotated[PageRequest, Depends(page_request(RECONCILIATION))],
    gateway_id: Id | None = None,
) -> Page[ReconciliationResource]:
    """List your reconciliations, newest first."""
    found, cursor = await asking.list_runs(services, principal.merchant_id, page, gateway_id)
    return page_of(found, cursor)


@router.get("/items", responses=declare(*TO_MERCHANTS, "cursor_invalid"), summary="List differences")
async def list_reconciliation_items(
    principal: Reader,
    services: ServicesDep,
    wanted: Annotated[Wanted, Depends(item_filter)],
    page: Annotated[PageRequest, Depends(page_request(RECONCILIATION_ITEM))],
) -> Page[ReconciliationItemResource]:
    """List what differs between the record and your gateways, newest first."""
    found, cursor = await asking.list_items(services, principal.merchant_id, page, wanted)
    return page_of(found, cursor)


@router.get(
    "/items/{item_id}",
    responses=declare(*TO_MERCHANTS, "reconciliation_item_not_found"),
    summary="Read a difference",
)
async def get_reconciliation_item(item_id: str, principal: Reader, services: ServicesDep) -> ReconciliationItemResource:
    """Read one item: what differs, the money at risk, and how it was closed."""
    return await asking.find_item(services, principal.merchant_id, item_id)


@router.post(
    "/items/{item_id}/resolve",
    response_model=ReconciliationItemResource,
    responses=declare(
        *TO_MERCHANTS,
        *WITH_BODY,
        *ONCE,
        "reconciliation_item_not_found",
        "reconciliation_item_closed",
        "card_number_refused",
    ),
    summary="Close a difference",
)
async def resolve_reconciliation_item(
    item_id: str, body: ItemResolve, principal: Resolver, services: ServicesDep, once: OnceDep
) -> Response:
    """Close an open item with what you found out. Payments and refunds do not change.

    `written_off` books the difference: the ledger gets a further transaction.
    """

    async def operation(_: Allocation) -> Answer:
        now = datetime.now(UTC)
        item = await asking.resolve(services, principal.actor, item_id, body.state, body.reason, now=now)
        return Answer(HTTPStatus.OK, item)

    return await once.answer(DECISION, operation)


@router.get(
    "/{reconciliation_id}",
    responses=declare(*TO_MERCHANTS, "reconciliation_not_found"),
    summary="Read a reconciliation",
)
async def get_reconciliation(
    reconciliation_id: str, principal: Reader, services: ServicesDep
) -> ReconciliationResource:
    """Read a reconciliation: its progress, what it compared, and what it found."""
    return await asking.find_run(services, principal.merchant_id, reconciliation_id)
