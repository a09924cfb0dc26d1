"""The session cookie: how it is called, set and removed, and from which requests it is accepted.

Behind https it is `__Host-clearway_session`: HttpOnly, Secure, SameSite=Strict, of this host and all its paths. A plain
http address (development) has no secure cookies, so there the prefix and `Secure` are left out. A session counts only
at the dashboard's own address, and unsafe calls need a header that no form and no foreign page can send (RFC 10017).

A second cookie, `clearway_signed_in`, gives no access, and scripts may read it: without it a page shows the log-in
at once, instead of asking for a profile that is refused.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from clearway.domain.errors import ForbiddenError
from clearway.settings import Settings

NAME: Final = "clearway_session"
HINT: Final = "clearway_signed_in"
REQUEST_HEADER: Final = "X-Clearway-Request"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def is_secure(settings: Settings) -> bool:
    """Return whether browsers reach the dashboard by https."""
    return urlsplit(settings.dashboard_url).scheme == "https"


def cookie_name(settings: Settings) -> str:
    """Return the name of the cookie."""
    return f"__Host-{NAME}" if is_secure(settings) else NAME


def cookie_of(request: Request, settings: Settings) -> str | None:
    """Return the value of the session cookie, if the request has one."""
    return request.cookies.get(cookie_name(settings))


def set_cookie(response: Response, settings: Settings, value: str, expires_at: datetime) -> None:
    """Give the browser the cookie of a session."""
    response.set_cookie(
        cookie_name(settings),
        value,
        expires=expires_at,
        path="/",
        secure=is_secure(settings),
        httponly=True,
        samesite="strict",
    )
    response.set_cookie(HINT, "1", expires=expires_at, path="/", secure=is_secure(settings), samesite="strict")


def remove_cookie(response: Response, settings: Settings) -> None:
    """Delete the cookie in the browser."""
    response.delete_cookie(
        cookie_name(settings), path="/", secure=is_secure(settings), httponly=True, samesite="strict"
    )
    response.delete_cookie(HINT, path="/", secure=is_secure(settings), samesite="strict")


def check_origin(request: Request, settings: Settings) -> None:
    """Refuse what does not come from a page of the dashboard. Raises ForbiddenError."""
    own = urlsplit(settings.dashboard_url)
    origin = request.headers.get("origin")
    if request.headers.get("host") != own.netloc or (origin is not None and origin != f"{own.scheme}://{own.netloc}"):
        detail = f"Browser sessions are accepted at {settings.dashboard_url} only. Nothing was done. Open that address."
        raise ForbiddenError("origin_not_allowed", detail)
    if request.method not in SAFE and request.headers.get(REQUEST_HEADER) != "1":
        detail = f"Send the header {REQUEST_HEADER}: 1 with each request that changes something. Nothing was done."
        raise ForbiddenError("request_header_missing", detail)
