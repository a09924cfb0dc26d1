"""Details of HTTP: blanks around header values, HEAD, Allow, and headers or parameters that come twice."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from api.app import ROUTERS, TESTING, create_app
from api.http.routing import RootRouter
from api.live.socket import router as live_socket
from api.operations.routes import router as operations
from api.reference.routes import router as reference
from clearway.domain.api import API_PREFIX
from clearway.settings import Settings
from tests.services.api.conftest import Caller, Payer
from tests.services.api.test_errors import problem_of
from tests.services.gateways.running import free_listener, serving

PAYMENT = "pay_00000000000000000000000000"


@pytest.fixture
def own_app(api_settings: Settings) -> FastAPI:
    """Make an app to be served: a server opens its clients and closes them."""
    return create_app(api_settings)


async def exchange(app: FastAPI, *lines: str) -> bytes:
    """Send a request as it is written here to a real server; return the whole answer."""
    listener, url = free_listener()
    async with serving(app, listener):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write("\r\n".join((*lines, "Host: api.test", "Connection: close", "", "")).encode())
        await writer.drain()
        async with asyncio.timeout(30):
            answer = await reader.read()
        writer.close()
        return answer


@pytest.mark.parametrize("blank", [" ", "\t", "  \t "])
async def test_blanks_around_a_header_value_are_no_part_of_it(own_app: FastAPI, caller: Caller, blank: str) -> None:
    """RFC 9110, section 5.5: a field value does not include the white space around it."""
    key, secret = caller.credentials.api_key, caller.credentials.api_secret
    answer = await exchange(
        own_app,
        f"GET {API_PREFIX}/orders HTTP/1.1",
        f"X-Api-Key:{blank}{key}{blank}",
        f"X-Api-Secret:{blank}{secret}{blank}",
        f"X-Request-Id: a-request-id{blank}",
    )
    assert answer.startswith(b"HTTP/1.1 200"), answer
    assert b"a-request-id\r\n" in answer


async def test_head_answers_as_get_without_the_body(caller: Caller) -> None:
    """RFC 9110, section 9.3.2: every address that takes GET takes HEAD, with the same status and length.

    A streamed answer says no length in either.
    """
    await caller.order()
    document = (await caller.http.get("http://api.test/openapi.json")).json()
    paths = [
        path
        for path, operations in document["paths"].items()
        if "get" in operations
        and "text/event-stream" not in operations["get"]["responses"].get("200", {}).get("content", ())
    ]  # without the stream, whose answer does not end
    steady = 0
    for path in (*paths, "/openapi.json"):
        url = "http://api.test" + path.replace("{", "").replace("}", "")
        got, head, again = await caller.http.get(url), await caller.http.head(url), await caller.http.get(url)
        assert head.status_code == got.status_code, path
        assert head.content == b"", path
        assert head.headers["content-type"] == got.headers["content-type"], path
        lengths = [answer.headers.get("content-length") for answer in (got, head, again)]
        if got.status_code == 200 and lengths[0] == lengths[2]:  # logs and times of last use change in between
            assert lengths[1] == lengths[0], path
            steady += 1
    assert steady > 15


async def test_a_real_server_answers_head_and_goes_on(own_app: FastAPI) -> None:
    """The connection is in order after a HEAD: nothing of a body was sent."""
    answer = await exchange(own_app, "HEAD /health HTTP/1.1")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), answer
    assert b"content-length: 15" in head.lower()
    assert body == b""


def test_every_route_is_checked() -> None:
    """Each router is one that reads bodies strictly: a plain one would take what the others refuse."""
    for router in (*ROUTERS, *TESTING, operations, reference):
        assert isinstance(router, RootRouter) or router is live_socket, router.prefix


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/orders", "GET, HEAD, POST"),
        ("PUT", f"/payments/{PAYMENT}", "GET, HEAD"),
        ("HEAD", f"/payments/{PAYMENT}/capture", "POST"),
        ("GET", f"/payments/{PAYMENT}/capture", "POST"),
        ("DELETE", "/payments/public", "POST"),
        ("PUT", "/orders/public", "GET, HEAD"),
        ("POST", "/health", "GET, HEAD"),
        ("OPTIONS", "/webhook_endpoints/whe_1", "DELETE, GET, HEAD, PATCH"),
    ],
)
async def test_allow_names_what_the_address_takes(caller: Caller, method: str, path: str, allowed: str) -> None:
    """Allow lists the methods of the route that the address belongs to: the most specific one, not of an id beside."""
    response = await caller.http.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("Idempotency-Key", "a", "b"),
        ("Content-Type", "application/json", "text/plain"),
        ("X-Api-Key", None, "key_other"),
        ("X-Api-Secret", None, "other"),
    ],
)
async def test_two_values_of_one_header_are_refused(caller: Caller, name: str, first: str | None, second: str) -> None:
    """A header that has one meaning and comes with two values is a 400, and nothing is made."""
    given = [(name, first)] if first else []
    headers = [*caller.http.headers.items(), *given, (name, second)]
    request = caller.http.build_request("POST", "/orders")
    content = b'{"amount": 1, "currency": "INR"}'
    more = [] if name == "Content-Type" else [("Content-Type", "application/json")]
    refused = await caller.http.send(httpx.Request("POST", request.url, headers=headers + more, content=content))
    assert (refused.status_code, problem_of(refused).code) == (400, "header_repeated")
    assert name.lower() in problem_of(refused).detail
    assert (await caller.http.get("/orders")).json()["data"] == []


async def test_the_same_value_twice_is_one_value(caller: Caller) -> None:
    """A proxy that repeats a header changes nothing."""
    headers = [*caller.http.headers.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "a")]
    url = caller.http.build_request("POST", "/orders").url
    made = await caller.http.send(httpx.Request("POST", url, headers=headers, json={"amount": 1, "currency": "INR"}))
    assert made.status_code == 201, made.text


@pytest.mark.parametrize(
    ("path", "query", "name"),
    [
        ("/refunds", "payment_id=pay_1&payment_id=pay_2", "payment_id"),
        ("/payments", "search=a&search=a", "search"),
        ("/orders", "limit=1&limit=2", "limit"),
        ("/webhooks", "event_id=evt_1&event_id=evt_2", "event_id"),
        ("/events", "cursor=a&type=payment.created&cursor=b", "cursor"),
    ],
)
async def test_a_query_parameter_given_twice_is_refused(caller: Caller, path: str, query: str, name: str) -> None:
    """Only one of them could count, and the list would look like an answer to both: a 422 that names it."""
    problem = problem_of(await caller.http.get(f"{path}?{query}"))
    assert problem.code == "validation_error"
    assert [error.field for error in problem.errors or ()] == [name]


async def test_no_body_an_empty_object_and_null_ask_for_the_same(payer: Payer) -> None:
    """A capture without a body is repeated with `{}`, `null` or a null amount under its key: one capture."""
    payment = await payer.payment(
        method="card",
        card={"number": "4242424242424242", "expiry_month": 12, "expiry_year": 2031, "cvv": "123"},
        capture_method="manual",
        until="authorized",
    )
    path, key = f"/payments/{payment['id']}/capture", {"Idempotency-Key": "capture-once"}
    first = await payer.http.post(path, headers=key)
    assert first.status_code == 200, first.text
    for body in (b"{}", b"null", b'{"amount": null}', b" { } "):
        again = await payer.http.post(path, content=body, headers=key | {"Content-Type": "application/json"})
        assert (again.status_code, again.content) == (200, first.content), body
        assert again.headers["Idempotent-Replayed"] == "true"
    other = await payer.http.post(path, json={"amount": payment["amount"]}, headers=key)
    assert other.json()["code"] == "idempotency_key_reused"
