"""`/saved_views`: a signed-in person's own views of lists at a merchant."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.idempotency import Answer, OnceDep
from api.http.problems import ONCE, TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.saved_views.schemas import SavedViewCreate, SavedViewPatch, SavedViewResource, SavedViews, view_resource
from clearway.db import saved_views as rows
from clearway.db.saved_views import Owner
from clearway.domain.errors import ConflictError
from clearway.domain.ids import SAVED_VIEW
from clearway.domain.permissions import Permission
from clearway.domain.saved_views import ListPage
from clearway.services import Allocation
from clearway.users import saved_views

router = Router(prefix="/saved_views", tags=["saved views"])

Keeper = Annotated[Principal, requires(Permission.SAVED_VIEWS_READ)]


@router.get("", responses=declare(*TO_MERCHANTS, "person_needed"), summary="List your views")
async def list_saved_views(principal: Keeper, services: ServicesDep, page: ListPage | None = None) -> SavedViews:
    """List your own views of this merchant's lists, by name."""
    async with services.reader.connect() as connection:
        found = await rows.list_all(connection, _owner(principal), page)
    return SavedViews(data=[view_resource(row) for row in found])


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=SavedViewResource,
    responses=declare(*TO_MERCHANTS, *WITH_BODY, *ONCE, "person_needed", "saved_view_limit", "saved_view_exists"),
    summary="Save a view",
)
async def create_saved_view(body: SavedViewCreate, principal: Keeper, services: ServicesDep, once: OnceDep) -> Response:
    """Save filters and columns of a list under a name. Only you see it, on every device. You may have 50."""
    owner = _owner(principal)

    async def operation(allocation: Allocation) -> Answer:
        kept = await saved_views.create(services.engine, owner, allocation.resource_id, body.model_dump())
        return Answer(HTTPStatus.CREATED, view_resource(kept))

    return await once.answer(SAVED_VIEW, operation)


@router.patch(
    "/{view_id}",
    responses=declare(*TO_MERCHANTS, *WITH_BODY, "person_needed", "saved_view_not_found", "saved_view_exists"),
    summary="Change a view",
)
async def update_saved_view(
    view_id: str, body: SavedViewPatch, principal: Keeper, services: ServicesDep
) -> SavedViewResource:
    """Change only the fields that you send."""
    return view_resource(await saved_views.change(services.engine, _owner(principal), view_id, body.values()))


@router.delete(
    "/{view_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=declare(*TO_MERCHANTS, "person_needed", "saved_view_not_found"),
    summary="Delete a view",
)
async def delete_saved_view(view_id: str, principal: Keeper, services: ServicesDep) -> None:
    """Delete one of your views."""
    await saved_views.remove(services.engine, _owner(principal), view_id)


def _owner(principal: Principal) -> Owner:
    """Return whose views these are. Raises ConflictError for an API key."""
    if principal.user is None:
        detail = "Views of lists belong to a signed-in user, not to an API key. Nothing was done. Sign in."
        raise ConflictError("person_needed", detail)
    return Owner(principal.user.user_id, principal.merchant_id)
