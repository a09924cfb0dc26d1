"""Sends one webhook to a URL that a merchant chose, and always returns within the deadline.

Owns the deadline, the caps and the classification of what happened. It must not retry, sign, store or log: the
delivery workflow decides, activities record. `send` never raises for anything the other side does.

    what the other side may do            what stops it
    drip headers, body or 100 Continue    one deadline over the whole exchange, the look-up included
    flood headers, chunks or body         caps on bytes read, body and connection
    compress a gigabyte into a page       the body is never decompressed
    redirect to a metadata service        redirects are not followed
    point its name at our network         addresses are judged where the connection is made (`connection`)
"""

from __future__ import annotations

import asyncio
import codecs
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import httpcore
import httpx

from clearway.domain.text import storable
from clearway.egress.connection import (
    BlockedAddressError,
    GuardedBackend,
    NameNotResolvedError,
    Resolver,
    resolve_all,
)
from clearway.egress.policy import EgressPolicy
from clearway.egress.result import SendError, SendResult
from clearway.egress.retry_after import retry_after_s
from clearway.egress.transport import GuardedTransport
from clearway.egress.urls import UrlRefusedError, parse_target

USER_AGENT: Final = "Clearway-Webhooks/1.0"
ANSWER_OVERHEAD_BYTES_MAX: Final = 256 * 1024
"""What an answer may hold beside its body: status line, headers, interim answers, chunk framing."""
RESPONSE_HEADERS_MAX: Final = 64
RESPONSE_HEADER_LENGTH_MAX: Final = 1_024
ERROR_LENGTH_MAX: Final = 500

DEFAULT_HEADERS: Final = {"content-type": "application/json", "user-agent": USER_AGENT, "accept": "*/*"}
FIXED_HEADERS: Final = {"accept-encoding": "identity", "connection": "close"}
RESERVED_HEADERS: Final = frozenset({*FIXED_HEADERS, "host", "content-length", "transfer-encoding", "te", "upgrade"})

_TRANSPORT_ERRORS: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpx.HTTPError,
    httpx.InvalidURL,
    OSError,
)


class WebhookSender:
    """Posts messages under one policy. Holds no connection, so there is nothing to close.

    Args:
        policy: The bounds of every exchange.
        resolve: How names become addresses.
        ssl_context: Whom to trust; by default the public authorities of certifi.
        now: The clock that `Retry-After` dates are compared with.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        *,
        resolve: Resolver = resolve_all,
        ssl_context: ssl.SSLContext | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._policy = policy
        self._resolve = resolve
        # The environment (SSL_CERT_FILE, proxies, .netrc) is for the operator's own traffic, not for merchants' URLs.
        self._ssl_context = ssl_context or httpx.create_ssl_context(trust_env=False)
        self._now = now

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> SendResult:
        """Post `body` to `url` and return the outcome.

        Raises:
            ValueError: `headers` holds one that only the sender may set, such as Host or Accept-Encoding.
        """
        request_headers = _request_headers(headers)
        started = time.perf_counter()
        answer = _Answer()
        try:
            target = parse_target(url, self._policy)
            async with asyncio.timeout(self._policy.timeout_s):
                await self._exchange(target, request_headers, body, answer)
        except UrlRefusedError as error:
            blocked = error.reason == "blocked_address"
            answer.fail(SendError.BLOCKED_ADDRESS if blocked else SendError.INVALID_URL, error.detail)
        except TimeoutError:
            answer.fail(SendError.TIMEOUT, f"There was no complete answer within {self._policy.timeout_s:g} s.")
        except _TRANSPORT_ERRORS as error:
            answer.fail(*_classify(error))
        duration_ms = round((time.perf_counter() - started) * 1_000)
        return answer.result(duration_ms, self._policy.response_bytes_max, self._now())

    async def _exchange(self, target: httpx.URL, headers: Mapping[str, str], body: bytes, answer: _Answer) -> None:
        async with self._client() as client, client.stream("POST", target, headers=headers, content=body) as response:
            answer.status, answer.headers = response.status_code, response.headers
            async for part in response.aiter_raw():
                answer.body += part
                if len(answer.body) >= self._policy.response_bytes_max:
                    return

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx.AsyncClient]:
        read_bytes_max = self._policy.response_bytes_max + ANSWER_OVERHEAD_BYTES_MAX
        backend = GuardedBackend(self._policy.allowed_networks, read_bytes_max, self._resolve)
        # A client for each exchange: nothing of one merchant's connection can reach into another's. httpx's own
        # timeouts are of inactivity, which a dripping server resets with every byte; the deadline replaces them.
        try:
            async with httpx.AsyncClient(
                transport=GuardedTransport(backend, self._ssl_context),
                trust_env=False,
                follow_redirects=False,
                timeout=None,  # noqa: S113
            ) as client:
                yield client
        finally:
            await backend.aclose()


class _Answer:
    """The answer read so far, kept when the exchange is cut short."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers = httpx.Headers()
        self.body = bytearray()
        self._error_code: SendError | None = None
        self._error: str | None = None

    def fail(self, code: SendError, error: str) -> None:
        self._error_code, self._error = code, storable(error, ERROR_LENGTH_MAX)

    def result(self, duration_ms: int, body_bytes_max: int, now: datetime) -> SendResult:
        if self._error_code is None:
            self._judge_status()
        return SendResult(
            status=self.status,
            response_headers=_kept_headers(self.headers),
            response_body=_text(self.headers, bytes(self.body[:body_bytes_max]), cut=len(self.body) > body_bytes_max),
            duration_ms=duration_ms,
            error_code=self._error_code,
            error=self._error,
            retry_after_s=retry_after_s(self.headers.get("retry-after"), now),
        )

    def _judge_status(self) -> None:
        assert self.status is not None, "an exchange without an error has a status"
        if HTTPStatus(300) <= self.status < HTTPStatus(400):
            self.fail(SendError.REDIRECT, f"The endpoint answered {self.status}; redirects are not followed.")
        elif not HTTPStatus(200) <= self.status < HTTPStatus(300):
            self.fail(SendError.HTTP_STATUS, f"The endpoint answered {self.status}; only 2xx means received.")


