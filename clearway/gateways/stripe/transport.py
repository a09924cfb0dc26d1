"""The SDK's HTTP transport: httpx with our time limits, no proxy, no redirect, no retry.

The SDK's own httpx client turns every exception into one error of its own, which hides whether a request was sent at
all. Here httpx's exceptions pass through as they are, for `client` to classify.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final

import httpx
import stripe

logging.getLogger("stripe").setLevel(logging.WARNING)  # At DEBUG the SDK logs whole answers, client secrets included.

CONNECT_TIMEOUT_S: Final = 5.0
CONNECTIONS_MAX: Final = 100
IDLE_CONNECTION_S: Final = 2.0
"""Shorter than servers keep idle connections: one they are just closing would make an outcome UNKNOWN."""


class StripeTransport(stripe.HTTPClient):
    """The SDK's transport. One for each connector, with its connections."""

    name = "httpx"

    def __init__(self, *, timeout_s: float, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Prepare the connection pool; nothing is opened yet. timeout_s: the total limit of one request."""
        super().__init__()
        self._timeout_s = timeout_s
        self._http = httpx.AsyncClient(
            # A connect or pool timeout must come before the total limit: it proves that nothing was sent.
            timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s / 2), pool=timeout_s / 3),
            limits=httpx.Limits(
                max_connections=CONNECTIONS_MAX,
                max_keepalive_connections=CONNECTIONS_MAX // 2,
                keepalive_expiry=IDLE_CONNECTION_S,
            ),
            follow_redirects=False,
            trust_env=False,
            transport=transport,
        )

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send one request. Raises httpx.HTTPError, or TimeoutError when the total limit is over."""
        async with asyncio.timeout(self._timeout_s):
            response = await self._http.request(method, url, headers=dict(headers), content=post_data or None)
        return response.content, response.status_code, response.headers

    async def sleep_async(self, secs: float) -> None:
        """Never called: the SDK's retries are off."""
        raise AssertionError(f"the SDK wants to wait {secs} s for a retry")

    async def close_async(self) -> None:
        """Close the connections."""
        await self._http.aclose()
