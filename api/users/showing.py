"""How the answer about a person is made: read, then rendered."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from api.auth.operators import acts_as_operator
from api.http.services import ApiServices
from api.users.schemas import CurrentSession, Me, me_resource
from clearway.db.users import codes, users
from clearway.db.users import sessions as session_rows
from clearway.domain.errors import AuthenticationError
from clearway.users import sessions


async def show_me(connection: AsyncConnection, services: ApiServices, user_id: str, session_id: str) -> Me:
    """Return the person in a session. Raises AuthenticationError when they are gone meanwhile."""
    user = await users.find(connection, user_id)
    row = await session_rows.find(connection, session_id, None)
    if user is None or row is None:
        raise AuthenticationError("session_ended", "The user is deleted. Nothing was done.")
    signed_in = sessions.signed_in(row)
    session = CurrentSession(
        id=session_id,
        kind=signed_in.kind,
        stepped_up_until=signed_in.stepped_up_until,
        expires_at=row.expires_at,
        idle_expires_at=sessions.idle_until(services.settings, row),
    )
    left = await codes.recovery_codes_left(connection, user_id)
    merchants = await users.memberships_of(connection, user_id)
    return me_resource(user, session, merchants, left, as_operator=acts_as_operator(signed_in, services.settings))
