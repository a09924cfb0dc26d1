"""`/auth`: sign in and out."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from fastapi import Depends, Request
from starlette.responses import Response

from api.auth.cookies import check_origin, remove_cookie, set_cookie
from api.auth.principal import limit_address
from api.auth.session import SignedInDep, visitor_of
from api.http.problems import TO_ANYBODY, TO_PEOPLE, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ApiServices, ServicesDep
from api.users.after_answer import failures_noted
from api.users.schemas import ChallengeAnswer, SignedInAnswer, SignIn, TotpRequired
from api.users.showing import show_me
from clearway.domain.errors import AuthenticationError
from clearway.domain.user import SessionEnd
from clearway.users import sessions, signing_in
from clearway.users.signing_in import BrowserSession, Challenge

router = Router(prefix="/auth", tags=["users"])
BEGINNING: Final = (*TO_ANYBODY, *WITH_BODY, "origin_not_allowed", "request_header_missing", "too_many_attempts")


@router.post(
    "/login",
    dependencies=[Depends(limit_address)],
    responses=declare(*BEGINNING, "credentials_invalid"),
    summary="Sign in",
)
async def sign_in(
    request: Request, response: Response, body: SignIn, services: ServicesDep
) -> SignedInAnswer | TotpRequired:
    """Sign in a person at the dashboard: the answer sets the session cookie, or asks for the second factor."""
    check_origin(request, services.settings)
    visitor = visitor_of(request)
    with failures_noted(services, visitor, body.email):
        begun = await signing_in.sign_in(services, visitor, body.email, body.password.get_secret_value())
    if isinstance(begun, Challenge):
        return TotpRequired(challenge=begun.token)
    return await _signed_in(response, services, begun)


@router.post(
    "/totp",
    dependencies=[Depends(limit_address)],
    responses=declare(*BEGINNING, "code_invalid", "totp_needed", "session_ended"),
    summary="Sign in with the second factor",
)
async def answer_challenge(
    request: Request, response: Response, body: ChallengeAnswer, services: ServicesDep
) -> SignedInAnswer:
    """Finish the sign-in with a code or a recovery code: the answer sets the session cookie."""
    check_origin(request, services.settings)
    given = body.second_factor()
    if given is None:
        raise AuthenticationError("totp_needed", "Send `code` or `recovery_code`. Nothing was done.")
    session = await signing_in.answer(services, visitor_of(request), body.challenge, given)
    return await _signed_in(response, services, session)


async def _signed_in(response: Response, services: ApiServices, session: BrowserSession) -> SignedInAnswer:
    set_cookie(response, services.settings, session.cookie, session.expires_at)
    async with services.reader.connect() as connection:
        return SignedInAnswer(me=await show_me(connection, services, session.user_id, session.session_id))


@router.post(
    "/logout",
    status_code=HTTPStatus.NO_CONTENT,
    responses=declare(*TO_PEOPLE, "session_not_found"),
    summary="Sign out",
)
async def sign_out(response: Response, caller: SignedInDep, services: ServicesDep) -> None:
    """End the session of the request, and remove its cookie."""
    user = caller.user
    async with services.engine.begin() as connection:
        await sessions.end(connection, caller.actor, user.user_id, user.session_id, SessionEnd.SIGNED_OUT)
    remove_cookie(response, services.settings)
