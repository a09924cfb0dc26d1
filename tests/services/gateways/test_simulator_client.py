"""How the connector classifies what the network does to a request, shown with real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from clearway.gateways.contract import CardRefusedError, GatewayUnavailableError, OutcomeKind
from clearway.gateways.simulator.client import SimulatorGateway
from clearway.settings import DEVELOPMENT_SIMULATOR_SECRET
from tests.services.gateways import hostile
from tests.services.gateways.asking import card, follow_up, order, question_about

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def speaking_to(handler: Handler, timeout_s: float = 30) -> AsyncIterator[SimulatorGateway]:
    """Connect a connector to a server with its own behaviour for each connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    gateway = SimulatorGateway(f"http://127.0.0.1:{port}", DEVELOPMENT_SIMULATOR_SECRET, timeout_s=timeout_s)
    try:
        yield gateway
    finally:
        await gateway.aclose()
        server.close()
        await server.wait_closed()


async def kinds(gateway: SimulatorGateway) -> set[OutcomeKind]:
    """Return the outcome kinds of one call with an effect of each sort."""
    asked = order("success@razorpay")
    outcome = await gateway.authorise(asked)
    calls = [gateway.capture, gateway.void, gateway.refund]
    others = [await call(follow_up(asked, outcome, "refund", 1)) for call in calls]
    return {outcome.kind, *(other.kind for other in others)}


async def test_refused_connection_is_retryable() -> None:
    """Nobody listens: surely not executed, so RETRYABLE for every call."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    gateway = SimulatorGateway(f"http://127.0.0.1:{port}", DEVELOPMENT_SIMULATOR_SECRET, timeout_s=1)
    assert await kinds(gateway) == {OutcomeKind.RETRYABLE}
    assert (await gateway.recover(order("success@razorpay"))).kind is OutcomeKind.UNKNOWN
    with pytest.raises(GatewayUnavailableError) as refusal:
        await gateway.tokenise(card())
    assert "4242" not in str(refusal.value)
    await gateway.aclose()


async def test_silence_is_unknown() -> None:
    """The request is sent and nothing comes back within the deadline: UNKNOWN."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with speaking_to(silent, timeout_s=2) as gateway:
        assert await kinds(gateway) == {OutcomeKind.UNKNOWN}


async def test_dripping_answer_does_not_stretch_the_deadline() -> None:
    """A server that sends a byte now and then is cut off at the total deadline: UNKNOWN."""

    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 10000\r\n\r\n")
        while not reader.at_eof() and not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with speaking_to(dripping, timeout_s=0.2) as gateway:
        started = asyncio.get_running_loop().time()
        assert (await gateway.authorise(order("success@razorpay"))).kind is OutcomeKind.UNKNOWN
        assert asyncio.get_running_loop().time() - started < 30  # the whole answer would take 200 s


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 2",
        b"not http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\n{}{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
async def test_lost_or_unreadable_answer_is_unknown(answer: bytes) -> None:
    """A connection lost after sending, or an answer that makes no sense, is UNKNOWN for every call."""

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    async with speaking_to(answering) as gateway:
        assert await kinds(gateway) == {OutcomeKind.UNKNOWN}
        with pytest.raises(GatewayUnavailableError):
            await gateway.tokenise(card())


async def test_a_card_s_token_that_cannot_be_used_is_no_token() -> None:
    """For every answer of the gateway to a card, there is a token that can be stored, or an error."""
    kept = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2040}
    good = [{"id": "tok_1", "card": kept}, {"error": {"code": "expired_card", "message": "Expired."}}]
    bodies = [json.dumps(body).encode() for answer in good for body in hostile.variants(answer)]
    async with hostile.answering() as answers:
        gateway = SimulatorGateway(answers.url, DEVELOPMENT_SIMULATOR_SECRET, timeout_s=5)
        for answers.status in (201, 400, 402):
            for answers.body in [*hostile.NOT_JSON, *bodies]:
                assert hostile.is_storable_throughout(await token_or_refusal(gateway))
        await gateway.aclose()


async def token_or_refusal(gateway: SimulatorGateway) -> object:
    """Exchange a card, and return the token or what is said in its place."""
    try:
        return await gateway.tokenise(card())
    except (CardRefusedError, GatewayUnavailableError) as refusal:
        return str(refusal)


async def test_proxy_environment_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment never sees a request to a gateway."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 429 Too Many\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n")

    async with speaking_to(refusing) as gateway:
        outcome = await gateway.recover(question_about("pay_1:authorise:1"))
        assert outcome.retry_after_s == 3
