"""`/users/me`: the password, the e-mail address and the second factor of a person, and the end of their membership."""

from __future__ import annotations

from http import HTTPStatus

from api.auth.session import SignedInDep, SteppedUpDep
from api.http.problems import TO_PEOPLE, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.users.after_answer import accept
from api.users.schemas import (
    Accepted,
    EmailAddress,
    OtherPassword,
    Profile,
    RecoveryCodes,
    TotpCode,
    TotpSecret,
)
from clearway.domain.user import TokenPurpose
from clearway.users import credentials, leaving, mail_requests, totp

router = Router(prefix="/users/me", tags=["users"])
STEPPED_UP = (*TO_PEOPLE, "step_up_required")


@router.patch(
    "", status_code=HTTPStatus.NO_CONTENT, responses=declare(*TO_PEOPLE, *WITH_BODY), summary="Change your name"
)
async def change_me(body: Profile, caller: SignedInDep, services: ServicesDep) -> None:
    """Change the name that others in your accounts see."""
    await credentials.change_name(services, caller.actor, caller.user.user_id, body.name)


@router.delete(
    "", status_code=HTTPStatus.NO_CONTENT, responses=declare(*STEPPED_UP, "last_owner"), summary="Delete your user"
)
async def delete_me(caller: SteppedUpDep, services: ServicesDep) -> None:
    """Permanently delete your user, sessions, memberships and personal data. Your accounts stay with their owners."""
    await leaving.delete(services, caller.actor, caller.user.user_id)


@router.delete(
    "/memberships/{account_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=declare(*TO_PEOPLE, "account_not_found", "last_owner"),
    summary="Leave an account",
)
async def leave_account(account_id: str, caller: SignedInDep, services: ServicesDep) -> None:
    """End your own membership. Somebody else must be an owner."""
    async with services.engine.begin() as connection:
        await leaving.leave(connection, caller.actor, caller.user.user_id, account_id)


@router.post(
    "/password",
    status_code=HTTPStatus.NO_CONTENT,
    responses=declare(*STEPPED_UP, *WITH_BODY, "password_refused"),
    summary="Change your password",
)
async def change_password(body: OtherPassword, caller: SteppedUpDep, services: ServicesDep) -> None:
    """Set a new password. Your other sessions end."""
    password = body.password.get_secret_value()
    await credentials.change_password(services, caller.visitor, caller.user, password)


@router.post(
    "/email",
    status_code=HTTPStatus.ACCEPTED,
    responses=declare(*STEPPED_UP, *WITH_BODY),
    summary="Change your e-mail address",
)
async def change_email(body: EmailAddress, caller: SteppedUpDep, services: ServicesDep) -> Accepted:
    """Send a link to the new address. The address changes when the link is used."""
    asked = mail_requests.asked(TokenPurpose.CHANGE_EMAIL, caller.visitor, body.email, user_id=caller.user.user_id)
    return await accept(services, asked)


@router.post("/totp", responses=declare(*STEPPED_UP, "totp_enabled"), summary="Begin to turn on TOTP")
async def begin_totp(caller: SteppedUpDep, services: ServicesDep) -> TotpSecret:
    """Create a secret for an authenticator app. It takes effect when a first code confirms it."""
    secret, uri = await totp.begin(services, caller.actor, caller.user.user_id)
    return TotpSecret(secret=secret, uri=uri)


@router.post(
    "/totp/confirm",
    responses=declare(*STEPPED_UP, *WITH_BODY, "totp_not_begun", "code_invalid", "too_many_attempts"),
    summary="Turn on TOTP",
)
async def confirm_totp(body: TotpCode, caller: SteppedUpDep, services: ServicesDep) -> RecoveryCodes:
    """Turn on TOTP with a first code. Your other sessions end. The recovery codes are shown only now."""
    codes = await totp.confirm(services, caller.visitor, caller.actor, caller.user, body.code)
    return RecoveryCodes(recovery_codes=codes)


@router.delete(
    "/totp",
    status_code=HTTPStatus.NO_CONTENT,
    responses=declare(*STEPPED_UP, "password_too_short"),
    summary="Turn off TOTP",
)
async def disable_totp(caller: SteppedUpDep, services: ServicesDep) -> None:
    """Turn off TOTP. Your other sessions end. A password of fewer than 15 characters must be changed first."""
    await totp.disable(services, caller.visitor, caller.actor, caller.user)


@router.post(
    "/recovery_codes", responses=declare(*STEPPED_UP, "totp_not_enabled"), summary="Replace your recovery codes"
)
async def replace_recovery_codes(caller: SteppedUpDep, services: ServicesDep) -> RecoveryCodes:
    """Create ten new recovery codes, shown only now. The earlier ones stop working."""
    codes = await totp.replace_recovery_codes(services, caller.actor, caller.user.user_id)
    return RecoveryCodes(recovery_codes=codes)
