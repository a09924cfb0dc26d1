"""The router that every noun uses: what is checked of each request before its route runs.

A body is read by `api.http.json_body` alone. A header that has one meaning must not come with two values: which of
them counts would depend on the part that reads it. The OpenAPI document says which permission a route needs.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from enum import Enum
from typing import Any, Final

from fastapi import APIRouter, Depends
from fastapi.params import Depends as Dependency
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from api.auth.permissions import permission_of
from api.http.json_body import read_json
from api.http.paging import refuse_unclear_query
from clearway.domain.api import API_PREFIX
from clearway.domain.errors import InvalidRequestError

SINGLE_HEADERS: Final = frozenset(
    {b"content-type", b"idempotency-key", b"x-api-key", b"x-api-secret", b"authorization", b"x-clearway-merchant"}
)


def operation_id(route: APIRoute) -> str:
    """Name operations as the code does, so that generated clients have readable methods."""
    return route.name


class RootRouter(APIRouter):
    """A router whose routes check requests as this module says. Its paths begin at the root."""

    def __init__(
        self,
        *,
        prefix: str = "",
        tags: list[str | Enum] | None = None,
        dependencies: Sequence[Dependency] | None = None,
    ) -> None:
        super().__init__(
            prefix=prefix,
            tags=tags,
            dependencies=dependencies,
            route_class=_CheckedRoute,
            generate_unique_id_function=operation_id,
        )


class Router(RootRouter):
    """A router whose paths begin with `API_PREFIX`, and whose routes refuse query parameters that they do not know.

    any_query: for routes whose query others choose, such as gateways and customers' browsers.
    """

    def __init__(
        self,
        *,
        prefix: str = "",
        tags: list[str | Enum] | None = None,
        dependencies: Sequence[Dependency] = (),
        any_query: bool = False,
    ) -> None:
        checks = () if any_query else (Depends(refuse_unclear_query),)
        super().__init__(prefix=API_PREFIX + prefix, tags=tags, dependencies=[*checks, *dependencies])


class _CheckedRoute(APIRoute):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        permission = permission_of(self)
        if permission is not None:
            self.openapi_extra = {**(self.openapi_extra or {}), "x-permission": permission.value}
            self.description += f"\n\nNeeds the permission `{permission.value}`."

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of FastAPI, with the checks before it."""
        handle = super().get_route_handler()

        async def check_and_handle(request: Request) -> Response:
            _refuse_contradictions(request.scope["headers"])
            if self.body_field is None:
                return await handle(request)
            parsed = _ParsedRequest(request.scope, request.receive)
            parsed.value = await read_json(parsed)
            return await handle(parsed)

        return check_and_handle


class _ParsedRequest(Request):
    """A request whose body is parsed already."""

    value: Any = None

    async def json(self) -> Any:
        """Return the parsed body."""
        return self.value


def _refuse_contradictions(headers: Iterable[tuple[bytes, bytes]]) -> None:
    seen: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in SINGLE_HEADERS and seen.setdefault(name, value) != value:
            detail = f"The header {name.decode()} was sent twice with different values. Nothing was done; send it once."
            raise InvalidRequestError("header_repeated", detail)
