"""Members and invitations in requests and answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field, SecretStr, StringConstraints
from sqlalchemy import Row

from api.http.fields import Body, Email, PlainText
from clearway.domain.invitation import InvitationStatus
from clearway.domain.resources import Moment, Resource
from clearway.domain.roles import Role
from clearway.memberships import invitations
from clearway.memberships.members import Removed

TOKEN_LENGTH_MAX: Final = 200
NAME_LENGTH_MAX: Final = 100
PASSWORD_LENGTH_MAX: Final = 256

LinkToken = Annotated[
    SecretStr, Field(max_length=TOKEN_LENGTH_MAX, description="What the link of the e-mail has as `token`.")
]


class RoleChange(Body):
    """Another role for a member."""

    role: Role


class InvitationCreate(Body):
    """Whom to invite, and to which role."""

    email: Email
    role: Role


class InvitationLink(Body):
    """The link of an invitation."""

    token: LinkToken


class NewMember(InvitationLink):
    """A person without a user who accepts an invitation."""

    name: Annotated[PlainText, StringConstraints(min_length=1, max_length=NAME_LENGTH_MAX)]
    password: Annotated[SecretStr, Field(max_length=PASSWORD_LENGTH_MAX)]


class MemberResource(Resource):
    """A member of the account."""

    object: Literal["member"] = "member"
    user_id: str
    email: str
    name: str
    role: Role
    totp_enabled: bool
    last_seen_at: Moment | None = Field(description="null: has not signed in yet.")
    created_at: Moment


class MemberRemoved(Resource):
    """A member who is removed."""

    object: Literal["member"] = "member"
    user_id: str
    removed: Literal[True] = True
    keys_left: list[str] = Field(
        description="API keys of the account that they created. They still work: rotate those whose secret they know."
    )


class InvitationResource(Resource):
    """An invitation to the account."""

    id: str
    object: Literal["invitation"] = "invitation"
    email: str | None = Field(description="null: it was accepted or revoked, so the address is removed.")
    role: Role
    status: InvitationStatus
    created_by: str
    created_at: Moment
    expires_at: Moment
    accepted_by: str | None = Field(description="The user who accepted it.")
    accepted_at: Moment | None
    revoked_at: Moment | None


class InvitationPreview(Resource):
    """What the link of an invitation offers."""

    account_name: str
    role: Role
    email: str
    expires_at: Moment
    has_user: bool = Field(description="true: sign in with this address, then accept. false: choose a password.")


class AcceptedInvitation(Resource):
    """The membership that was made of an invitation."""

    account_id: str
    user_id: str
    role: Role


def member_resource(row: Row[Any]) -> MemberResource:
    """Render a row of `clearway.db.memberships`."""
    names = (name for name in MemberResource.model_fields if name != "object")
    return MemberResource(**{name: getattr(row, name) for name in names})


def member_removed(removed: Removed) -> MemberRemoved:
    """Render a removed member."""
    return MemberRemoved(user_id=removed.user_id, keys_left=removed.keys)


def invitation_resource(row: Row[Any]) -> InvitationResource:
    """Render a row of `invitations`."""
    names = (name for name in InvitationResource.model_fields if name not in {"object", "status"})
    status = invitations.status(row, datetime.now(UTC))
    return InvitationResource(**{name: getattr(row, name) for name in names}, status=status)
