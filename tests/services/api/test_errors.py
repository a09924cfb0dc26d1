"""Errors: RFC 9457 problem documents for everything that can go wrong, and nothing leaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.http.problems import CODES, Problem
from clearway.db.seed import TEST_MERCHANT_ID
from clearway.domain.gateway import first_gateway_id
from clearway.domain.limits import REQUEST_BODY_BYTES_MAX
from clearway.settings import Settings
from tests.services.api.conftest import Caller, changed, client_of, free_port
from tests.services.gateways.running import free_listener, serving

JSON = {"Content-Type": "application/json"}


def problem_of(response: httpx.Response) -> Problem:
    """Read the problem, having checked what every problem has."""
    assert response.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate(response.json())
    assert problem.status == response.status_code
    assert problem.request_id == response.headers["x-request-id"]
    assert problem.detail
    return problem


@pytest.mark.parametrize(
    "body",
    [b"{", b"", b"{'amount': 1}", b'{"amount": 1,}', b"\xff\xfe{}", b'{"amount":' + b"9" * 5_000 + b"}", b"[" * 5_000],
)
async def test_what_is_not_json_is_a_400(caller: Caller, body: bytes) -> None:
    """A body that is not JSON is `malformed_json`; an absent body is a missing field."""
    problem = problem_of(await caller.http.post("/orders", content=body, headers=JSON))
    assert problem.code == ("malformed_json" if body else "validation_error")


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null"])
async def test_json_of_another_shape_is_a_422(caller: Caller, body: bytes) -> None:
    """JSON that is not the object asked for is a 422."""
    assert problem_of(await caller.http.post("/orders", content=body, headers=JSON)).code == "validation_error"


async def test_another_media_type_is_a_415(caller: Caller) -> None:
    """A form, or JSON under another media type, is a 415 that asks for application/json."""
    for headers in ({"Content-Type": "text/plain"}, {}):
        response = await caller.http.post("/orders", content=b'{"amount":1,"currency":"INR"}', headers=headers)
        assert problem_of(response).code == "unsupported_media_type"
    form = await caller.http.post("/orders", data={"amount": "1"})
    assert problem_of(form).code == "unsupported_media_type"


async def test_a_large_body_is_a_413(caller: Caller) -> None:
    """A body beyond the limit is refused by its announced length."""
    large = b'{"amount": 1, "receipt": "' + b"x" * REQUEST_BODY_BYTES_MAX + b'"}'
    assert problem_of(await caller.http.post("/orders", content=large, headers=JSON)).code == "body_too_large"


async def test_an_announced_length_is_refused_before_the_body_is_read(app: FastAPI) -> None:
    """A body that is too large is refused before the client sends it."""
    sent: list[MutableMapping[str, Any]] = []
    headers = [(b"content-length", b"10000000"), (b"content-type", b"application/json")]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/v1/orders",
        "raw_path": b"/api/v1/orders",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("api.test", 80),
    }

    async def never_sends() -> MutableMapping[str, Any]:
        return await asyncio.Future()

    async def keep(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async with asyncio.timeout(30):
        await app(scope, never_sends, keep)
    assert sent[0]["status"] == 413


async def test_a_large_body_in_chunks_is_a_413(caller: Caller) -> None:
    """A body that announces no length is refused when it passes the limit."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(REQUEST_BODY_BYTES_MAX // 1024 + 1):
            yield b"x" * 1024

    assert problem_of(await caller.http.post("/orders", content=chunks(), headers=JSON)).code == "body_too_large"


async def test_an_unknown_address_is_a_404(caller: Caller) -> None:
    """No route: 404; so is a path with a slash too many."""
    assert problem_of(await caller.http.get("/nothing")).code == "route_not_found"
    assert problem_of(await caller.http.get("/orders/")).code in {"route_not_found", "order_not_found"}


async def test_another_method_is_a_405_that_says_which(caller: Caller) -> None:
    """A known address with another method says which it takes."""
    response = await caller.http.delete("/orders")
    assert problem_of(response).code == "method_not_allowed"
    assert response.headers["allow"] == "GET, HEAD, POST"
    assert (await caller.http.put("/payments/pay_1/capture")).headers["allow"] == "POST"


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=ten", "cursor=zzz", "cursor=pay_1", "cursor=%00", "status=%00"]
)
async def test_a_bad_query_is_refused(caller: Caller, query: str) -> None:
    """Page parameters out of bounds and cursors that no list gave are a 4xx."""
    response = await caller.http.get(f"/orders?{query}")
    assert problem_of(response).code == ("cursor_invalid" if "cursor" in query else "validation_error")


