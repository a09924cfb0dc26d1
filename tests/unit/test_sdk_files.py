"""The files of the browser SDK: small, built from the source beside them, and served as shops need them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from fastapi import FastAPI

from api.hosted.sdk.routes import FILES, router, versions

SOURCE: Final = Path(__file__).parents[2] / "web" / "sdk"
BYTES_MAX: Final = 3_072
NEWEST: Final = json.loads((SOURCE / "package.json").read_text("utf-8"))["version"]


@pytest.fixture
async def checkout() -> AsyncIterator[httpx.AsyncClient]:
    """Talk to an application that serves nothing else."""
    app = FastAPI()
    app.include_router(router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://checkout") as client:
        yield client


def test_it_was_built_from_the_source() -> None:
    """Without Node too one sees that the committed file is stale: run `npm run build` in web/sdk."""
    texts = b"".join(path.read_bytes() for path in sorted((SOURCE / "src").iterdir()))
    assert versions()["versions"][NEWEST]["source_sha256"] == hashlib.sha256(texts).hexdigest()
    assert versions()["latest"]["v1"] == NEWEST


@pytest.mark.parametrize("version", versions()["versions"])
def test_a_version_has_the_published_digest_and_is_small(version: str) -> None:
    """A shop's `integrity` attribute holds for ever: a version's bytes never change."""
    content = (FILES / version / "checkout.js").read_bytes()
    digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
    assert versions()["versions"][version]["integrity"] == f"sha384-{digest}"
    assert len(gzip.compress(content, 9)) <= BYTES_MAX


async def test_a_version_is_kept_for_ever_and_the_alias_is_not(checkout: httpx.AsyncClient) -> None:
    """Browsers keep an exact version, and ask for the newest again after some minutes. Any shop may read both."""
    exact = await checkout.get(f"/sdk/{NEWEST}/checkout.js")
    alias = await checkout.get("/sdk/v1/checkout.js")
    assert exact.content == alias.content
    assert "immutable" in exact.headers["cache-control"]
    assert "immutable" not in alias.headers["cache-control"]
    for answer in (exact, alias):
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert (await checkout.get("/sdk/versions.json")).json() == versions()


@pytest.mark.parametrize("version", ["v0", "9.9.9", "..", "%2e%2e", "routes.py"])
async def test_what_is_no_version_is_not_found(checkout: httpx.AsyncClient, version: str) -> None:
    """A version is looked up by name, never as a path."""
    assert (await checkout.get(f"/sdk/{version}/checkout.js")).status_code == 404
