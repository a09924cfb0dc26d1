"""The headers that every answer of ours has, whoever serves it: nothing is sniffed, framed, cached or leaked.

A page that needs more than the policies here sets its own; what a response has is kept. At addresses that are https by
our settings, browsers also learn never to come by http.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DATA_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For answers that are data, and for errors: a browser that shows one runs and loads nothing."""
NO_DEVICES: Final = "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), usb=()"
"""Browser features that no page of Clearway uses, and that the pages it frames may not use either."""
HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "content-security-policy": DATA_POLICY,
    "permissions-policy": f"{NO_DEVICES}, payment=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def add_missing(headers: MutableHeaders) -> None:
    """Add the headers that a response does not set itself."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)


class StrictTransport:
    """`Strict-Transport-Security` (RFC 6797) for the hosts that browsers reach by https, and for no other.

    It does not cover subdomains: they are not ours. max_age_s 0 makes browsers forget what they learned.
    """

    def __init__(self, urls: Iterable[str], max_age_s: int) -> None:
        parts = map(urlsplit, urls)
        self._hosts = {str(each.hostname).encode() for each in parts if each.scheme == "https"}
        self._value = f"max-age={max_age_s}"

    def add(self, scope: Scope, headers: MutableHeaders) -> None:
        """Add the header, if the request came to such a host."""
        if self._hosts and _host_of(scope) in self._hosts:
            headers["strict-transport-security"] = self._value


def _host_of(scope: Scope) -> bytes:
    named: bytes = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return named.strip().partition(b":")[0].lower()


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
