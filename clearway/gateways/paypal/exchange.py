"""One exchange with PayPal: its answer, or an outcome when there is no readable answer.

A request is sent once. Only a 401 is followed by a second, with a new token and the same request id: PayPal refused the
first before it did anything.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from clearway.gateways.contract import (
    UNKNOWN,
    AnswerUnreadableError,
    GatewayOutcome,
    GatewayUnavailableError,
    KeyMisusedError,
    OperationKind,
    OutcomeKind,
)
from clearway.gateways.http import NOT_SENT, PROGRAMMER_ERRORS, gateway_client
from clearway.gateways.paypal import errors
from clearway.gateways.tokens import Token, Tokens


@dataclass(frozen=True)
class PayPalCredentials:
    """One REST app of a PayPal account. webhook_id: of its webhook; without it no webhook is read."""

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    webhook_id: str | None = field(default=None, repr=False)


class CredentialsRefusedError(Exception):
    """PayPal does not know this client id with this secret."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer: the object, or else an outcome. issue: PayPal's name of the problem; name: of its class."""

    body: Mapping[str, Any] | None = None
    outcome: GatewayOutcome = UNKNOWN
    issue: str | None = None
    status: int | None = None
    name: str | None = None


class Exchange:
    """The connections to one account. timeout_s: the total deadline of one call, its token included."""

    def __init__(
        self,
        credentials: PayPalCredentials,
        api_base: str,
        *,
        timeout_s: float,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._credentials = credentials
        self._timeout_s = timeout_s
        self._tokens = Tokens(self._fetch_token)
        self._client = gateway_client(
            timeout_s, base_url=api_base.rstrip("/"), requests=2, tls=tls, transport=transport
        )

    async def ask(
        self,
        kind: OperationKind,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        request_id: str | None = None,
    ) -> Answer:
        """Send once, and classify the answer."""
        headers = {"prefer": "return=representation", "content-type": "application/json"}
        if request_id is not None:
            headers["paypal-request-id"] = request_id
        content = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._authorised(method, path, content, headers)
        except CredentialsRefusedError as error:
            return Answer(outcome=errors.not_sent(kind, str(error), "gateway_unavailable"))
        except (GatewayUnavailableError, *NOT_SENT):
            return Answer(outcome=GatewayOutcome(OutcomeKind.RETRYABLE))
        except PROGRAMMER_ERRORS:
            raise
        except (httpx.HTTPError, TimeoutError):
            return Answer()
        return _read(kind, response)

    async def certificate(self, url: str) -> bytes:
        """Fetch a certificate. Raises GatewayUnavailableError."""
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.get(url)
        except (httpx.HTTPError, TimeoutError) as error:
            raise GatewayUnavailableError(f"the certificate cannot be fetched: {type(error).__name__}") from None
        if response.status_code != httpx.codes.OK:
            raise GatewayUnavailableError(f"PayPal answered {response.status_code} in the place of its certificate")
        return response.content

    async def try_credentials(self) -> None:
        """Get a token. Raises CredentialsRefusedError or GatewayUnavailableError."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._tokens.get()
        except TimeoutError:
            raise GatewayUnavailableError("PayPal did not answer in time") from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _authorised(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]
    ) -> httpx.Response:
        token = await self._tokens.get()
        response = await self._send(method, path, content, headers, token)
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return response
        self._tokens.refused(token)
        return await self._send(method, path, content, headers, await self._tokens.get())

    async def _send(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str], token: str
    ) -> httpx.Response:
        given = {**headers, "authorization": f"Bearer {token}"}
        return await self._client.request(method, path, content=content, headers=given)

    async def _fetch_token(self) -> Token:
        """Ask for a token. It moves no money, so on every failure the request was not sent."""
        pair = httpx.BasicAuth(self._credentials.client_id, self._credentials.client_secret)
        form = {"grant_type": "client_credentials"}
        try:
            response = await self._client.post("/v1/oauth2/token", data=form, auth=pair)
        except httpx.HTTPError as error:
            raise GatewayUnavailableError(f"PayPal gave no token: {type(error).__name__}") from None
        if response.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.BAD_REQUEST}:
            raise CredentialsRefusedError("PayPal refused the client id and secret. Nothing was sent.")
        body = _json(response.content)
        text, life_s = body.get("access_token"), body.get("expires_in")
        usable = isinstance(text, str) and text.isascii() and text.isprintable() and type(life_s) is int and life_s > 0
        if response.status_code != httpx.codes.OK or not usable:
            raise GatewayUnavailableError(f"PayPal gave no token: status {response.status_code}")
        assert isinstance(text, str)
        assert isinstance(life_s, int)
        return Token(text, float(life_s))


def _read(kind: OperationKind, response: httpx.Response) -> Answer:
    status = response.status_code
    if response.is_success:
        body = {} if status == httpx.codes.NO_CONTENT else _json(response.content)
        return Answer(body if body or status == httpx.codes.NO_CONTENT else None, status=status)
    body = _json(response.content)
    issue = errors.issue_of(body)
    if issue == "DUPLICATE_REQUEST_ID":
        raise KeyMisusedError("PayPal has seen this idempotency key with another request")
    try:
        outcome = errors.outcome_of_error(kind, status, response.headers, body)
    except AnswerUnreadableError:
        outcome = UNKNOWN
    name = body.get("name")
    return Answer(None, outcome, issue, status, name if isinstance(name, str) else None)


def _json(content: bytes) -> Mapping[str, Any]:
    """Return the JSON object; an empty one for anything else."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