async def test_an_unexpected_error_reveals_nothing(app: FastAPI, api_settings: Settings) -> None:
    """An unexpected exception is a 500 problem with the request id, and none of its text."""
    broken = create_app(api_settings)

    @broken.get("/api/v1/broken")
    async def broken_route() -> None:
        message = "secret internals"
        raise ZeroDivisionError(message)

    async with client_of(broken) as client:
        response = await client.get("/broken", headers={"X-Request-Id": "req-of-the-caller"})
    problem = problem_of(response)
    assert problem.code == "internal_error"
    assert problem.request_id == "req-of-the-caller"
    assert "secret" not in response.text
    assert "Zero" not in response.text


async def test_a_database_that_is_away_is_a_503(api_settings: Settings) -> None:
    """While the database is down, a request with credentials is a 503 `database_unavailable`."""
    away = f"postgresql+asyncpg://postgres@127.0.0.1:{free_port()}/none"
    app = create_app(changed(api_settings, database_url=away))
    async with app.router.lifespan_context(app), client_of(app) as client:
        response = await client.get("/orders", headers={"X-Api-Key": "key_x", "X-Api-Secret": "y"})
    assert response.status_code == 503
    assert problem_of(response).code == "database_unavailable"


async def test_every_answer_has_the_safe_headers(caller: Caller, anonymous: httpx.AsyncClient) -> None:
    """Successes and errors alike cannot be sniffed, framed or cached, and name their request."""
    for response in (await caller.http.get("/orders"), await anonymous.get("/orders"), await anonymous.get("/none")):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-request-id"]


@pytest.mark.parametrize("given", ["short", "x" * 65, "bad id\twith space", "a<script>b", "ключ-запроса".encode()])
async def test_an_odd_request_id_is_replaced(anonymous: httpx.AsyncClient, given: str | bytes) -> None:
    """Only a plain token is taken over as the request id: it goes into logs and answers."""
    response = await anonymous.get("/orders", headers={"X-Request-Id": given})
    assert response.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/payments", {"order_id": "o", "method": "wallet"}, "wallet: Send wallet; a payment by wallet needs it."),
        ("/payments", {"order_id": "o", "method": "card"}, "card: Send card or token; a payment by card needs it."),
        (
            "/payments",
            {"order_id": "o", "method": "upi", "vpa": "ann@upi", "token": "tok_12345678"},
            "token: Leave this out; a payment by upi does not use it.",
        ),
        ("/payments", {"order_id": "o", "method": "upi", "vpa": "@"}, "vpa: This must be a UPI ID, such as name@bank."),
        ("/orders", {"amount": 1}, "currency: This field is required."),
        ("/orders", {"amount": 1, "currency": "INR", "recipt": "R"}, "recipt: Unknown field. Check the spelling"),
        ("/orders", {"amount": 1, "currency": "INR", "receipt": 7}, "receipt: This must be a string."),
    ],
)
async def test_a_refusal_says_what_to_do(caller: Caller, path: str, body: dict[str, Any], said: str) -> None:
    """A refusal says first that nothing was done, then what is wrong with each field."""
    detail = problem_of(await caller.http.post(path, json=body)).detail
    assert detail.startswith("The request is not valid, and nothing was done. ")
    assert said in detail


def test_every_code_has_a_status_of_an_error() -> None:
    """The catalogue of codes holds errors only, each with words for people."""
    for code, (status, meaning) in CODES.items():
        assert 400 <= status < 600, code
        assert meaning.endswith("."), code


@pytest.fixture
def app_of_its_own(api_settings: Settings) -> FastAPI:
    """Make an app before the test begins: making one sets up logging, and would put an end to `caplog`."""
    return create_app(api_settings)


async def test_a_gateway_that_disconnects_during_its_request_is_no_error(
    app_of_its_own: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    """A gateway that disconnects during its request causes one log line with status 499, and no error."""
    listener, url = free_listener()
    async with serving(app_of_its_own, listener):
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        gateway = first_gateway_id(TEST_MERCHANT_ID)
        asked = f"POST /api/v1/gateways/{gateway}/webhook HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{{"
        writer.write(asked.encode())
        await writer.drain()
        writer.close()
        async with asyncio.timeout(30):
            while not (told := [text for text in caplog.messages if "'status': 499" in text]):
                await asyncio.sleep(0.02)
    assert len(told) == 1
    assert "unhandled_error" not in caplog.text
