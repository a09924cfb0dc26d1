"""`/notices`: which mails a signed-in person gets about the merchant."""

from __future__ import annotations

from typing import Annotated

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.problems import TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.notices.schemas import NoticesResource, NoticesUpdate, notices_resource
from clearway.db import notices
from clearway.domain.errors import ConflictError
from clearway.domain.notices import UNCHOSEN, NoticeKind
from clearway.domain.permissions import Permission

router = Router(prefix="/notices", tags=["notices"])

Reader = Annotated[Principal, requires(Permission.NOTICES_READ)]


@router.get("", responses=declare(*TO_MERCHANTS, "person_needed"), summary="Read your notices")
async def read_notices(principal: Reader, services: ServicesDep) -> NoticesResource:
    """Read which notices about this merchant are mailed to you."""
    async with services.reader.connect() as connection:
        kinds = await notices.chosen(connection, principal.merchant_id, _person(principal))
    if kinds is None:
        return notices_resource(list(UNCHOSEN[principal.mode]), chosen=False)
    return notices_resource([NoticeKind(kind) for kind in kinds], chosen=True)


@router.put("", responses=declare(*TO_MERCHANTS, *WITH_BODY, "person_needed"), summary="Choose your notices")
async def choose_notices(body: NoticesUpdate, principal: Reader, services: ServicesDep) -> NoticesResource:
    """Choose which notices about this merchant are mailed to you. Each member has a choice of their own."""
    kinds = [kind for kind in NoticeKind if kind in body.kinds]
    async with services.reader.connect() as connection:
        await notices.choose(connection, principal.merchant_id, _person(principal), kinds)
    return notices_resource(kinds, chosen=True)


def _person(principal: Principal) -> str:
    """Return who is signed in. Raises ConflictError for an API key."""
    if principal.user is None:
        detail = "Notices belong to a signed-in user, not to an API key. Nothing was done. Sign in."
        raise ConflictError("person_needed", detail)
    return principal.user.user_id
