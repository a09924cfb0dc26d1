"""`/invitations`: invite people to an account, and accept an invitation."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from api.auth.permissions import requires
from api.auth.principal import Principal, limit_address
from api.auth.session import SignedInDep, visitor_of
from api.auth.step_up import requires_step_up
from api.http.idempotency import Answer, OnceDep
from api.http.paging import Page, page_of, page_request
from api.http.problems import ONCE, TO_ANYBODY, TO_MERCHANTS, TO_PEOPLE, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.members.routes import EDITING, acting
from api.members.schemas import (
    AcceptedInvitation,
    InvitationCreate,
    InvitationLink,
    InvitationPreview,
    InvitationResource,
    NewMember,
    invitation_resource,
)
from clearway.db import invitations as rows
from clearway.db import memberships
from clearway.db.pages import PageRequest
from clearway.domain.actor import Actor
from clearway.domain.ids import INVITATION
from clearway.domain.permissions import Permission
from clearway.memberships import invitations
from clearway.memberships.invitations import Newcomer
from clearway.services import Allocation

router = Router(prefix="/invitations", tags=["members"])

Reader = Annotated[Principal, requires(Permission.MEMBERS_READ)]
Editor = Annotated[Principal, requires(Permission.MEMBERS_WRITE)]


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=InvitationResource,
    dependencies=[requires_step_up],
    responses=declare(*EDITING, *WITH_BODY, *ONCE, "member_exists", "invitation_open", "invitation_limit"),
    summary="Invite a person",
)
async def create_invitation(
    body: InvitationCreate, principal: Editor, services: ServicesDep, once: OnceDep
) -> Response:
    """Send an invitation by e-mail. Its link is valid for a week, once. You cannot invite to a role above your own."""

    async def operation(allocation: Allocation) -> Answer:
        row = await invitations.invite(services, acting(principal), allocation.resource_id, body.email, body.role)
        return Answer(HTTPStatus.CREATED, invitation_resource(row))

    return await once.answer(INVITATION, operation)


@router.get("", responses=declare(*TO_MERCHANTS, "cursor_invalid"), summary="List invitations")
async def list_invitations(
    principal: Reader, services: ServicesDep, page: Annotated[PageRequest, Depends(page_request(INVITATION))]
) -> Page[InvitationResource]:
    """List the invitations to your account, newest first, with their status."""
    async with services.reader.connect() as connection:
        account = await memberships.account_of(connection, principal.merchant_id)
        found = await rows.list_page(connection, account.id, page)
    return page_of(map(invitation_resource, found.rows), found.next_cursor)


@router.post(
    "/preview",
    dependencies=[Depends(limit_address)],
    responses=declare(*TO_ANYBODY, *WITH_BODY, "invitation_invalid"),
    summary="Preview an invitation",
)
async def preview_invitation(body: InvitationLink, services: ServicesDep) -> InvitationPreview:
    """Read what an invitation offers. Anyone who has its link can read it."""
    row, has_user = await invitations.preview(services, body.token.get_secret_value())
    return InvitationPreview(
        account_name=row.account_name, role=row.role, email=row.email, expires_at=row.expires_at, has_user=has_user
    )


@router.post(
    "/accept",
    responses=declare(*TO_PEOPLE, *WITH_BODY, "invitation_invalid", "invitation_for_another"),
    summary="Accept an invitation",
)
async def accept_invitation(body: InvitationLink, caller: SignedInDep, services: ServicesDep) -> AcceptedInvitation:
    """Become a member of the account that invites you. Your e-mail address must be the invited one."""
    user_id = caller.user.user_id
    row = await invitations.accept(services, caller.actor, user_id, body.token.get_secret_value())
    return AcceptedInvitation(account_id=row.account_id, user_id=user_id, role=row.role)


@router.post(
    "/accept_new",
    status_code=HTTPStatus.CREATED,
    dependencies=[Depends(limit_address)],
    responses=declare(*TO_ANYBODY, *WITH_BODY, "invitation_invalid", "password_refused", "user_exists"),
    summary="Accept an invitation as a new user",
)
async def accept_invitation_as_new_user(request: Request, body: NewMember, services: ServicesDep) -> AcceptedInvitation:
    """Choose a password and become a member. Sign in with it afterwards."""
    visitor = visitor_of(request)

    def actor_of(user_id: str) -> Actor:
        return visitor.actor(services.cipher, user_id)

    token = body.token.get_secret_value()
    newcomer = Newcomer(body.name, body.password.get_secret_value())
    row, user_id = await invitations.accept_new(services, actor_of, token, newcomer)
    return AcceptedInvitation(account_id=row.account_id, user_id=user_id, role=row.role)


@router.post(
    "/{invitation_id}/resend",
    response_model=InvitationResource,
    dependencies=[requires_step_up],
    responses=declare(*EDITING, *ONCE, "invitation_not_found", "invitation_closed"),
    summary="Send an invitation again",
)
async def resend_invitation(invitation_id: str, principal: Editor, services: ServicesDep, once: OnceDep) -> Response:
    """Send another link, valid for a week. The former link ends."""

    async def operation(_: Allocation) -> Answer:
        row = await invitations.resend(services, acting(principal), invitation_id)
        return Answer(HTTPStatus.OK, invitation_resource(row))

    return await once.answer("rsd", operation)


@router.post(
    "/{invitation_id}/revoke",
    response_model=InvitationResource,
    dependencies=[requires_step_up],
    responses=declare(*EDITING, *ONCE, "invitation_not_found", "invitation_closed"),
    summary="Revoke an invitation",
)
async def revoke_invitation(invitation_id: str, principal: Editor, services: ServicesDep, once: OnceDep) -> Response:
    """End an invitation: its link no longer works."""

    async def operation(_: Allocation) -> Answer:
        row = await invitations.revoke(services, acting(principal), invitation_id)
        return Answer(HTTPStatus.OK, invitation_resource(row))

    return await once.answer("rvk", operation)
