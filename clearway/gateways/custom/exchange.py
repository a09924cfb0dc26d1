"""One exchange with a gateway: its answer, or why there is none. A request is sent once.

Only a 401 to an OAuth token is followed by a second request, with a new token: the gateway refused the first before it
did anything.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import httpx

from clearway.gateways.contract import GatewayOutcome, GatewayUnavailableError, OutcomeKind
from clearway.gateways.custom import paths, reading
from clearway.gateways.custom.context import Message, Writer
from clearway.gateways.custom.language.requests import (
    BasicAuthentication,
    BearerAuthentication,
    HeaderAuthentication,
    OAuthAuthentication,
    Request,
)
from clearway.gateways.custom.writing import Outgoing, header_text, request_of
from clearway.gateways.http import NOT_SENT, PROGRAMMER_ERRORS
from clearway.gateways.tokens import Token, Tokens

_REFUSED: Final = frozenset({httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})
LIFE_S_MAX: Final = 86_400.0


class CredentialsRefusedError(Exception):
    """The gateway gave no token for these credentials."""


@dataclass(frozen=True)
class Received:
    """An answer."""

    status: int
    body: bytes


class Exchange:
    """The connections to one gateway. writer: without an operation. tokens: in place of the gateway's."""

    def __init__(
        self, writer: Writer, client: httpx.AsyncClient, timeout_s: float, tokens: Tokens | None = None
    ) -> None:
        self._writer = writer
        self._client = client
        self._timeout_s = timeout_s
        self._authentication = writer.document.authentication
        self._tokens = tokens or Tokens(self._fetch_token)

    async def send(self, outgoing: Outgoing) -> Received | GatewayOutcome:
        """Send once; return the answer, or the outcome of a request without one. Raises CredentialsRefusedError."""
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._authorised(outgoing)
        except (GatewayUnavailableError, *NOT_SENT):
            return GatewayOutcome(OutcomeKind.RETRYABLE)
        except PROGRAMMER_ERRORS:
            raise
        except (httpx.HTTPError, TimeoutError):
            return GatewayOutcome(OutcomeKind.UNKNOWN)
        return Received(response.status_code, response.content)

    async def try_credentials(self) -> None:
        """Get a token. Raises CredentialsRefusedError or GatewayUnavailableError."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._tokens.get()
        except TimeoutError:
            raise GatewayUnavailableError("the gateway did not answer in time") from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _authorised(self, outgoing: Outgoing) -> httpx.Response:
        oauth = self._authentication
        if not isinstance(oauth, OAuthAuthentication):
            return await self._send(outgoing, self._header())
        token = await self._tokens.get()
        response = await self._send(outgoing, _authorization(oauth.scheme, token))
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return response
        self._tokens.refused(token)
        return await self._send(outgoing, _authorization(oauth.scheme, await self._tokens.get()))

    async def _send(self, outgoing: Outgoing, headers: dict[str, str]) -> httpx.Response:
        return await self._client.request(
            outgoing.method, outgoing.url, content=outgoing.body, headers=outgoing.headers | headers
        )

    def _header(self) -> dict[str, str]:
        """Return the header that authenticates a request, without OAuth. Raises NotSendableError."""
        match self._authentication:
            case HeaderAuthentication() as given:
                return {given.name.lower(): header_text(self._writer.text(given.value, Message()))}
            case BasicAuthentication() as given:
                pair = (self._writer.text(value, Message()) for value in (given.username, given.password))
                return _basic(*pair)
            case BearerAuthentication() as given:
                return _authorization(given.scheme, header_text(self._writer.text(given.token, Message())))
        return {}

    async def _fetch_token(self) -> Token:
        """Ask for a token. It moves no money, so on every failure the request was not sent."""
        oauth = self._authentication
        assert isinstance(oauth, OAuthAuthentication), "only OAuth has tokens"
        request, headers = self._token_request(oauth)
        try:
            response = await self._send(request, headers)
        except httpx.HTTPError as error:
            raise GatewayUnavailableError(f"the gateway gave no token: {type(error).__name__}") from None
        if response.status_code in _REFUSED:
            raise CredentialsRefusedError("The gateway refused the credentials. Nothing was sent.")
        body = reading.parsed("json", response.content)
        text = paths.text_at(body, oauth.token)
        if not response.is_success or not text or not (text.isascii() and text.isprintable()):
            raise GatewayUnavailableError(f"the gateway gave no token: status {response.status_code}")
        return Token(text, _life_s(paths.text_at(body, oauth.life_s), oauth.default_life_s))

    def _token_request(self, oauth: OAuthAuthentication) -> tuple[Outgoing, dict[str, str]]:
        own = {"grant_type": "client_credentials"}
        if oauth.client == "form":
            own |= {"client_id": oauth.client_id, "client_secret": oauth.client_secret}  # type: ignore[dict-item]
        request = Request(address=oauth.address, path=oauth.path, form={**own, **oauth.fields})
        headers = {}
        if oauth.client == "basic":
            pair = (self._writer.text(value, Message()) for value in (oauth.client_id, oauth.client_secret))
            headers = _basic(*pair)
        return request_of(self._writer, request), headers


def _authorization(scheme: str, token: str) -> dict[str, str]:
    return {"authorization": f"{scheme} {token}".strip()}


def _basic(username: str, password: str) -> dict[str, str]:
    given = httpx.Request("GET", "https://gateway.example")
    flow = httpx.BasicAuth(username, password).auth_flow(given)
    return {"authorization": next(flow).headers["authorization"]}


def _life_s(text: str | None, otherwise: float) -> float:
    """Return how long a token is good. A gateway that says nothing usable is asked again soon."""
    usable = text is not None and text.isdecimal() and text.isascii() and 0 < len(text) < len("1000000000")
    return min(float(text), LIFE_S_MAX) if usable and text and int(text) else otherwise
