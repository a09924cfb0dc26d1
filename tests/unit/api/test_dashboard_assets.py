"""The pages' own origin: which file an address gets, what browsers may keep, and what the page may load."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from iso4217 import Currency

from api.dashboard.app import DashboardOrigin
from api.dashboard.assets import FOR_GOOD, PAGE_POLICY, Assets
from clearway.security_headers import StrictTransport
from tests.unit.tidy.source import ROOT

PAGE = "<!doctype html><title>Clearway</title>"
SCRIPT = "export const answer = 42;\n" * 100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder as the build leaves it."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / "favicon.svg").write_text("<svg/>")
    (tmp_path / "assets/index-abc123.js").write_text(SCRIPT)
    return tmp_path


@pytest.fixture
async def client(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Ask for the files of that folder."""
    async with _client_of(Assets(StrictTransport((), 0), folder)) as client:
        yield client


def _client_of(app: object) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://dashboard.test")  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/", "/payments", "/payments/pay_01k9w2e3r4t5y6q7w8e9r0t1y2", "/login"])
async def test_every_page_is_the_one_page(client: httpx.AsyncClient, path: str) -> None:
    """A deep link gets the page, whatever the client accepts, and browsers ask for it each time."""
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.text == PAGE
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-security-policy"] == PAGE_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_named_by_digest_is_kept(client: httpx.AsyncClient) -> None:
    """A file whose name changes with its content is kept for a year and sent compressed."""
    answer = await client.get("/assets/index-abc123.js", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["cache-control"] == FOR_GOOD
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.text == SCRIPT
    assert (await client.get("/favicon.svg")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/index-old.js",
        "/assets/",
        "/robots.txt",
        "/assets/..%2f..%2fpyproject.toml",
        "/..%2f..%2fetc%2fpasswd.txt",
    ],
)
async def test_what_is_not_there_is_not_a_page(client: httpx.AsyncClient, path: str) -> None:
    """A file that is missing is 404, so that an old page notices it, and no path leaves the folder."""
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-cache"


async def test_what_describes_the_build_is_not_served(client: httpx.AsyncClient) -> None:
    """The list of the built files is for tests: its address is a page like any other."""
    assert (await client.get("/manifest.json")).text == PAGE


async def test_only_reading(client: httpx.AsyncClient) -> None:
    """Nothing can be posted to a page; HEAD is a GET without its body."""
    assert (await client.post("/payments")).status_code == 405
    head = await client.head("/payments")
    assert (head.status_code, head.content) == (200, b"")


async def test_without_pages_it_says_so(tmp_path: Path) -> None:
    """A checkout without built pages answers with what to do, and the API beside it works."""

    async def api(scope: dict[str, object], receive: object, send: object) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 204, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    async with _client_of(DashboardOrigin(api, Assets(StrictTransport((), 0), tmp_path / "nothing"))) as client:  # type: ignore[arg-type]
        answer = await client.get("/payments")
        assert answer.status_code == 503
        assert "web/dashboard/build.py" in answer.text
        for path in ("/api/v1/payments", "/health", "/ready", "/docs", "/openapi.json"):
            assert (await client.get(path)).status_code == 204
        assert (await client.get("/metrics")).status_code == 503, "metrics are not for browsers"


def test_the_page_runs_no_inline_script() -> None:
    """The source of the page has no inline script, event handler or foreign address, so its policy can forbid them."""
    page = (ROOT / "web/dashboard/index.html").read_text("utf-8")
    assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page)
    assert not re.search(r"\son[a-z]+=|https?://", page)
    assert "script-src 'self';" in PAGE_POLICY


def test_amounts_have_the_digits_of_the_api() -> None:
    """The dashboard's list of currencies without hundredths is the one that the API counts with."""
    source = (ROOT / "web/dashboard/src/lib/money.ts").read_text("utf-8")
    listed = {code: int(digits) for code, digits in re.findall(r"^  ([A-Z]{3}): (\d),$", source, re.MULTILINE)}
    assert listed == {each.code: each.exponent for each in Currency if each.exponent not in {None, 2}}


def test_the_lock_names_no_registry() -> None:
    """The lock file holds versions and digests; where packages come from is each machine's own business."""
    assert '"resolved"' not in (ROOT / "web/dashboard/package-lock.json").read_text("utf-8")
