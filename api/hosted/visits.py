"""One visit of a page: what its address says, and the addresses it leads to."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from fastapi import Request

from api.hosted.languages import NAMES, Language, choose

THEMES: Final = frozenset({"light", "dark"})
VALUE_LENGTH_MAX: Final = 2_048
_PLAIN: Final = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True)
class Visit:
    """Everything about a request but the order itself. origin: of the page that frames this one, as it says.

    return_url: where the shop wants its customer back, as it says. android: whether UPI apps can be opened by a link.
    """

    order_id: str
    key_id: str
    language: Language
    chosen: str | None = None
    theme: str | None = None
    embed: bool = False
    origin: str = ""
    return_url: str = ""
    android: bool = False
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(18))

    def url(self, *parts: str, **changes: str) -> str:
        """Return the address of this order's page, or of something below it, with the choices of this visit."""
        query = {
            "key": self.key_id,
            "lang": self.chosen,
            "theme": self.theme,
            "embed": "1" if self.embed else None,
            "origin": self.origin or None,
            "return_url": self.return_url or None,
        }
        given = {name: value for name, value in (query | changes).items() if value}
        return "/".join(["/checkout", self.order_id, *parts]) + "?" + urlencode(given)


def visit_of(request: Request, order_id: str) -> Visit:
    """Read the address. What is not understood counts as not said."""
    query = request.query_params
    asked, theme = query.get("lang"), query.get("theme")
    return Visit(
        order_id=order_id,
        key_id=_plain(query.get("key")),
        language=choose(asked, request.headers.get("accept-language", "")),
        chosen=asked if asked in NAMES else None,
        theme=theme if theme in THEMES else None,
        embed=query.get("embed") == "1",
        origin=_plain(query.get("origin")),
        return_url=_plain(query.get("return_url")),
        android="Android" in request.headers.get("user-agent", ""),
    )


def _plain(value: str | None) -> str:
    return value if value and len(value) <= VALUE_LENGTH_MAX and _PLAIN.fullmatch(value) else ""
