"""The SDK's HTTP transport: httpx with our time limits, no proxy, no redirect, no retry.

The SDK's own httpx client turns every exception into one error of its own, which hides whether a request was sent at
all. Here httpx's exceptions pass through as they are, for `client` to classify.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from typing import Any

import httpx
import stripe

from clearway.gateways.http import gateway_client

logging.getLogger("stripe").setLevel(logging.WARNING)  # At DEBUG the SDK logs whole answers, client secrets included.


class StripeTransport(stripe.HTTPClient):
    """The SDK's transport. One for each connector, with its connections."""

    name = "httpx"

    def __init__(
        self,
        *,
        timeout_s: float,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare the connection pool; nothing is opened yet. timeout_s: the total limit of one request."""
        super().__init__()
        self._timeout_s = timeout_s
        self._http = gateway_client(timeout_s, tls=tls, transport=transport)

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
