"""The gauntlet's client: it insists with its key at any process of the API, and writes down every answer."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import httpx
import pytest

from tests.fire.gauntlet import client as clients
from tests.fire.gauntlet.client import Client, Exchange, Shop

Answer = httpx.Response | Exception


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients pause for no time."""
    monkeypatch.setattr(clients, "PAUSE_S", (0.0, 0.01))


def client_of(answers: Sequence[Answer], seen: list[httpx.Request] | None = None) -> Client:
    """Return a client of two API processes that answer in this order, whichever is asked."""
    left = iter(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        given = next(left)
        if isinstance(given, Exception):
            raise given
        return given

    transport = httpx.MockTransport(answer)
    apis = [httpx.AsyncClient(base_url=f"http://api-{number}.test", transport=transport) for number in range(2)]
    return Client(Shop(0, "mer_1", apis), [], 1, random.Random(1), apis[0])  # noqa: S311 - chance that repeats itself


async def test_it_insists_with_its_key_until_it_is_answered() -> None:
    """A broken connection, a 500, a 503 and a 429 are no answers; every one is on record."""
    seen: list[httpx.Request] = []
    broken = httpx.ReadError("broken")
    answers = [broken, *(httpx.Response(status) for status in (500, 503, 429)), httpx.Response(201, json={"id": "x"})]
    client = client_of(answers, seen)
    exchange = await client.insist("/payments", {"a": 1}, key="k")
    assert (exchange.status, exchange.answer) == (201, {"id": "x"})
    assert [item.status for item in client.log] == [None, 500, 503, 429, 201]
    assert client.log[0].error == "ReadError"
    assert {request.headers["Idempotency-Key"] for request in seen} == {"k"}
    assert len({item.request for item in client.log}) == 1
    assert {request.url.host for request in seen} == {"api-0.test", "api-1.test"}


@pytest.mark.parametrize(
    ("answer", "is_final"),
    [
        (httpx.Response(200), True),
        (httpx.Response(409), True),
        (httpx.Response(429), False),
        (httpx.Response(504, json={"code": "temporal_unavailable"}), False),
        (httpx.Response(504, json={"code": "gateway_outcome_unknown"}), True),
    ],
)
async def test_what_is_an_answer(answer: httpx.Response, is_final: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A refusal is one, also that the gateway has not said what it did; what may be different next time is none."""
    assert (await client_of([answer]).send("POST", "/payments", {}, key="k")).is_final is is_final


async def test_its_patience_ends() -> None:
    """A client that is never answered stops at its deadline, and the log shows it."""
    client = client_of([httpx.Response(503)] * 3)
    client.deadline = 0.0
    assert (await client.insist("/payments", {}, key="k")).status == 503
    assert len(client.log) == 1


def test_two_bodies_of_one_key_are_two_requests() -> None:
    """Method, path and body make a request, in any order of its fields."""
    digest: Callable[..., str] = clients.digest
    assert digest("POST", "/payments", {"a": 1, "b": 2}) == digest("POST", "/payments", {"b": 2, "a": 1})
    assert digest("POST", "/payments", {"a": 1}) != digest("POST", "/payments", {"a": 2})


def test_an_answer_that_is_no_object_is_empty() -> None:
    """What a broken process sends is kept as bytes and read as nothing."""
    exchange = Exchange(1, "mer_1", 0, "GET", "/x", None, "", None, 0.0, 1.0, 200, b"[1")
    assert exchange.answer == {}
    assert exchange.is_success
