"""Operators of the installation: the second factor that they need, and the audit rows of what they read.

An operator sees every merchant, so a password alone must not be enough for it. Each merchant finds in its audit log
which of its resources an operator looked at.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

from starlette.requests import HTTPConnection

from clearway.db import audit
from clearway.domain.actor import Actor
from clearway.domain.errors import ForbiddenError
from clearway.domain.user import SignedIn
from clearway.services import Services
from clearway.settings import Settings

LOOKED_FOR_S: Final = 600
"""A page that polls is one look."""
LOOKS_MAX: Final = 10_000


def acts_as_operator(user: SignedIn, settings: Settings) -> bool:
    """Return whether the person is an operator with a second factor. Outside production it may be missing."""
    return user.is_operator and (user.totp_enabled or not settings.is_production)


def check_operator(user: SignedIn, settings: Settings) -> None:
    """Refuse whoever may not act as an operator. Raises ForbiddenError."""
    if not user.is_operator:
        raise ForbiddenError("operator_only", "Only operators of the installation may do this. Nothing was done.")
    if not acts_as_operator(user, settings):
        detail = "Operators need a second factor (TOTP). Nothing was done. Turn it on in your profile."
        raise ForbiddenError("operator_totp_required", detail)


class Looks:
    """Recent reads by operators in this process, so that a page that polls is recorded once."""

    def __init__(self) -> None:
        self._noted: OrderedDict[tuple[str, ...], float] = OrderedDict()

    async def note(
        self, services: Services, actor: Actor, request: HTTPConnection, *, session_id: str, subject_id: str
    ) -> None:
        """Record an operator's read before the answer; the same read again only after LOOKED_FOR_S seconds."""
        method, path = request.scope.get("method", "GET"), request.scope["path"]
        look, now = (session_id, subject_id, method, path), time.monotonic()
        if now - self._noted.get(look, -LOOKED_FOR_S) < LOOKED_FOR_S:
            return
        async with services.engine.begin() as connection:
            await audit.record(connection, actor, "operator.look", subject_id, {"method": method, "path": path})
        self._noted[look] = now
        self._noted.move_to_end(look)
        while len(self._noted) > LOOKS_MAX:
            self._noted.popitem(last=False)
