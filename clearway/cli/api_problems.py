"""What the command line says when the API is away or refuses."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import httpx

from clearway.cli.problems import CommandError
from clearway.setting_values import LOOPBACK

TIMEOUT_S: Final = 35.0
"""Longer than the API waits for a workflow."""


class ApiAwayError(CommandError):
    """The API did not answer, or said that a part it needs is away."""


class ApiRefusedError(CommandError):
    """The API answered with a problem; `code` is its stable name."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code


def uses_proxy(url: str) -> bool:
    """Return whether the proxy of the environment counts: never on the way to this machine."""
    return urlsplit(url).hostname not in LOOPBACK


def away(url: str, error: httpx.TransportError) -> ApiAwayError:
    """Return the error for an API that did not answer."""
    reason = "it did not answer in time" if isinstance(error, httpx.TimeoutException) else str(error)
    return ApiAwayError(
        f"The API at {url} can't be reached ({reason}). Start everything with `clearway dev`, or name another with "
        "--api-url or CLEARWAY_API_URL."
    )


def refusal(response: httpx.Response, url: str, hint: str = "") -> CommandError:
    """Return the error for an answer that is none of success. hint: added when the caller is not known."""
    try:
        problem = response.json()
        detail, code = str(problem["detail"]), str(problem["code"])
    except (ValueError, KeyError, TypeError):
        message = f"{url} answered HTTP {response.status_code}, and not as a Clearway API does. Is --api-url right?"
        return CommandError(message)
    if response.status_code == httpx.codes.UNAUTHORIZED:
        detail += hint
    if response.status_code in {httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE}:
        return ApiAwayError(f"{detail} [{code}]")
    return ApiRefusedError(response.status_code, code, f"{detail} [{code}]")
