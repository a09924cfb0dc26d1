"""`/auth/token` and `/auth/refresh`: how programs sign in for a person."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Request
from pydantic import Field, SecretStr, StringConstraints

from api.auth.principal import limit_address
from api.auth.session import visitor_of
from api.http.fields import Body, PlainText
from api.http.problems import TO_ANYBODY, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.users.after_answer import failures_noted
from api.users.schemas import SecondFactorFields, SignIn
from clearway.domain.errors import AuthenticationError
from clearway.domain.resources import Moment, Resource
from clearway.domain.user import DEVICE_LENGTH_MAX
from clearway.users import programs, signing_in, totp
from clearway.users.programs import Tokens

router = Router(prefix="/auth", tags=["users"])


class TokenRequest(SignIn, SecondFactorFields):
    """An e-mail address and a password, and a code when TOTP is on."""

    device: Annotated[PlainText, StringConstraints(max_length=DEVICE_LENGTH_MAX)] | None = Field(
        default=None, description="A name by which you recognise the session.", examples=["clearway on laptop"]
    )


class TokenRefresh(Body):
    """The newest refresh token."""

    refresh_token: SecretStr = Field(min_length=1, max_length=200)


class TokenAnswer(Resource):
    """Tokens of a program (RFC 6749, section 5.1). They are shown only now."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme
    expires_in: int = Field(description="Seconds for which the access token is valid.")
    refresh_token: str = Field(description="Gives the next pair of tokens, once.")
    refresh_expires_at: Moment = Field(description="When the program must sign in again.")
    session_id: str


@router.post(
    "/token",
    dependencies=[Depends(limit_address)],
    responses=declare(
        *TO_ANYBODY, *WITH_BODY, "credentials_invalid", "totp_needed", "code_invalid", "too_many_attempts"
    ),
    summary="Sign in a program",
)
async def create_token(request: Request, body: TokenRequest, services: ServicesDep) -> TokenAnswer:
    """Sign in a program for a person. Send the access token as `Authorization: Bearer …`."""
    visitor = visitor_of(request)
    with failures_noted(services, visitor, body.email):
        user = await signing_in.authenticate(services, visitor, body.email, body.password.get_secret_value())
    if user.totp_enabled_at is not None:
        given = body.second_factor()
        if given is None:
            detail = "Send `code` of your authenticator app too, or a `recovery_code`. Nothing was done."
            raise AuthenticationError("totp_needed", detail)
        await totp.check(services, visitor, user.id, given)
    return _answer(await programs.begin(services, visitor, user.id, body.device))


@router.post(
    "/refresh",
    dependencies=[Depends(limit_address)],
    responses=declare(*TO_ANYBODY, *WITH_BODY, "session_ended"),
    summary="Refresh an access token",
)
async def refresh_token(request: Request, body: TokenRefresh, services: ServicesDep) -> TokenAnswer:
    """Exchange a refresh token for new tokens.

    The old token gets the same answer again for a few seconds. Used later, it ends the session.
    """
    token = body.refresh_token.get_secret_value()
    return _answer(await programs.refresh(services, visitor_of(request), token))


def _answer(tokens: Tokens) -> TokenAnswer:
    return TokenAnswer(
        access_token=tokens.access_token,
        expires_in=tokens.expires_in_s,
        refresh_token=tokens.refresh_token,
        refresh_expires_at=tokens.refresh_expires_at,
        session_id=tokens.session_id,
    )
