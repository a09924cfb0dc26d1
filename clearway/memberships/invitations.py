"""Invitations to an account by e-mail: each for one person, once, for a week.

The link has the invitation's id and a secret, of which only a keyed hash is stored. So a link is shown in one mail, and
sending again makes another link and ends the former. Whoever has the link reads the mail of that address; a user who
exists must be signed in with the same address.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.accounts.merchant_settings import check_account
from clearway.crypto.api_secrets import SecretHash, new_secret
from clearway.db import audit, invitations, memberships
from clearway.db.invitations import NewInvitation
from clearway.db.users import users
from clearway.domain.actor import Actor
from clearway.domain.errors import ConflictError, NotFoundError, UnprocessableError
from clearway.domain.ids import INVITATION, is_id
from clearway.domain.invitation import OPEN_MAX, VALID_FOR, InvitationStatus, status_of
from clearway.domain.roles import Role
from clearway.mail import letters, outbox
from clearway.memberships.members import Acting, check_role
from clearway.services import Services
from clearway.telemetry.masking import mask_partly
from clearway.users import creation, password_rules
from clearway.users.creation import NewPerson

ActorOf = Callable[[str], Actor]
"""Makes the actor of this request from the id of its user."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A person without a user who accepts an invitation."""

    name: str
    password: str


def status(row: Row[Any], now: datetime) -> InvitationStatus:
    """Return the status of an invitation."""
    return status_of(accepted_at=row.accepted_at, revoked_at=row.revoked_at, expires_at=row.expires_at, now=now)


async def invite(services: Services, acting: Acting, invitation_id: str, email: str, role: Role) -> Row[Any]:
    """Invite an address, or return the invitation that an earlier run of this request made."""
    now, secret = datetime.now(UTC), new_secret()
    async with services.engine.begin() as connection:
        account = await memberships.account_of(connection, acting.actor.merchant_id)
        await memberships.lock_account(connection, account.id)
        made = await invitations.find(connection, account.id, invitation_id)
        if made is not None:
            return made
        check_account(acting.mode, is_key=acting.is_key)
        check_role(acting, role)
        await _make_room(connection, account.id, email, now)
        hashed = services.peppers.hash(secret)
        new = NewInvitation(invitation_id, account.id, email, role, hashed, acting.actor.name, now + VALID_FOR)
        row = await invitations.add(connection, new, now)
        mail_id = await _send(connection, services, acting.actor, row, account_name=account.name, secret=secret)
        await _audit(connection, acting.actor, "invitation.create", row, email=mask_partly(email))
    await outbox.start(services.temporal, mail_id)
    return row


async def resend(services: Services, acting: Acting, invitation_id: str) -> Row[Any]:
    """Send an open or expired invitation again with another link, valid for a week; the former link ends."""
    now, secret = datetime.now(UTC), new_secret()
    async with services.engine.begin() as connection:
        account, row = await _lock(connection, acting, invitation_id)
        if row.email is None:
            detail = f"The invitation is {status(row, now).value}. Nothing was sent. Invite the person again."
            raise ConflictError("invitation_closed", detail)
        hashed = services.peppers.hash(secret)
        values = {"secret_hash": hashed.digest, "pepper_id": hashed.pepper_id, "expires_at": now + VALID_FOR}
        row = await invitations.change(connection, row.id, values)
        mail_id = await _send(connection, services, acting.actor, row, account_name=account.name, secret=secret)
        await _audit(connection, acting.actor, "invitation.resend", row)
    await outbox.start(services.temporal, mail_id)
    return row


async def revoke(services: Services, acting: Acting, invitation_id: str) -> Row[Any]:
    """End an invitation. Revoking it again changes nothing. Raises ConflictError when it is accepted."""
    now = datetime.now(UTC)
    async with services.engine.begin() as connection:
        _, row = await _lock(connection, acting, invitation_id)
        if row.accepted_at is not None:
            detail = "The invitation is accepted. Nothing was changed. Remove the member instead."
            raise ConflictError("invitation_closed", detail)
        if row.revoked_at is None:
            row = await invitations.change(connection, row.id, {"revoked_at": now, "email": None})
            await _audit(connection, acting.actor, "invitation.revoke", row)
    return row


async def preview(services: Services, token: str) -> tuple[Row[Any], bool]:
    """Return the open invitation of a link, and whether its address has a user. Raises UnprocessableError."""
    async with services.reader.connect() as connection:
        row = await _of_link(connection, services, token)
        return row, await users.find_by_email(connection, row.email) is not None


