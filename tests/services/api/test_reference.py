"""`/docs` and `/`: work without a network, fill in the test key in development only, and run nothing foreign."""

from __future__ import annotations

import hashlib
import re

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.reference.page import ASSETS, ASSETS_PATH
from clearway.settings import TEST_API_KEY, TEST_API_SECRET, Settings
from tests.services.api.conftest import changed, client_of

ROOT = "http://api.test"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def production(api_settings: Settings) -> Settings:
    """Return the settings of a production."""
    return changed(
        api_settings,
        clearway_env="production",
        dashboard_url="https://api.test",
        secret_keys="k1:" + "QUFB" * 10 + "QUE=",
        api_key_peppers="own:a-pepper-of-its-own",
        simulator_webhook_secret="whsec_b3RoZXI=",
        webhook_allowed_networks=(),
    )


@pytest.fixture
def in_production(production: Settings) -> FastAPI:
    """Make the app of a production that serves its reference."""
    return create_app(changed(production, docs_enabled=True))


async def test_the_page_takes_everything_from_this_server(anonymous: httpx.AsyncClient) -> None:
    """Every address in the page is on this server, exists, and has the media type that browsers require."""
    page = await anonymous.get(f"{ROOT}/docs")
    assert page.status_code == 200
    found = re.findall(r'(?:src|href|data-document)="([^"]+)"', page.text)
    assert len(found) >= 5
    for address in found:
        assert address.startswith("/"), address
        answer = await anonymous.get(f"{ROOT}{address}")
        assert answer.status_code == 200, address
        kinds = {"js": "text/javascript", "css": "text/css", "png": "image/png", "json": "application/json"}
        assert answer.headers["content-type"].startswith(kinds[address.rpartition(".")[2]]), address
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_page_may_only_talk_to_this_server(anonymous: httpx.AsyncClient) -> None:
    """The policy names no foreign source, no inline code and no framing."""
    page = await anonymous.get(f"{ROOT}/docs")
    [policy] = page.headers.get_list("content-security-policy")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "<style" not in page.text
    assert not re.search(r"<script(?! src=)", page.text)


async def test_the_test_key_is_filled_in_outside_production_only(
    anonymous: httpx.AsyncClient, in_production: FastAPI
) -> None:
    """In development the published key can be used at once; a production shows none."""
    page = (await anonymous.get(f"{ROOT}/docs")).text
    assert f'data-key="{TEST_API_KEY}"' in page
    assert f'data-secret="{TEST_API_SECRET}"' in page
    async with client_of(in_production) as client:
        page = (await client.get(f"{ROOT}/docs")).text
    assert TEST_API_KEY not in page
    assert "data-key" not in page


async def test_the_address_without_a_path_leads_on(anonymous: httpx.AsyncClient, in_production: FastAPI) -> None:
    """A browser is led to the reference where it is served; a program gets JSON."""
    led = await anonymous.get(f"{ROOT}/", headers=BROWSER)
    assert (led.status_code, led.headers["location"]) == (307, "/docs")
    told = await anonymous.get(f"{ROOT}/", headers={"Accept": "application/json"})
    assert told.json()["api"] == "/api/v1"
    for name in ("reference", "openapi"):
        assert (await anonymous.get(f"{ROOT}{told.json()[name]}")).status_code == 200
    async with client_of(in_production) as client:
        assert (await client.get(f"{ROOT}/", headers=BROWSER)).headers["location"] == "/docs"


async def test_production_serves_no_reference_unless_asked(production: Settings, in_production: FastAPI) -> None:
    """Without DOCS_ENABLED a production has no page, no document and no assets, and its index names none."""
    paths = ("/docs", "/openapi.json", f"{ASSETS_PATH}/swagger-ui-bundle.js")
    async with client_of(create_app(production)) as silent, client_of(in_production) as asked:
        assert [(await silent.get(f"{ROOT}{path}")).status_code for path in paths] == [404, 404, 404]
        assert [(await asked.get(f"{ROOT}{path}")).status_code for path in paths] == [200, 200, 200]
        index = await silent.get(f"{ROOT}/", headers=BROWSER)
    assert set(index.json()) == {"name", "version", "api", "ready"}


async def test_a_development_can_serve_no_reference(api_settings: Settings) -> None:
    """DOCS_ENABLED=false counts everywhere."""
    async with client_of(create_app(changed(api_settings, docs_enabled=False))) as client:
        assert (await client.get(f"{ROOT}/docs")).status_code == 404


async def test_the_document_says_where_requests_go(anonymous: httpx.AsyncClient, api_settings: Settings) -> None:
    """`servers` names this server, and the public address of the installation."""
    document = (await anonymous.get(f"{ROOT}/openapi.json")).json()
    assert [server["url"] for server in document["servers"]] == ["/", api_settings.api_public_url]


@pytest.mark.parametrize("path", ["/redoc", f"{ASSETS_PATH}/../page.py", f"{ASSETS_PATH}/%2e%2e/page.py", ASSETS_PATH])
async def test_nothing_else_is_served(anonymous: httpx.AsyncClient, path: str) -> None:
    """The folder of the page's files is no way to other files."""
    answer = await anonymous.get(f"{ROOT}{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_foreign_files_are_as_they_were_published() -> None:
    """The bundle is the one of swagger-ui-dist 5.35.0, byte for byte, with its licence beside it."""
    bundle = (ASSETS / "swagger-ui-bundle.js").read_bytes()
    assert hashlib.sha256(bundle).hexdigest() == "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2"
    assert "Apache License" in (ASSETS / "LICENSE").read_text(encoding="utf-8")
