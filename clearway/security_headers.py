"""The headers that every answer of ours has, whoever serves it: nothing is sniffed, framed, cached or leaked.

A page that needs more than the policy here sets its own `Content-Security-Policy`; what a response has is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DATA_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For answers that are data, and for errors: a browser that shows one runs and loads nothing."""
HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "content-security-policy": DATA_POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def add_missing(headers: MutableHeaders) -> None:
    """Add the headers that a response does not set itself."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)


class SecurityHeaders:
    """Wraps an application that has no frame of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_missing(MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, with_headers)
