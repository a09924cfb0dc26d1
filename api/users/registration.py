"""`/auth`: registering, and what the links in mails do. Answers do not say whether an address has a user."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from typing import Final

from fastapi import Depends, Request
from starlette.responses import Response

from api.auth.cookies import check_origin, set_cookie
from api.auth.principal import limit_address
from api.auth.session import visitor_of
from api.http.problems import TO_ANYBODY, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.users.after_answer import accept
from api.users.schemas import (
    Accepted,
    AuthSettings,
    EmailAddress,
    LinkToken,
    NewPassword,
    PasswordLimits,
    Register,
    SignedInAnswer,
)
from api.users.showing import show_me
from clearway.domain.user import TokenPurpose
from clearway.users import credentials, mail_requests, password_rules, registering
from clearway.users.registering import Applicant

router = Router(prefix="/auth", tags=["users"])
LINK: Final = ("token_invalid",)


@router.get(
    "/settings", dependencies=[Depends(limit_address)], responses=declare(*TO_ANYBODY), summary="Read how to register"
)
async def get_auth_settings(services: ServicesDep) -> AuthSettings:
    """Read who may register, and how long passwords are."""
    limits = PasswordLimits(
        length_min=password_rules.LENGTH_MIN,
        length_min_with_totp=password_rules.LENGTH_MIN_WITH_TOTP,
        length_max=password_rules.LENGTH_MAX,
    )
    return AuthSettings(registration=services.settings.registration, password=limits)


@router.post(
    "/register",
    status_code=HTTPStatus.ACCEPTED,
    dependencies=[Depends(limit_address)],
    responses=declare(*TO_ANYBODY, *WITH_BODY, "registration_closed"),
    summary="Register",
)
async def register(request: Request, body: Register, services: ServicesDep) -> Accepted:
    """Request an account. Clearway mails a link to the address, where the person chooses a password."""
    registering.refuse_unless_open(services)
    applicant = Applicant(body.email, body.name, body.account_name)
    asked = mail_requests.asked(TokenPurpose.REGISTER, visitor_of(request), applicant.email, data=asdict(applicant))
    return await accept(services, asked)


@router.post(
    "/verify",
    dependencies=[Depends(limit_address)],
    responses=declare(
        *TO_ANYBODY,
        *WITH_BODY,
        *LINK,
        "registration_closed",
        "password_refused",
        "user_exists",
        "origin_not_allowed",
        "request_header_missing",
    ),
    summary="Confirm a registration",
)
async def verify(request: Request, response: Response, body: NewPassword, services: ServicesDep) -> SignedInAnswer:
    """Set a password with the token of the mailed link. This creates user and account, and signs in."""
    check_origin(request, services.settings)
    token, password = body.token.get_secret_value(), body.password.get_secret_value()
    session = await registering.verify(services, visitor_of(request), token, password)
    set_cookie(response, services.settings, session.cookie, session.expires_at)
    async with services.reader.connect() as connection:
        return SignedInAnswer(me=await show_me(connection, services, session.user_id, session.session_id))


@router.post(
    "/password/forgotten",
    status_code=HTTPStatus.ACCEPTED,
    dependencies=[Depends(limit_address)],
    responses=declare(*TO_ANYBODY, *WITH_BODY),
    summary="Request a password reset",
)
async def forgotten_password(request: Request, body: EmailAddress, services: ServicesDep) -> Accepted:
    """Send a reset link to the address, if a user has it."""
    return await accept(services, mail_requests.asked(TokenPurpose.RESET_PASSWORD, visitor_of(request), body.email))


@router.post(
    "/password/reset",
    status_code=HTTPStatus.NO_CONTENT,
    dependencies=[Depends(limit_address)],
    responses=declare(*TO_ANYBODY, *WITH_BODY, *LINK, "password_refused", "session_ended"),
    summary="Reset a password",
)
async def reset_password(request: Request, body: NewPassword, services: ServicesDep) -> None:
    """Set a new password with the token of the mailed link. All sessions end. TOTP is still needed to sign in."""
    token, password = body.token.get_secret_value(), body.password.get_secret_value()
    await credentials.reset_password(services, visitor_of(request), token, password)


@router.post(
    "/email/confirm",
    status_code=HTTPStatus.NO_CONTENT,
    dependencies=[Depends(limit_address)],
    responses=declare(*TO_ANYBODY, *WITH_BODY, *LINK, "user_exists", "session_ended"),
    summary="Confirm a new e-mail address",
)
async def confirm_email(request: Request, body: LinkToken, services: ServicesDep) -> None:
    """Change to the new address, with the token of the link that was mailed to it. All sessions end."""
    await credentials.confirm_email(services, visitor_of(request), body.token.get_secret_value())
