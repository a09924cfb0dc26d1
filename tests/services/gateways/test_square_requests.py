"""What the connector sends is what Square takes, by Square's own schemas; and a repeat is equal byte for byte."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import httpx

from clearway.gateways.contract import Operation
from clearway.gateways.square.api import VERSION
from tests.services.gateways.asking import MANUAL, follow_up
from tests.services.gateways.square_account import Seller
from tests.services.gateways.square_bench import Square, connected
from tests.support.receiver import Receiver
from tests.support.square_shapes import assert_is

Sent = list[httpx.Request]
NAMES = {
    "/v2/payments": "CreatePaymentRequest",
    "/v2/payments/cancel": "CancelPaymentByIdempotencyKeyRequest",
    "/v2/refunds": "RefundPaymentRequest",
}


@asynccontextmanager
async def recording(seller: Seller, receiver: Receiver) -> AsyncIterator[tuple[Square, Sent]]:
    """Connect, and keep every request."""
    sent: Sent = []

    class Transport(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            sent.append(request)
            return await super().handle_async_request(request)

    async with connected(seller, receiver, transport=Transport()) as bench:
        yield bench, sent


async def test_every_request_is_one_that_square_takes(seller: Seller, receiver: Receiver) -> None:
    """Each body is valid by the schema of its request, with fields that Square knows; the version is pinned."""
    async with recording(seller, receiver) as (bench, sent):
        asked, held = await bench.paid(capture_method=MANUAL)
        await bench.gateway.capture(replace(follow_up(asked, held, "capture", 400), final=True))
        await bench.gateway.refund(follow_up(asked, held, "refund", 100))
        await bench.gateway.abort(bench.asked())
        for request in sent:
            assert request.headers["square-version"] == VERSION
            limits = request.extensions["timeout"]
            assert limits["connect"] < limits["read"]  # A connect timeout comes first, and proves what was not sent.
            if request.content:
                assert_is(_name(request), json.loads(request.content))
    assert {_name(request) for request in sent if request.content} == {
        "CreatePaymentRequest",
        "UpdatePaymentRequest",
        "CompletePaymentRequest",
        "RefundPaymentRequest",
        "CancelPaymentByIdempotencyKeyRequest",
    }


async def test_repeats_are_equal(seller: Seller, receiver: Receiver) -> None:
    """A repeat with the same key has the same bytes, also later: no clock, no chance, no trace id."""
    async with recording(seller, receiver) as (bench, sent):
        asked, paid = await bench.paid()
        again = replace(asked, first_sent_at=datetime.now(UTC), last_sent_at=datetime.now(UTC))
        refund = follow_up(asked, paid, "refund", 100)
        sent.clear()
        await _twice(sent, bench.gateway.authorise, asked, again)
        await _twice(sent, bench.gateway.refund, refund, replace(refund, last_sent_at=datetime.now(UTC)))


async def test_identifiers_are_parts_of_a_path(seller: Seller, receiver: Receiver) -> None:
    """An id with a slash or dots does not lead to another address of the API."""
    async with recording(seller, receiver) as (bench, sent):
        asked, held = await bench.paid(capture_method=MANUAL)
        sent.clear()
        await bench.gateway.void(replace(follow_up(asked, held, "void", 1_000), references={"payment": "../refunds?a"}))
        assert {request.url.raw_path for request in sent} <= {
            b"/square/v2/payments/..%2Frefunds%3Fa/cancel",
            b"/square/v2/payments/..%2Frefunds%3Fa",
        }


async def _twice(sent: Sent, call: Callable[[Operation], Awaitable[object]], *operations: Operation) -> None:
    for operation in operations:
        await call(operation)
    first, second = sent
    assert (first.content, first.url) == (second.content, second.url)
    sent.clear()


def _name(request: httpx.Request) -> str:
    path = request.url.path.removeprefix("/square")
    if request.method == "PUT":
        return "UpdatePaymentRequest"
    return "CompletePaymentRequest" if path.endswith("/complete") else NAMES.get(path, path)
