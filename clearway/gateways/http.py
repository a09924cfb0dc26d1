"""The HTTP client of every connector: one pool a configuration, and timeouts that prove what was not sent."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

import httpx

CONNECT_TIMEOUT_S: Final = 5.0
CONNECTIONS_MAX: Final = 100
IDLE_CONNECTION_S: Final = 2.0
"""Shorter than servers keep idle connections (5 s and up): one they are just closing would make an outcome UNKNOWN."""
NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures that surely come before the first byte of the request."""
PROGRAMMER_ERRORS: Final = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


@dataclass
class Answered:
    """The HTTP status of the last answer of a gateway; None: there was none."""

    status: int | None = None


_ANSWERED: Final[ContextVar[Answered | None]] = ContextVar("answered", default=None)


@contextmanager
def answers_seen() -> Iterator[Answered]:
    """See the HTTP status of the answers that connectors get within the block."""
    answered = Answered()
    token = _ANSWERED.set(answered)
    try:
        yield answered
    finally:
        _ANSWERED.reset(token)


async def _see(response: httpx.Response) -> None:
    answered = _ANSWERED.get()
    if answered is not None:
        answered.status = response.status_code


def gateway_client(
    timeout_s: float,
    *,
    base_url: str = "",
    requests: int = 1,
    tls: ssl.SSLContext | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """Return a client; nothing is opened yet. timeout_s: the total deadline of one call of the connector.

    requests: how many one call may need, such as one for a token. transport: a guarded one, for an address that the
    merchant chose.
    """
    return httpx.AsyncClient(
        base_url=base_url,
        verify=True if tls is None else tls,
        # A connect or pool timeout must come before the deadline: it proves that nothing was sent.
        timeout=httpx.Timeout(
            timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s / (requests + 1)), pool=timeout_s / (requests + 2)
        ),
        limits=httpx.Limits(
            max_connections=CONNECTIONS_MAX,
            max_keepalive_connections=CONNECTIONS_MAX // 2,
            keepalive_expiry=IDLE_CONNECTION_S,
        ),
        transport=transport,
        event_hooks={"response": [_see]},
        follow_redirects=False,
        trust_env=False,
    )
