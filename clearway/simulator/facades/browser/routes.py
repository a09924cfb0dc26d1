"""The scripts at the paths where gateways have them, and the frame in which a card is entered on the gateway's origin.

A page that uses them sees what it would see of the gateway: a card's number stays in the frame, a token comes out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

FILES: Final = Path(__file__).parent / "files"
SCRIPT: Final = "text/javascript; charset=utf-8"
PAGE_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors *"
    ),
}

router = APIRouter()


@router.get("/stripe/v3/")
async def stripe_script() -> Response:
    """Return the stand-in of Stripe.js."""
    return _file("stripe.js", SCRIPT)


@router.get("/square/v1/square.js")
async def square_script() -> Response:
    """Return the stand-in of the Web Payments SDK."""
    return _file("square.js", SCRIPT)


@router.get("/paypal/sdk/js")
async def paypal_script() -> Response:
    """Return the stand-in of PayPal's JavaScript SDK."""
    return _file("paypal.js", SCRIPT)


@router.get("/paypal/sdk/window")
async def paypal_window() -> Response:
    """Return the window in which the payer approves an order."""
    return _file("window.html", "text/html; charset=utf-8")


@router.get("/browser/card")
async def card_frame() -> Response:
    """Return the frame in which a card is entered."""
    return _file("card.html", "text/html; charset=utf-8")


@router.get("/browser/{name}.{kind}")
async def part_of_page(name: str, kind: str) -> Response:
    """Return a script or style of these pages."""
    types = {"js": SCRIPT, "css": "text/css; charset=utf-8"}
    if f"{name}.{kind}" not in {"card.js", "window.js", "frame.css"}:
        return Response(status_code=404)
    return _file(f"{name}.{kind}", types[kind])


def _file(name: str, media_type: str) -> Response:
    return Response((FILES / name).read_bytes(), 200, PAGE_HEADERS, media_type)
