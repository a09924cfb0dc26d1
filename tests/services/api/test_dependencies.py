"""What every request costs before its route is called."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.app import ROUTERS, TESTING, create_app
from api.operations.routes import router as operations
from clearway.settings import Settings


def _all(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for dependency in dependant.dependencies:
        yield from _all(dependency)


def test_nothing_a_request_depends_on_runs_in_a_thread() -> None:
    """FastAPI sends plain functions to a thread pool, which costs more than any of them does."""
    routers = (*ROUTERS, *TESTING, operations)
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    calls = {found.call for route in routes for found in _all(route.dependant) if found.call is not None}
    in_threads = {
        str(call)
        for call in calls
        if not inspect.iscoroutinefunction(call)
        and not inspect.isasyncgenfunction(call)
        and not inspect.iscoroutinefunction(type(call).__call__)
    }

    assert len(routes) > 30
    assert not in_threads


def test_routes_are_made_once() -> None:
    """The app has the routers' own routes: FastAPI's copies would be made at the first request, for 0.4 CPU-seconds."""
    app = create_app(Settings())
    missing = [route for router in (*ROUTERS, *TESTING) for route in router.routes if route not in app.routes]
    assert not missing
