"""What any page of any site may do with the API from a browser: nothing is readable, framed or run, on any route."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from api.live.stream import router as event_stream
from tests.services.api.conftest import Caller

ORIGIN = {"Origin": "https://evil.example"}
STREAMS = {route.path for route in event_stream.routes}  # type: ignore[attr-defined]


@pytest.fixture
def asked(app: FastAPI) -> list[tuple[str, str]]:
    """Return every method and path of the document, with ids that nothing has."""
    found = []
    for path, item in app.openapi()["paths"].items():
        parts = ["nothing-here" if part.startswith("{") else part for part in path.split("/")]
        found += [(method.upper(), "/".join(parts)) for method in item if path not in STREAMS]
    assert len(found) > 140
    return found


async def test_no_route_may_be_read_by_a_page_of_another_site(
    caller: Caller, anonymous: httpx.AsyncClient, asked: list[tuple[str, str]]
) -> None:
    """Neither an answer nor a preflight names an origin: browsers keep both from the page, with a key and without."""
    for method, path in asked:
        url, preflight = f"http://api.test{path}", ORIGIN | {"Access-Control-Request-Method": method}
        for client in (caller.http, anonymous):
            answer = await client.request(method, url, headers=ORIGIN, json={} if method in {"POST", "PUT"} else None)
            check = await client.options(url, headers=preflight)
            named = {name for each in (answer, check) for name in each.headers if name.startswith("access-control")}
            assert not named, (method, path)
            assert check.status_code == 405, (method, path)


async def test_every_answer_of_every_route_has_the_safe_headers(
    caller: Caller, anonymous: httpx.AsyncClient, asked: list[tuple[str, str]]
) -> None:
    """Whatever the answer is: it cannot be sniffed or framed, tells no other site where it was, and runs no script."""
    for method, path in asked:
        for client in (caller.http, anonymous):
            body = {} if method in {"POST", "PUT", "PATCH"} else None
            answer = await client.request(method, f"http://api.test{path}", json=body)
            policy = answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff", path
            assert answer.headers["referrer-policy"] == "no-referrer", path
            assert answer.headers["cache-control"] == "no-store", path
            assert "default-src 'none'" in policy, path
            assert "frame-ancestors 'none'" in policy, path
            assert "script-src" not in policy, path
            assert answer.is_redirect is False or answer.headers["location"].startswith("/"), path