def _request_headers(headers: Mapping[str, str]) -> dict[str, str]:
    given = {name.lower(): value for name, value in headers.items()}
    reserved = RESERVED_HEADERS & given.keys()
    if reserved:
        raise ValueError(f"Only the sender sets {', '.join(sorted(reserved))}.")
    return {**DEFAULT_HEADERS, **given, **FIXED_HEADERS}


def _kept_headers(headers: httpx.Headers) -> dict[str, str]:
    kept = list(headers.items())[:RESPONSE_HEADERS_MAX]
    return {name: storable(value, RESPONSE_HEADER_LENGTH_MAX) for name, value in kept}


def _text(headers: httpx.Headers, body: bytes, *, cut: bool) -> str:
    encoding = headers.get("content-encoding", "identity")
    if body and encoding != "identity":
        return f"({len(body)} bytes of {storable(encoding, 32)}, not decompressed)"
    # A cut may fall inside a character: an incremental decoder leaves the rest of it out.
    return storable(codecs.getincrementaldecoder("utf-8")("replace").decode(body, final=not cut), len(body))


def _classify(error: BaseException) -> tuple[SendError, str]:
    for cause in _causes(error):
        found = _classify_cause(cause)
        if found is not None:
            return found
    if isinstance(error, httpcore.ConnectError | httpcore.ConnectTimeout):
        return SendError.CONNECT_FAILED, "The endpoint could not be connected to."
    if isinstance(error, httpcore.ProtocolError):
        return SendError.PROTOCOL_ERROR, f"The answer was not proper HTTP: {error}"
    return SendError.CONNECTION_LOST, "The connection was lost before the answer was complete."


def _classify_cause(cause: BaseException) -> tuple[SendError, str] | None:
    match cause:
        case BlockedAddressError():
            return SendError.BLOCKED_ADDRESS, str(cause)
        case NameNotResolvedError():
            return SendError.DNS_FAILURE, str(cause)
        case ssl.SSLCertVerificationError():
            return SendError.TLS_ERROR, f"The certificate was refused: {cause.verify_message}."
        case ssl.SSLError():
            return SendError.TLS_ERROR, f"The TLS connection failed: {cause.reason or 'no reason given'}."
        case _:
            return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
