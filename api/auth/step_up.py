"""Acts that need a step-up: a person's password or code within the last minutes. API keys have no step-up.

@router.post("", dependencies=[requires_step_up]) where every call needs one
check_step_up(principal) where it depends on what is asked for
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from fastapi import Depends

from api.auth.principal import Principal, PrincipalDep
from clearway.users import stepping_up


def has_step_up(principal: Principal) -> bool:
    """Return whether the caller is a person with a valid step-up, or an API key, which needs none."""
    return stepping_up.is_valid(principal.user, datetime.now(UTC))


def check_step_up(principal: Principal) -> None:
    """Refuse a person without a valid step-up. Raises ForbiddenError."""
    stepping_up.check(principal.user, datetime.now(UTC))


async def _check(principal: PrincipalDep) -> None:
    check_step_up(principal)


requires_step_up: Final[Any] = Depends(_check)
"""The dependency of a route that every person needs a step-up for."""
