"""The composition root of the dashboard: API and pages. `uvicorn api.dashboard.app:create_app --factory` serves it."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from api.app import create_app as create_api
from api.dashboard.assets import Assets
from api.http.transport import strict_transport
from clearway.settings import Settings

OF_THE_API: Final = ("/api/", "/docs/")
"""Where paths of the API begin."""
ALSO_OF_THE_API: Final = frozenset({"/health", "/ready", "/docs", "/openapi.json"})


class DashboardOrigin:
    """Sends each request to the API or to the pages, by its path. Start, stop and sockets belong to the API."""

    def __init__(self, api: ASGIApp, pages: ASGIApp) -> None:
        self.api = api
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        is_page = scope["type"] == "http" and not _is_of_the_api(scope["path"])
        await (self._pages if is_page else self.api)(scope, receive, send)


def _is_of_the_api(path: str) -> bool:
    return path.startswith(OF_THE_API) or path in ALSO_OF_THE_API


def create_app(settings: Settings | None = None) -> DashboardOrigin:
    """Return the dashboard for these settings, or for those of the environment."""
    settings = settings or Settings()
    return DashboardOrigin(create_api(settings), Assets(strict_transport(settings)))
