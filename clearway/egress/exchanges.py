"""Calls to a URL that a merchant chose: an httpx transport with a new connection for every request.

It connects only to checked addresses, reads a bounded answer whole, and raises httpx's own errors, so that a
caller can tell what was surely not sent (`httpx.ConnectError`).
"""

from __future__ import annotations

import ssl
from typing import Final

import httpcore
import httpx

from clearway.egress.connection import GuardedBackend
from clearway.egress.policy import EgressPolicy
from clearway.egress.transport import GuardedTransport
from clearway.egress.urls import UrlRefusedError, parse_target

ANSWER_BYTES_MAX: Final = 2 * 1024 * 1024
_NOT_SENT: Final = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout)


class GuardedExchanges(httpx.AsyncBaseTransport):
    """Carries requests to merchants' URLs under a policy. Holds no connection between two requests."""

    def __init__(self, policy: EgressPolicy, ssl_context: ssl.SSLContext) -> None:
        self._policy = policy
        self._ssl_context = ssl_context

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and read the answer. Raises httpx.ConnectError when nothing was sent."""
        try:
            parse_target(str(request.url), self._policy)
        except UrlRefusedError as error:
            raise httpx.ConnectError(error.detail, request=request) from None
        backend = GuardedBackend(self._policy.allowed_networks, ANSWER_BYTES_MAX)
        transport = GuardedTransport(backend, self._ssl_context)
        try:
            answer = await transport.handle_async_request(request)
            content = b"".join([part async for part in answer.stream])  # type: ignore[union-attr]
        except _NOT_SENT as error:
            raise httpx.ConnectError(str(error), request=request) from error
        except (httpcore.TimeoutException, httpcore.NetworkError) as error:
            raise httpx.ReadError(str(error), request=request) from error
        except httpcore.ProtocolError as error:
            raise httpx.RemoteProtocolError(str(error), request=request) from error
        finally:
            await transport.aclose()
            await backend.aclose()
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(content))