async def accept(services: Services, actor: Actor, user_id: str, token: str) -> Row[Any]:
    """Make the signed-in user a member. Raises UnprocessableError, and ConflictError for another address."""
    async with services.engine.begin() as connection:
        row = await _of_link(connection, services, token, lock=True)
        found = await users.find_by_email(connection, row.email)
        if found is None or found.id != user_id:
            detail = "The invitation is for another e-mail address. Nothing was changed. Sign in with that address."
            raise ConflictError("invitation_for_another", detail)
        await _take(connection, actor, row, user_id)
    return row


async def accept_new(services: Services, actor_of: ActorOf, token: str, newcomer: Newcomer) -> tuple[Row[Any], str]:
    """Make a user of whoever has the link, and a member; return the invitation and the user's id.

    Raises UnprocessableError for the link or the password, and ConflictError when the address has a user.
    """
    async with services.reader.connect() as connection:
        row = await _of_link(connection, services, token)
    password_rules.check(newcomer.password, (row.email, newcomer.name, row.account_name), has_totp=False)
    hashed = await services.passwords.hash(newcomer.password)
    async with services.engine.begin() as connection:
        row = await _of_link(connection, services, token, lock=True)
        user_id = await creation.add(connection, None, NewPerson(row.email, newcomer.name), hashed)
        await _take(connection, actor_of(user_id), row, user_id)
    return row, user_id


async def _take(connection: AsyncConnection, actor: Actor, row: Row[Any], user_id: str) -> None:
    await creation.join(connection, actor, row.account_id, user_id, Role(row.role))
    values = {"accepted_at": datetime.now(UTC), "accepted_by": user_id, "email": None}
    await invitations.change(connection, row.id, values)
    await _audit(connection, actor, "invitation.accept", row, user_id=user_id)


async def _of_link(connection: AsyncConnection, services: Services, token: str, *, lock: bool = False) -> Row[Any]:
    """Return the open invitation that a link names. One answer for every other link."""
    invitation_id, _, secret = token.partition(".")
    row = None
    if is_id(INVITATION, invitation_id):
        row = await invitations.find_any(connection, invitation_id, lock=lock)
    stored = None if row is None else SecretHash(row.pepper_id, bytes(row.secret_hash))
    matches = services.peppers.matches(secret, stored)
    if not matches or row is None or status(row, datetime.now(UTC)) is not InvitationStatus.OPEN:
        detail = "The link is wrong, used, revoked or expired. Nothing was changed. Ask to be invited again."
        raise UnprocessableError("invitation_invalid", detail)
    return row


async def _make_room(connection: AsyncConnection, account_id: str, email: str, now: datetime) -> None:
    """Refuse what cannot be invited, and end an expired invitation of the same address."""
    if await invitations.is_member(connection, account_id, email):
        raise ConflictError("member_exists", "This person is a member already. Nothing was sent. Change the role.")
    former = await invitations.find_open(connection, account_id, email)
    if former is not None and former.expires_at > now:
        detail = f"The address has the open invitation {former.id}. Nothing was sent. Send that one again."
        raise ConflictError("invitation_open", detail)
    if former is not None:
        await invitations.change(connection, former.id, {"revoked_at": now, "email": None})
    if await invitations.count_open(connection, account_id, now) >= OPEN_MAX:
        detail = f"The account has {OPEN_MAX} open invitations, the maximum. Nothing was sent. Revoke one first."
        raise ConflictError("invitation_limit", detail)


async def _lock(connection: AsyncConnection, acting: Acting, invitation_id: str) -> tuple[Row[Any], Row[Any]]:
    account = await memberships.account_of(connection, acting.actor.merchant_id)
    await memberships.lock_account(connection, account.id)
    row = await invitations.find(connection, account.id, invitation_id)
    if row is None:
        detail = f"The account has no invitation {invitation_id!r}. Nothing was changed."
        raise NotFoundError("invitation_not_found", detail)
    check_account(acting.mode, is_key=acting.is_key)
    check_role(acting, Role(row.role))
    return account, row


async def _send(
    connection: AsyncConnection, services: Services, actor: Actor, row: Row[Any], *, account_name: str, secret: str
) -> str:
    link = f"{services.settings.dashboard_url.rstrip('/')}/invitation?{urlencode({'token': f'{row.id}.{secret}'})}"
    kind, _, user_id = actor.name.partition(":")
    inviter = await users.find(connection, user_id) if kind == "user" else None
    letter = letters.invitation(
        row.email,
        account_name=account_name,
        inviter=account_name if inviter is None else inviter.name,
        role=row.role,
        link=link,
        expires_at=row.expires_at,
    )
    return await outbox.record(connection, services.cipher, letter)


async def _audit(connection: AsyncConnection, actor: Actor, action: str, row: Row[Any], **more: Any) -> None:
    detail = {"invitation_id": row.id, "role": row.role} | more
    await audit.record(connection, actor, action, row.account_id, detail)
