"""`/users/me`: a person's own profile, sessions and step-up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from api.auth.session import SignedInDep
from api.http.problems import TO_PEOPLE, WITH_BODY, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from api.users.schemas import Me, Sessions, SteppedUp, StepUp, session_resource
from api.users.showing import show_me
from clearway.domain.user import STEP_UP_S, SessionEnd
from clearway.users import sessions, stepping_up, totp
from clearway.users.totp import SecondFactor

router = Router(prefix="/users/me", tags=["users"])


@router.get("", responses=declare(*TO_PEOPLE), summary="Read your profile")
async def get_me(caller: SignedInDep, services: ServicesDep) -> Me:
    """Read who is signed in, to which accounts they belong and what they may do for each merchant."""
    async with services.reader.connect() as connection:
        return await show_me(connection, services, caller.user.user_id, caller.user.session_id)


@router.get("/sessions", responses=declare(*TO_PEOPLE), summary="List your sessions")
async def list_sessions(caller: SignedInDep, services: ServicesDep) -> Sessions:
    """List your sessions that have not ended, the last used one first."""
    user = caller.user
    async with services.reader.connect() as connection:
        found = await sessions.list_open(connection, services.cipher, services.settings, user.user_id)
    return Sessions(data=[session_resource(row, address, user.session_id) for row, address in found])


@router.delete(
    "/sessions",
    status_code=HTTPStatus.NO_CONTENT,
    responses=declare(*TO_PEOPLE),
    summary="End your other sessions",
)
async def end_other_sessions(caller: SignedInDep, services: ServicesDep) -> None:
    """End all your sessions but the one of this request."""
    user = caller.user
    async with services.engine.begin() as connection:
        await sessions.end_others(connection, caller.actor, user.user_id, SessionEnd.REVOKED, but=user.session_id)


@router.delete(
    "/sessions/{session_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=declare(*TO_PEOPLE, "session_not_found"),
    summary="End a session",
)
async def end_session(session_id: str, caller: SignedInDep, services: ServicesDep) -> None:
    """End one of your sessions, with immediate effect."""
    async with services.engine.begin() as connection:
        await sessions.end(connection, caller.actor, caller.user.user_id, session_id, SessionEnd.REVOKED)


@router.post(
    "/step_up",
    responses=declare(*TO_PEOPLE, *WITH_BODY, "credentials_invalid", "code_invalid", "too_many_attempts"),
    summary="Confirm that it is you",
)
async def step_up(body: StepUp, caller: SignedInDep, services: ServicesDep) -> SteppedUp:
    """Enter the password or a code again. For five minutes, this session may do what needs a step-up."""
    if body.password is not None:
        await stepping_up.by_password(services, caller.actor, caller.user, body.password.get_secret_value())
    else:
        await totp.check(services, caller.visitor, caller.user.user_id, SecondFactor(body.code))
    now = datetime.now(UTC)
    await stepping_up.note(services, caller.actor, caller.user, now)
    return SteppedUp(valid_until=now + timedelta(seconds=STEP_UP_S))
