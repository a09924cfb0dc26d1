"""The REST API for the command line: one client, the merchant's credentials, and refusals as exceptions.

Every POST carries an Idempotency-Key, so that an answer lost on the way can be asked for again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

import httpx
import orjson
import typer

from clearway.cli.problems import CommandError
from clearway.cli.running import running_stack
from clearway.settings import TEST_API_KEY, TEST_API_SECRET, Settings

PREFIX: Final = "/api/v1"
TIMEOUT_S: Final = 35.0
"""Longer than the API waits for a workflow."""
PAGE_SIZE_MAX: Final = 100
RETRY_WAIT_S: Final = 1.0
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
CONNECTION: Final = "Connection"

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
        help="The merchant's API key. Default: that of the test merchant.",
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


class ApiAwayError(CommandError):
    """The API did not answer, or said that a part it needs is away."""


class ApiRefusedError(CommandError):
    """The API answered with a problem; `code` is its stable name."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code


class MerchantApi:
    """The API on behalf of one merchant. Use it as a context manager."""

    def __init__(self, url: str, key: str, secret: str) -> None:
        self.url = url.rstrip("/").removesuffix(PREFIX)
        self.base = f"{self.url}{PREFIX}"
        self.key = key
        self.secret = secret
        self._client = httpx.Client(
            headers={"X-Api-Key": key, "X-Api-Secret": secret, "User-Agent": "clearway-cli"},
            timeout=TIMEOUT_S,
            trust_env=urlsplit(self.url).hostname not in LOOPBACK,
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
        try:
            response = self._client.request(method, f"{self.base}{path}", **request)
        except httpx.InvalidURL as error:
            raise CommandError(f"{self.url!r} is not the URL of an API: {error}.") from None
        except httpx.TransportError as error:
            raise ApiAwayError(_away(self.url, error)) from None
        if response.is_success:
            return response
        raise _refusal(response, self.url)


def open_api(url: str | None, key: str | None, secret: str | None) -> MerchantApi:
    """Return the client of the given API and key, by default the stack that runs here and its test merchant."""
    if url is None:
        stack = running_stack()
        url = stack.api_url if stack else Settings().api_public_url
    if urlsplit(url).scheme not in {"http", "https"}:
        raise CommandError(f"{url!r} is not the URL of an API; it looks like http://127.0.0.1:8000.")
    return MerchantApi(url, key or TEST_API_KEY, secret or TEST_API_SECRET)


def _away(url: str, error: httpx.TransportError) -> str:
    reason = "it did not answer in time" if isinstance(error, httpx.TimeoutException) else str(error)
    return (
        f"The API at {url} can't be reached ({reason}). Start everything with `clearway dev`, or name another with "
        "--api-url or CLEARWAY_API_URL."
    )


def _refusal(response: httpx.Response, url: str) -> CommandError:
    try:
        problem = response.json()
        detail, code = str(problem["detail"]), str(problem["code"])
    except (ValueError, KeyError, TypeError):
        message = f"{url} answered HTTP {response.status_code}, and not as a Clearway API does. Is --api-url right?"
        return CommandError(message)
    if response.status_code == httpx.codes.UNAUTHORIZED:
        detail += " Give them with --api-key and --api-secret, or CLEARWAY_API_KEY and CLEARWAY_API_SECRET."
    if response.status_code in {httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE}:
        return ApiAwayError(f"{detail} [{code}]")
    return ApiRefusedError(response.status_code, code, f"{detail} [{code}]")
