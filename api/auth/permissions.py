"""The permission of the caller that each route requires.

async def list_refunds(principal: Annotated[Principal, requires(Permission.REFUNDS_READ)], …)
"""

from __future__ import annotations

from typing import Any

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from api.auth.principal import Principal, PrincipalDep
from api.http.services import ApiServices, ServicesDep
from clearway.domain.errors import ForbiddenError
from clearway.domain.permissions import Permission


class Requirement:
    """The dependency of one route; the OpenAPI document reads its permission."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request, principal: PrincipalDep, services: ServicesDep) -> Principal:
        """Return the caller, who has the permission. Raises ForbiddenError."""
        await check_permission(request, services, principal, self.permission)
        return principal


async def check_permission(
    request: Request, services: ApiServices, principal: Principal, permission: Permission
) -> None:
    """Refuse a caller without the permission. Raises ForbiddenError. One who has it as an operator is recorded."""
    if permission not in principal.permissions:
        raise ForbiddenError("permission_missing", _refusal(permission, principal))
    if permission in principal.as_operator and principal.user is not None:
        looking = {"session_id": principal.user.session_id, "subject_id": principal.merchant_id}
        await services.operator_looks.note(services, principal.actor, request, **looking)


def _refusal(permission: Permission, principal: Principal) -> str:
    if principal.user is not None:
        return (
            f"Your role does not have the permission {permission.value!r}. Nothing was done. "
            "Ask an owner or an admin of the account to do it, or for another role."
        )
    return (
        f"This API key does not have the permission {permission.value!r}. Nothing was done. "
        "Use a key that has it, or create one: a key's permissions are fixed when it is created."
    )


def requires(permission: Permission) -> Any:
    """Return the dependency that lets only callers with this permission pass."""
    return Depends(Requirement(permission))


def permission_of(route: APIRoute) -> Permission | None:
    """Return the permission that a route requires; None: the route is public, or has a check of its own."""
    found = [each.call.permission for each in route.dependant.dependencies if isinstance(each.call, Requirement)]
    assert len(found) <= 1, f"{route.path} asks for {found}: a route asks for one permission"
    return found[0] if found else None
