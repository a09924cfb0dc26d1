"""Permissions: every route with a key requires one, and a key without it is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.app import ROUTERS, TESTING
from api.auth.permissions import permission_of
from api.auth.principal import authenticate, limit_address
from api.auth.session import signed_in
from api.live.stream import router as event_stream
from clearway.db.seed import Credentials
from clearway.domain.api import API_PREFIX
from clearway.domain.permissions import ALL, MEANING, Permission
from tests.services.api.conftest import Caller, client_of


def _routes(routers: Iterable[APIRouter] = ROUTERS) -> Iterator[APIRoute]:
    for router in routers:
        yield from (route for route in router.routes if isinstance(route, APIRoute))


def _calls(dependant: Dependant) -> Iterator[object]:
    for each in dependant.dependencies:
        yield each.call
        yield from _calls(each)


def path_of(route: APIRoute) -> str:
    """Return the path below the prefix, with its parameters."""
    return route.path.removeprefix(API_PREFIX)


def path_of_nothing(route: APIRoute) -> str:
    """Return the path below the prefix with ids that nothing has."""
    return "/".join("nothing-here" if part.startswith("{") else part for part in path_of(route).split("/"))


def needs_person(route: APIRoute) -> bool:
    """Return whether a route is for a person who is signed in, without regard to a merchant."""
    return signed_in in _calls(route.dependant)


def paths_for_people() -> set[str]:
    """Return the paths of what is for people without regard to a merchant."""
    return {route.path for route in _routes() if needs_person(route)}


KEYED = [
    (method, route)
    for route in (*_routes(), *_routes(TESTING))
    if permission_of(route)
    for method in sorted(route.methods - {"HEAD"})
]
"""Every method and route that asks for a permission, in development too."""
PERSONAL = [
    (method, route) for route in _routes() if needs_person(route) for method in sorted(route.methods - {"HEAD"})
]
"""Every method and route for a person without regard to a merchant."""
ANSWERED = [(method, route) for method, route in KEYED if route not in event_stream.routes]
"""Without the stream, whose answer does not end."""
OPEN = {
    "/orders/{order_id}/public",
    "/payments/{payment_id}/public",
    "/payments/public",
    "/payments/{payment_id}/page",
    "/payments/{payment_id}/return",
    "/errors",
    "/errors/{gateway}",
    "/auth/settings",
    "/auth/register",
    "/auth/verify",
    "/auth/login",
    "/auth/totp",
    "/auth/token",
    "/auth/refresh",
    "/auth/password/forgotten",
    "/auth/password/reset",
    "/auth/email/confirm",
    "/invitations/preview",
    "/invitations/accept_new",
}
"""What anybody may ask: it needs neither a key nor a session."""
SIGNED = {"/gateways/{gateway_id}/webhook"}
"""What a gateway sends, which proves itself by a signature."""


def _name(pair: tuple[str, APIRoute]) -> str:
    return f"{pair[0]} {path_of(pair[1])}"


async def _key_with(caller: Caller, app: FastAPI, permissions: list[str]) -> httpx.AsyncClient:
    body = {"name": "narrow", "permissions": permissions}
    made = (await caller.http.post("/api_keys", json=body)).json()
    return client_of(app, Credentials(caller.id, "A Shop", made["id"], made["secret"]))


def test_every_route_says_who_may_ask() -> None:
    """A permission of a merchant, or a person in a session; a route is open by being in this list, never forgotten."""
    unasked = [route for route in _routes() if permission_of(route) is None]
    assert {path_of(route) for route in unasked if not needs_person(route)} == OPEN | SIGNED
    asked = {permission_of(route) for _, route in KEYED}
    assert asked - {None} == ALL, "tests/services/api/test_testing_tools.py refuses those of the testing tools"


def test_what_anybody_may_ask_is_limited_by_address() -> None:
    """Without a merchant or a user there is only the address to count by."""
    for route in _routes():
        assert path_of(route) not in OPEN or limit_address in _calls(route.dependant), route.path


def test_a_route_that_knows_its_caller_checks_the_permission() -> None:
    """Nothing depends on the caller alone: that would let every key in."""
    for route in _routes():
        calls = {dependency.call for dependency in route.dependant.dependencies}
        assert authenticate not in calls, route.path


@pytest.mark.parametrize("pair", KEYED, ids=_name)
async def test_a_key_without_the_permission_is_refused(
    caller: Caller, app: FastAPI, pair: tuple[str, APIRoute]
) -> None:
    """All other permissions together are not enough: 403, and nothing is read or done."""
    method, route = pair
    needed = permission_of(route)
    others = sorted(permission.value for permission in Permission if permission is not needed)
    async with await _key_with(caller, app, others) as client:
        refused = await client.request(method, path_of_nothing(route), json={} if method in {"POST", "PATCH"} else None)
    assert refused.status_code == 403, refused.text
    assert refused.json()["code"] == "permission_missing"
    assert needed is not None
    assert needed.value in refused.json()["detail"]


@pytest.mark.parametrize("pair", ANSWERED, ids=_name)
async def test_a_key_with_only_the_permission_passes(caller: Caller, app: FastAPI, pair: tuple[str, APIRoute]) -> None:
    """It is let through: what is refused then is refused for another reason."""
    method, route = pair
    needed = permission_of(route)
    assert needed is not None
    async with await _key_with(caller, app, [needed.value]) as client:
        answer = await client.request(method, path_of_nothing(route), json={} if method in {"POST", "PATCH"} else None)
    assert answer.status_code in {200, 201, 204, 404, 409, 422, 503}, answer.text  # 503: without Temporal


async def test_the_document_names_the_permission(app: FastAPI) -> None:
    """For people in the text, for programs in `x-permission`."""
    paths = app.openapi()["paths"]
    for method, route in KEYED:
        operation = paths[route.path][method.lower()]
        needed = permission_of(route)
        assert needed is not None
        assert operation["x-permission"] == needed.value
        assert f"`{needed.value}`" in operation["description"]
        assert "permission_missing" in operation["responses"]["403"]["description"]


def test_every_permission_says_what_it_allows() -> None:
    """The table is what people choose from: a sentence each."""
    assert all(text.endswith(".") for text in MEANING.values())
