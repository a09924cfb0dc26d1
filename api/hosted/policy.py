"""The Content Security Policy of checkout pages: only our own files, and what the gateways of this page need.

`frame-ancestors` names the one shop that may frame this page, or nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from clearway.security_headers import NO_DEVICES

ALWAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "default-src": ("'none'",),
    "script-src": (),
    "style-src": (),
    "img-src": ("'self'", "data:"),
    "connect-src": ("'self'",),
    "font-src": ("'self'",),
    "frame-src": (),
    "form-action": ("'self'",),
    "base-uri": ("'none'",),
    "object-src": ("'none'",),
}
NOTHING: Final = "'none'"
_NETLOC: Final = re.compile(r"[A-Za-z0-9.-]+(?::\d{1,5})?", re.ASCII)
LOCAL: Final = frozenset({"127.0.0.1", "localhost"})


Sources = Mapping[str, tuple[str, ...]]
"""By directive."""


def headers(nonce: str, needed: Iterable[Sources] = (), *, framed_by: str | None = None) -> dict[str, str]:
    """Return the headers of one page. needed: by the gateways whose components it shows."""
    needed = tuple(needed)
    allowed = {name: dict.fromkeys(sources) for name, sources in ALWAYS.items()}
    for name in ("script-src", "style-src"):
        allowed[name][f"'nonce-{nonce}'"] = None
    for sources_of in needed:
        for name, sources in sources_of.items():
            allowed[name].update(dict.fromkeys(sources))
    allowed["frame-ancestors"] = {framed_by: None} if framed_by else {}
    lines = [f"{name} {' '.join(sources) or NOTHING}" for name, sources in allowed.items()]
    origins = sorted({source for each in needed for source in each.get("frame-src", ())})
    payment = " ".join(["self", *(f'"{origin}"' for origin in origins)])
    return {
        "content-security-policy": "; ".join(lines),
        "permissions-policy": f"{NO_DEVICES}, payment=({payment})",
        "cross-origin-opener-policy": "same-origin-allow-popups",
        "cache-control": "no-store",
    }


def framing_origin(asked: str, allowed: Iterable[str], *, test_mode: bool) -> str | None:
    """Return the origin that may frame the page; None: nobody."""
    return asked if asked and _allowed_origin(asked, allowed, test_mode=test_mode) == asked else None


def return_address(asked: str, allowed: Iterable[str], *, test_mode: bool) -> str | None:
    """Return the URL that the customer is sent back to, if it is one of the merchant's; None: nowhere."""
    return asked if asked and _allowed_origin(asked, allowed, test_mode=test_mode) else None


def _allowed_origin(url: str, allowed: Iterable[str], *, test_mode: bool) -> str | None:
    """Return the origin of a URL of the merchant. A test merchant may use every page of this machine."""
    try:
        parts = urlsplit(url)
        is_local = parts.hostname in LOCAL and parts.port is not None
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not _NETLOC.fullmatch(parts.netloc):
        return None
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin if origin in allowed or (test_mode and is_local) else None
