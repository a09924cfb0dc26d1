"""What a merchant's checkout page may look like and who may frame it: colours, logo, origins.

Contrast is that of WCAG 2.2 (success criterion 1.4.3). A logo is a small bitmap that Clearway serves itself, so that
no customer's browser asks another server for it; SVG is refused, because it may hold scripts.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

COLOUR_FORM: Final = r"^#[0-9a-f]{6}$"
CONTRAST_MIN: Final = 4.5
"""Of text on its background."""
BLACK: Final = "#000000"
WHITE: Final = "#ffffff"
LINEAR_UNTIL: Final = 0.04045
"""Of a colour channel in sRGB."""
LOGO_BYTES_MAX: Final = 24 * 1024
LOGO_FORM: Final = r"^data:image/(png|jpeg|webp);base64,[A-Za-z0-9+/]+={0,2}$"
LOGO_LENGTH_MAX: Final = LOGO_BYTES_MAX * 4 // 3 + 64
_LABEL: Final = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
ORIGIN_FORM: Final = rf"^(?:https://{_LABEL}(?:\.{_LABEL})*|http://(?:localhost|127\.0\.0\.1))(?::[0-9]{{1,5}})?$"
PORT_MAX: Final = 65_535
DEFAULT_PORTS: Final = {"https": 443, "http": 80}


class HelpTopic(StrEnum):
    """A help page of the checkout, to which a merchant may add a text."""

    METHODS = "methods"
    SECURITY = "security"
    FAQ = "faq"
    TROUBLESHOOTING = "troubleshooting"
    TERMS = "terms"


@dataclass(frozen=True, slots=True)
class Logo:
    """An image. media_type: `image/png`, `image/jpeg` or `image/webp`."""

    media_type: str
    content: bytes

    @property
    def url(self) -> str:
        """The image as a `data:` URL."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.content).decode()}"


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def text_on(background: str) -> str:
    """Return black or white, whichever reads better on this colour: one of them always reaches CONTRAST_MIN."""
    return max((WHITE, BLACK), key=lambda colour: contrast(colour, background))


def read_logo(url: str) -> Logo:
    """Return the image of a `data:` URL. Raises ValueError, which says what is wrong."""
    if not re.fullmatch(LOGO_FORM, url):
        message = "Send the logo as data:image/png;base64,… (or jpeg, webp)"
        raise ValueError(message)
    media_type = url[len("data:") : url.index(";")]
    try:
        content = base64.b64decode(url.partition(",")[2], validate=True)
    except binascii.Error:
        message = "The logo is not valid base64"
        raise ValueError(message) from None
    if len(content) > LOGO_BYTES_MAX:
        message = f"The logo has {len(content)} bytes; at most {LOGO_BYTES_MAX} are accepted"
        raise ValueError(message)
    if _kind_of(content) != media_type:
        message = f"The logo is not an image of the type {media_type}"
        raise ValueError(message)
    return Logo(media_type, content)


def read_origin(text: str) -> str:
    """Return an origin as browsers write it, such as `https://shop.example`. Raises ValueError."""
    origin = text.strip().lower()
    if not re.fullmatch(ORIGIN_FORM, origin):
        message = (
            "Write an exact origin: https, a host and perhaps a port, without a path, such as https://shop.example. "
            "http is accepted for localhost only. Write an international name in its ASCII form (xn--…)"
        )
        raise ValueError(message)
    scheme, _, place = origin.partition("://")
    host, _, port = place.partition(":")
    if not port or int(port) == DEFAULT_PORTS[scheme]:
        return f"{scheme}://{host}"
    if not 0 < int(port) <= PORT_MAX:
        message = f"The port of {origin} is not one of 1 to {PORT_MAX}"
        raise ValueError(message)
    return f"{scheme}://{host}:{int(port)}"


def _kind_of(content: bytes) -> str | None:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[place : place + 2], 16) / 255) for place in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return float(channel / 12.92 if channel <= LINEAR_UNTIL else ((channel + 0.055) / 1.055) ** 2.4)
