"""The REST API for the command line: one client, by an API key or by a login, and refusals as exceptions.

Every POST carries an Idempotency-Key, so that an answer lost on the way can be asked for again.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterator
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

import httpx
import orjson
import typer

from clearway.cli import logins
from clearway.cli.api_problems import TIMEOUT_S, ApiAwayError, ApiRefusedError, away, refusal, uses_proxy
from clearway.cli.problems import CommandError
from clearway.cli.running import running_stack
from clearway.domain.api import API_PREFIX
from clearway.settings import TEST_API_KEY, TEST_API_SECRET, Settings

PAGE_SIZE_MAX: Final = 100
RETRY_WAIT_S: Final = 1.0
CONNECTION: Final = "Connection"
CODE_LENGTH: Final = 6
"""Of a TOTP code. No password is as short."""
MERCHANT_VARIABLE: Final = "CLEARWAY_MERCHANT"
KEYS_WANTED: Final = " Give them with --api-key and --api-secret, or CLEARWAY_API_KEY and CLEARWAY_API_SECRET."

ApiUrl = Annotated[
    str | None,
    typer.Option(
        "--api-url",
        envvar="CLEARWAY_API_URL",
        help="URL of the API. Default: that of the stack on this machine.",
        rich_help_panel=CONNECTION,
        show_default=False,
    ),
]
ApiKey = Annotated[
    str | None,
    typer.Option(
        "--api-key",
        envvar="CLEARWAY_API_KEY",
        help="The merchant's API key. Default: your login (`clearway login`), else that of the test merchant.",
        rich_help_panel=CONNECTION,
        show_default=False,
    ),
]
ApiSecret = Annotated[
    str | None,
    typer.Option(
        "--api-secret",
        envvar="CLEARWAY_API_SECRET",
        help="The secret of the key.",
        rich_help_panel=CONNECTION,
        show_default=False,
    ),
]

IdempotencyKey = Annotated[
    str | None,
    typer.Option(help="Makes this command safe to repeat: same key, one effect.", show_default=False),
]
Limit = Annotated[int, typer.Option(help="How many to show.", min=1, max=10_000)]


class MerchantApi:
    """The API on behalf of one merchant: by an API key, or by the login kept for this API. A context manager."""

    def __init__(
        self, url: str, key: str | None = None, secret: str | None = None, *, login: logins.Login | None = None
    ) -> None:
        self.url = plain_url(url)
        self.base = f"{self.url}{API_PREFIX}"
        self.key = key
        self.secret = secret
        self.login = login
        self.merchant_id = login and (os.environ.get(MERCHANT_VARIABLE) or login.merchant_id)
        named = {"X-Api-Key": key, "X-Api-Secret": secret, "X-Clearway-Merchant": self.merchant_id}
        self._client = httpx.Client(
            headers={"User-Agent": "clearway-cli"} | {name: value for name, value in named.items() if value},
            auth=logins.Bearer(self.url) if login else None,
            timeout=TIMEOUT_S,
            trust_env=uses_proxy(self.url),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **params: Any) -> Any:
        """Return one resource or page."""
        return self._answer("GET", path, params={name: value for name, value in params.items() if value is not None})

    def get_bytes(self, path: str) -> bytes:
        """Return an answer's body byte for byte."""
        return self._request("GET", path).content

    def post(self, path: str, body: Any = None, *, idempotency_key: str | None = None) -> Any:
        """Return what a command answers. A lost answer is asked for once more, under the same key."""
        headers = {"Idempotency-Key": idempotency_key or f"cli-{secrets.token_hex(12)}"}
        try:
            return self._answer("POST", path, json=body, headers=headers)
        except ApiAwayError:
            time.sleep(RETRY_WAIT_S)
            return self._answer("POST", path, json=body, headers=headers)

    def patch(self, path: str, body: Any) -> Any:
        """Return the resource after the change."""
        return self._answer("PATCH", path, json=body)

    def delete(self, path: str) -> None:
        """Delete a resource."""
        self._request("DELETE", path)

    def all(self, path: str, *, limit: int, **params: Any) -> list[Any]:
        """Return up to `limit` items of a list, newest first, over as many pages as it takes."""
        items: list[Any] = []
        for page in self.pages(path, page_size=min(limit, PAGE_SIZE_MAX), **params):
            items += page
            if len(items) >= limit:
                break
        return items[:limit]

    def pages(self, path: str, *, page_size: int = PAGE_SIZE_MAX, **params: Any) -> Iterator[list[Any]]:
        """Yield the pages of a list, newest first."""
        cursor = None
        while True:
            page = self.get(path, limit=page_size, cursor=cursor, **params)
            yield page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _answer(self, method: str, path: str, **request: Any) -> Any:
        response = self._request(method, path, **request)
        return orjson.loads(response.content) if response.content else None

    def _request(self, method: str, path: str, **request: Any) -> httpx.Response:
        response = self._send(method, path, **request)
        problem = None if response.is_success else refusal(response, self.url, KEYS_WANTED if self.key else "")
        if isinstance(problem, ApiRefusedError) and problem.code == "step_up_required" and sys.stdin.isatty():
            self._step_up()
            response = self._send(method, path, **request)
            problem = None if response.is_success else refusal(response, self.url)
        if problem is not None:
            raise problem
        return response

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return self._client.request(method, f"{self.base}{path}", **request)
        except httpx.InvalidURL as error:
            raise CommandError(f"{self.url!r} is not the URL of an API: {error}.") from None
        except httpx.TransportError as error:
            raise away(self.url, error) from None

    def _step_up(self) -> None:
        """Ask the person who they are, once more. The act that needed it was not done."""
        given = typer.prompt("This needs your password, or a code of your authenticator app", hide_input=True, err=True)
        is_code = len(given) == CODE_LENGTH and given.isdecimal()
        response = self._send("POST", "/users/me/step_up", json={"code" if is_code else "password": given})
        if not response.is_success:
            raise refusal(response, self.url)


def plain_url(url: str) -> str:
    """Return the URL of an API as logins name it."""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise CommandError(f"{url!r} is not the URL of an API; it looks like http://127.0.0.1:8000.")
    return url.rstrip("/").removesuffix(API_PREFIX)


def api_url(given: str | None) -> str:
    """Return the URL of the API: the given one, else that of the stack that runs here, else that of the settings."""
    if given is None:
        stack = running_stack()
        given = stack.api_url if stack else Settings().api_public_url
    return plain_url(given)


def open_api(url: str | None, key: str | None, secret: str | None) -> MerchantApi:
    """Return the client of an API: by the given key, else by the login there, else by the test merchant's key."""
    url = api_url(url)
    login = None if key or secret else logins.find(url)
    if login is not None:
        return MerchantApi(url, login=login)
    return MerchantApi(url, key or TEST_API_KEY, secret or TEST_API_SECRET)
