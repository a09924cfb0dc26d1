"""`/members`: list the members of an account, change their roles, remove them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.auth.step_up import requires_step_up
from api.http.paging import Page, page_of, page_request
from api.http.problems import TO_MERCHANTS, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.members.schemas import MemberRemoved, MemberResource, RoleChange, member_removed, member_resource
from clearway.db import memberships
from clearway.db.pages import PageRequest
from clearway.domain.ids import USER
from clearway.domain.permissions import Permission
from clearway.memberships import members
from clearway.memberships.members import Acting

router = Router(prefix="/members", tags=["members"])

Reader = Annotated[Principal, requires(Permission.MEMBERS_READ)]
Editor = Annotated[Principal, requires(Permission.MEMBERS_WRITE)]
EDITING = (*TO_MERCHANTS, "step_up_required", "live_key_needed", "role_above_own")


def acting(principal: Principal) -> Acting:
    """Return who changes members."""
    return Acting(principal.actor, principal.grant.allowed, principal.mode, is_key=principal.user is None)


@router.get("", responses=declare(*TO_MERCHANTS, "cursor_invalid"), summary="List members")
async def list_members(
    principal: Reader, services: ServicesDep, page: Annotated[PageRequest, Depends(page_request(USER))]
) -> Page[MemberResource]:
    """List the members of your account, with their roles. A role applies to the live and the test merchant."""
    async with services.reader.connect() as connection:
        account = await memberships.account_of(connection, principal.merchant_id)
        found = await memberships.list_page(connection, account.id, page)
    return page_of(map(member_resource, found.rows), found.next_cursor)


@router.patch(
    "/{user_id}",
    dependencies=[requires_step_up],
    responses=declare(*EDITING, *WITH_BODY, "member_not_found", "last_owner"),
    summary="Change a member's role",
)
async def change_member(user_id: str, body: RoleChange, principal: Editor, services: ServicesDep) -> MemberResource:
    """Give a member another role, with immediate effect. You cannot give or change a role above your own."""
    return member_resource(await members.change_role(services, acting(principal), user_id, body.role))


@router.delete(
    "/{user_id}",
    dependencies=[requires_step_up],
    responses=declare(*EDITING, "member_not_found", "last_owner"),
    summary="Remove a member",
)
async def remove_member(user_id: str, principal: Editor, services: ServicesDep) -> MemberRemoved:
    """Remove a member from your account, with immediate effect. The answer lists the API keys that they created."""
    return member_removed(await members.remove(services, acting(principal), user_id))
