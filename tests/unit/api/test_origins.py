"""The headers of each origin's answers: what pages may ask a browser for, and that it comes by https only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from api.app import create_app as api
from api.dashboard.app import create_app as dashboard
from api.hosted import policy
from api.hosted.app import create_app as checkout
from clearway.settings import Settings

HTTPS: dict[str, Any] = {
    "api_public_url": "https://api.shop.example",
    "dashboard_url": "https://pay.shop.example",
    "checkout_url": "https://checkout.shop.example:8443",
}
DEVICES = "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), usb=()"
NOBODY, OURSELVES = f"{DEVICES}, payment=()", f"{DEVICES}, payment=(self)"
YEAR = "max-age=31536000"
Make = Callable[[Settings], ASGIApp]
ANSWERS: tuple[tuple[Make, str, str, int, str], ...] = (
    (api, "api.shop.example", "/health", 200, NOBODY),
    (api, "api.shop.example", "/nothing", 404, NOBODY),
    (dashboard, "pay.shop.example", "/", 200, NOBODY),
    (dashboard, "pay.shop.example", "/assets/nothing.js", 404, NOBODY),
    (dashboard, "pay.shop.example", "/health", 200, NOBODY),
    (checkout, "checkout.shop.example:8443", "/health", 200, NOBODY),
    (checkout, "checkout.shop.example:8443", "/sdk/v1/checkout.js", 200, NOBODY),
    (checkout, "Checkout.Shop.Example:8443", "/nothing", 404, OURSELVES),
)


async def headers_of(make: Make, settings: Settings, host: str, path: str) -> tuple[int, httpx.Headers]:
    """Return the status and the headers of an answer."""
    transport = httpx.ASGITransport(make(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://behind-a-proxy.test") as client:
        answer = await client.get(path, headers={"host": host})
        return answer.status_code, answer.headers


@pytest.mark.parametrize(("make", "host", "path", "status", "permissions"), ANSWERS)
async def test_every_origin_says_what_pages_may_and_that_it_is_https(
    make: Make, host: str, path: str, status: int, permissions: str
) -> None:
    """No device for anybody, payment only for checkout pages; https for a year at the hosts whose URL is https."""
    got, headers = await headers_of(make, Settings(**HTTPS), host, path)
    assert got in {status, 503 if make is dashboard else status}, "503: the pages are not built"
    assert headers.get_list("permissions-policy") == [permissions]
    assert headers.get_list("strict-transport-security") == [YEAR]
    for settings, asked in ((Settings(), host), (Settings(**HTTPS), "127.0.0.1:8000")):
        _, headers = await headers_of(make, settings, asked, path)
        assert "strict-transport-security" not in headers, "a host that has no https would be lost to browsers"


async def test_https_can_be_unlearnt() -> None:
    """With 0 seconds browsers forget that the host was https."""
    _, headers = await headers_of(api, Settings(**HTTPS, hsts_max_age_s=0), "api.shop.example", "/health")
    assert headers["strict-transport-security"] == "max-age=0"


def test_a_gateways_frame_may_ask_for_a_payment() -> None:
    """The checkout passes `payment` on to the frames of the gateways of the page, and nothing else to anybody."""
    sent = policy.headers("nonce", [{"frame-src": ("https://js.gateway.example", "https://hooks.gateway.example")}])
    asked = 'payment=(self "https://hooks.gateway.example" "https://js.gateway.example")'
    assert sent["permissions-policy"] == f"{DEVICES}, {asked}"
