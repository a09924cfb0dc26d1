"""The person behind a session cookie, without regard to a merchant: for their own profile and their sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import structlog
from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Row

from api.auth.cookies import NAME, SAFE, check_origin, cookie_of
from api.auth.refused_keys import bearer_key
from api.http.addresses import address_of, limited_as
from api.http.errors import request_id_of
from api.http.services import ApiServices, ServicesDep
from clearway.crypto.access_tokens import TokenInvalidError, TokenKind
from clearway.db.users import sessions as rows
from clearway.domain.actor import Actor
from clearway.domain.errors import AuthenticationError
from clearway.domain.ids import SESSION, is_id
from clearway.domain.user import SignedIn
from clearway.users import sessions, stepping_up
from clearway.users.visitor import Visitor

BACKGROUND_HEADER: Final = "X-Clearway-Background"
"""1: a page asks by itself, such as to poll. It does not keep the session alive."""

PARTS_OF_TOKEN: Final = 3
"""Of a JWT: header, claims and signature, with dots between."""

cookie_scheme = APIKeyCookie(
    name=f"__Host-{NAME}",
    scheme_name="Session",
    auto_error=False,
    description=(
        "The cookie of a person who is signed in to the dashboard. Name the merchant in `X-Clearway-Merchant`, and "
        "send `X-Clearway-Request: 1` with each request that changes something. A read with `X-Clearway-Background: 1` "
        "does not keep the session alive: send it when a page polls."
    ),
)

token_scheme = HTTPBearer(
    scheme_name="AccessToken",
    auto_error=False,
    description="The access token of a program (`POST /auth/token`). Name the merchant in `X-Clearway-Merchant`.",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """A person who is signed in, with the session's row (with the named merchant, if any) and their name as actor."""

    user: SignedIn
    row: Row[Any]
    visitor: Visitor
    actor: Actor


def visitor_of(request: Request) -> Visitor:
    """Return where a request comes from."""
    address, settings = address_of(request.scope), request.app.state.services.settings
    program, cookie = request.headers.get("user-agent", ""), cookie_of(request, settings)
    return Visitor(request_id_of(request), address, limited_as(address), program, cookie)


def brings_session(request: Request, services: ApiServices) -> bool:
    """Return whether the request has what names a session: an access token or the cookie."""
    return _bearer(request) is not None or cookie_of(request, services.settings) is not None


def _is_background(request: Request) -> bool:
    """Return whether a page sent this request by itself. Only reads can be so: a person causes each change."""
    return request.method in SAFE and request.headers.get(BACKGROUND_HEADER) == "1"


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.casefold() == "bearer" else None


async def find_caller(request: Request, services: ApiServices, merchant_id: str | None) -> Caller:
    """Return the person whose session the request names. Raises AuthenticationError, ForbiddenError, RateLimitedError.

    merchant_id: of the merchant for whom they act. Whether they may is for the caller to check.
    """
    token = _bearer(request)
    if token is None:
        row = await _row_of_cookie(request, services, merchant_id)
    else:
        row = await _row_of_token(services, token, merchant_id)
    now = datetime.now(UTC)
    if not sessions.is_open(services.settings, row, now):
        raise AuthenticationError("session_ended", "The session has ended. Nothing was done. Sign in again.")
    visitor = visitor_of(request)
    was_noted = (now - row.last_used_at).total_seconds() < sessions.USE_NOTED_EACH_S
    if not was_noted and not _is_background(request):
        async with services.reader.connect() as connection:
            await rows.note_use(connection, row.id, visitor.sealed_for(services.cipher, row.id), now)
    user = sessions.signed_in(row)
    structlog.contextvars.bind_contextvars(user_id=user.user_id)
    return Caller(user, row, visitor, visitor.actor(services.cipher, user.user_id, merchant_id))


async def _row_of_token(services: ApiServices, token: str, merchant_id: str | None) -> Row[Any]:
    if token.count(".") != PARTS_OF_TOKEN - 1:
        raise bearer_key()
    try:
        claims = services.signed_tokens.verify(TokenKind.ACCESS, token)
    except TokenInvalidError:
        raise _not_known() from None
    async with services.reader.connect() as connection:
        row = await rows.find(connection, claims.bound_to, merchant_id)
    if row is None:
        raise _not_known()
    return row


def _not_known() -> AuthenticationError:
    detail = "The session is unknown, or the token has expired. Nothing was done. Refresh the token, or sign in again."
    return AuthenticationError("session_ended", detail)


async def _row_of_cookie(request: Request, services: ApiServices, merchant_id: str | None) -> Row[Any]:
    check_origin(request, services.settings)
    session_id, _, secret = (cookie_of(request, services.settings) or "").partition(".")
    name = services.guard.name(session_id, secret)
    if is_id(SESSION, session_id) and not await services.guard.is_refused(request, name):
        async with services.reader.connect() as connection:
            row = await rows.find(connection, session_id, merchant_id)
        if sessions.has_secret(services.peppers, row, secret) and row is not None:
            services.guard.succeeded(name)
            return row
        await services.guard.failed(request, name)
    raise _not_known()


async def signed_in(
    request: Request,
    services: ServicesDep,
    _cookie: Annotated[str | None, Security(cookie_scheme)],
    _token: Annotated[HTTPAuthorizationCredentials | None, Security(token_scheme)],
) -> Caller:
    """Return the person who makes the request. Raises AuthenticationError, ForbiddenError and RateLimitedError."""
    if not brings_session(request, services):
        raise AuthenticationError("session_missing", "This request needs a signed-in user. Nothing was done. Sign in.")
    caller = await find_caller(request, services, None)
    await services.rate_limits.count_user(request, caller.user.user_id)
    return caller


async def stepped_up(caller: Annotated[Caller, Depends(signed_in)]) -> Caller:
    """Return the person who makes the request, with a valid step-up. Raises ForbiddenError."""
    stepping_up.check(caller.user, datetime.now(UTC))
    return caller


SteppedUpDep = Annotated[Caller, Depends(stepped_up)]
"""The person who makes the request, who proved who they are within the last minutes."""
SignedInDep = Annotated[Caller, Depends(signed_in)]
"""The person who makes the request, whatever their role."""
