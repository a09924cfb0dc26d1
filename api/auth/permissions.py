"""The permission of the caller that each route requires.

async def list_refunds(principal: Annotated[Principal, requires(Permission.REFUNDS_READ)], …)
"""

from __future__ import annotations

from typing import Any

from fastapi import Depends
from fastapi.routing import APIRoute

from api.auth.principal import Principal, PrincipalDep
from clearway.domain.errors import ForbiddenError
from clearway.domain.permissions import Permission


class Requirement:
    """The dependency of one route; the OpenAPI document reads its permission."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, principal: PrincipalDep) -> Principal:
        """Return the caller, who has the permission. Raises ForbiddenError."""
        if self.permission not in principal.permissions:
            detail = (
                f"This API key does not have the permission {self.permission.value!r}. Nothing was done. "
                "Use a key that has it, or create one: a key's permissions are fixed when it is created."
            )
            raise ForbiddenError("permission_missing", detail)
        return principal


def requires(permission: Permission) -> Any:
    """Return the dependency that lets only callers with this permission pass."""
    return Depends(Requirement(permission))


def permission_of(route: APIRoute) -> Permission | None:
    """Return the permission that a route requires; None: the route is public, or has a check of its own."""
    found = [each.call.permission for each in route.dependant.dependencies if isinstance(each.call, Requirement)]
    assert len(found) <= 1, f"{route.path} asks for {found}: a route asks for one permission"
    return found[0] if found else None
