"""A UPI intent on the page: the QR code of it, how long it is good for, and in test mode the page that plays the app.

The link is the gateway's own. The page shows it and changes nothing in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote, urlsplit

import segno
from markupsafe import Markup

from clearway.domain.resources import NextAction


@dataclass(frozen=True, slots=True)
class Intent:
    """What a page shows. ends_at: Unix time in seconds. app_url: the simulator's page; None: a real app is needed."""

    url: str
    code: Markup
    ends_at: int | None
    left_s: int
    app_url: str | None

    @property
    def left(self) -> str:
        """The time that is left, as `4:59`."""
        return f"{self.left_s // 60}:{self.left_s % 60:02}"


def of(action: NextAction, simulator_url: str | None) -> Intent:
    """Return the intent of an action. simulator_url: of the simulator, if that is the gateway."""
    end = None if action.expires_at is None else int(action.expires_at.timestamp())
    left_s = 0 if end is None else max(0, end - int(datetime.now(UTC).timestamp()))
    return Intent(action.url, _code(action.url), end, left_s, _app_url(action.url, simulator_url))


def _code(url: str) -> Markup:
    """Return the QR code as SVG, dark on light in every theme: many scanners read no other."""
    drawn = segno.make_qr(url, error="m").svg_inline(border=4, omitsize=True, dark="#000", light="#fff")
    return Markup(drawn)  # noqa: S704 - only the squares: segno writes nothing of the link into the SVG


def _app_url(url: str, simulator_url: str | None) -> str | None:
    reference = parse_qs(urlsplit(url).query).get("tr")
    return f"{simulator_url}/upi/{quote(reference[0], safe='')}" if simulator_url and reference else None
