"""The logins of `clearway login`: one for each API, in a file that only its owner can read.

An access token is short. The refresh token that replaces it works once, so commands that run at the same time take
turns: a lock file lets one of them refresh, and the others read what it wrote.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import httpx

from clearway.cli.api_problems import TIMEOUT_S, away, refusal, uses_proxy
from clearway.cli.problems import CommandError
from clearway.domain.api import API_PREFIX

REFRESHED_BEFORE_END_S: Final = 30
"""So much of an access token's life is left to the request that carries it."""
ENDED: Final = "session_ended"


@dataclass(frozen=True, slots=True)
class Login:
    """A person's login at one API. access_ends_at: seconds since the epoch."""

    email: str
    merchant_id: str | None
    session_id: str
    access_token: str = field(repr=False)
    access_ends_at: float
    refresh_token: str = field(repr=False)
    refresh_expires_at: str

    def renewed(self, tokens: dict[str, Any]) -> Login:
        """Return the login with the pair of tokens of an answer."""
        return replace(self, **token_fields(tokens))


def token_fields(tokens: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a login that an answer of `/auth/token` or `/auth/refresh` sets."""
    return {
        "session_id": tokens["session_id"],
        "access_token": tokens["access_token"],
        "access_ends_at": time.time() + tokens["expires_in"],
        "refresh_token": tokens["refresh_token"],
        "refresh_expires_at": tokens["refresh_expires_at"],
    }


def logins_file() -> Path:
    """Return where logins are kept: in the user's configuration folder."""
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "clearway" / "logins.json"


def find(url: str) -> Login | None:
    """Return the login at an API."""
    kept = _read().get(url)
    return None if kept is None else Login(**kept)


def keep(url: str, login: Login) -> None:
    """Keep a login, in place of the one before."""
    with _locked():
        _write(_read() | {url: asdict(login)})


def keep_merchant(url: str, merchant_id: str | None) -> Login:
    """Keep for which merchant the login acts, and return it. Its tokens may have been refreshed meanwhile."""
    with _locked():
        kept = _read()
        chosen = replace(Login(**kept[url]), merchant_id=merchant_id)
        _write(kept | {url: asdict(chosen)})
    return chosen


def forget(url: str) -> None:
    """Remove the login at an API."""
    with _locked():
        kept = _read()
        kept.pop(url, None)
        _write(kept)


class Bearer(httpx.Auth):
    """The access token of the login at an API, refreshed in time."""

    requires_response_body = True

    def __init__(self, url: str) -> None:
        self._url = url

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Send the access token. When the API does not accept it any more, refresh it and send once more."""
        token = _usable(self._url)
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED and ENDED in response.text:
            request.headers["Authorization"] = f"Bearer {_usable(self._url, but=token)}"
            yield request


def _usable(url: str, *, but: str | None = None) -> str:
    """Return an access token that is valid for a while. but: one that was refused."""
    login = find(url)
    if login is not None and _is_usable(login, but):
        return login.access_token
    with _locked():
        login = find(url)
        if login is None:
            raise CommandError(f"You are not signed in at {url}. Run `clearway login`.")
        if not _is_usable(login, but):
            login = _refresh(url, login)
    return login.access_token


def _is_usable(login: Login, but: str | None) -> bool:
    return login.access_token != but and time.time() < login.access_ends_at - REFRESHED_BEFORE_END_S


def _refresh(url: str, login: Login) -> Login:
    """Replace the tokens. The lock is held. Raises CommandError; a session that has ended is forgotten."""
    body = {"refresh_token": login.refresh_token}
    try:
        with httpx.Client(timeout=TIMEOUT_S, trust_env=uses_proxy(url)) as client:
            response = client.post(f"{url}{API_PREFIX}/auth/refresh", json=body)
    except httpx.TransportError as error:
        raise away(url, error) from None
    kept = _read()
    if response.status_code == httpx.codes.UNAUTHORIZED:
        kept.pop(url, None)
        _write(kept)
        raise CommandError(f"Your login at {url} has ended. Nothing was done. Run `clearway login`.")
    if not response.is_success:
        raise refusal(response, url)
    renewed = login.renewed(response.json())
    _write(kept | {url: asdict(renewed)})
    return renewed


def _read() -> dict[str, Any]:
    path = logins_file()
    try:
        kept: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CommandError(f"The logins in {path} can't be read: {error}. Remove the file and sign in again.") from None
    return kept


def _write(kept: dict[str, Any]) -> None:
    """Replace the file at once, so that nobody reads half of it."""
    path = logins_file()
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=2)
    new.replace(path)


@contextmanager
def _locked() -> Iterator[None]:
    path = logins_file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise CommandError(f"The logins in {path.parent} can't be kept: {error}.") from None
