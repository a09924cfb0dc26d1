"""Hostile servers: each attempt ends in time and within its limits, with the right error."""

from __future__ import annotations

import asyncio
import gzip
import random
import socket
import struct
import time
import tracemalloc
from dataclasses import replace

import pytest

from clearway.egress import SendError, WebhookSender

DEADLINE_S = 0.5
LATEST_S = 30
"""The deadline and what a busy machine needs on top: far from the endless that is being guarded against."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


async def drip_body(reader, writer):
    """Answer at once, then one byte of body after another, for ever."""
    writer.write(HEAD + b"Content-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drip_headers(reader, writer):
    """Send the headers of an answer one byte after another, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Endless: ")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drip_interim(reader, writer):
    """Send `100 Continue` again and again, and never an answer."""
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drip_chunk_framing(reader, writer):
    """Begin a chunk and never end it."""
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;")
    while True:
        writer.write(b"e")
        await writer.drain()
        await asyncio.sleep(0.05)


async def never_answer(reader, writer):
    """Read the request, and say nothing."""
    await asyncio.sleep(3_600)


@pytest.mark.parametrize("behaviour", [drip_body, drip_headers, drip_interim, drip_chunk_framing, never_answer])
async def test_nothing_stretches_the_deadline(receive, hasty_sender, behaviour):
    """A server that keeps sending a little does not get more time than one that sends nothing."""
    receiver = await receive(behaviour)
    started = time.monotonic()
    result = await hasty_sender.send(receiver.url(), {}, b"{}")
    elapsed = time.monotonic() - started
    assert DEADLINE_S * 0.9 <= elapsed < LATEST_S
    assert result.error_code is SendError.TIMEOUT
    assert result.error == "There was no complete answer within 0.5 s."
    assert DEADLINE_S * 900 <= result.duration_ms < LATEST_S * 1_000
    assert not result.succeeded


async def test_dripped_answer_keeps_what_was_read(receive, cut_off_later):
    """An answer cut off by the deadline is no success, and its status and first bytes are still shown."""
    result = await cut_off_later.send((await receive(drip_body)).url(), {}, b"{}")
    assert result.status == 200
    assert result.response_body.startswith("x")
    assert result.response_headers["content-type"] == "text/plain"
    assert not result.succeeded


async def test_tls_handshake_is_within_the_deadline(receive, hasty_sender):
    """A server that accepts the connection and never speaks TLS is given up in time, and its connection closed."""
    receiver = await receive()  # it goes on reading until a request ends, which in TLS it never sees
    started = time.monotonic()
    result = await hasty_sender.send(receiver.url(scheme="https"), {}, b"{}")
    assert result.error_code is SendError.TIMEOUT
    assert time.monotonic() - started < LATEST_S
    await receiver.hung_up()


async def test_endless_body_is_cut_at_the_cap(receive, sender):
    """Gigabytes of answer: the first kilobyte is kept, the connection is dropped, and the 2xx counts."""
    sent = 0

    async def counted_flood(reader, writer):
        nonlocal sent
        writer.write(HEAD + b"Content-Length: 10000000000\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()
            sent += 65_536

    started = time.monotonic()
    result = await sender.send((await receive(counted_flood)).url(), {}, b"{}")
    assert time.monotonic() - started < LATEST_S
    assert result.succeeded
    assert result.response_body == "x" * 1_024
    await asyncio.sleep(0.05)
    assert sent < 16 * 1024 * 1024, "the server must notice that nobody reads on"


async def flood_interim(reader, writer):
    """Send `100 Continue` without end, as fast as it is taken."""
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000)
        await writer.drain()


async def flood_headers(reader, writer):
    """Send header after header, and never an end of them."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Header: " + b"x" * 1_000 + b"\r\n")
        await writer.drain()


async def one_huge_header(reader, writer):
    """Send a header of 300 KiB."""
    writer.write(HEAD + b"X-Huge: " + b"x" * 300_000 + b"\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


async def flood_chunk_framing(reader, writer):
    """Send chunk extensions without end and hardly any data."""
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write((b"1;" + b"e" * 4_000 + b"\r\nx\r\n") * 10)
        await writer.drain()


@pytest.mark.parametrize("behaviour", [flood_interim, flood_headers, one_huge_header, flood_chunk_framing])
async def test_floods_beside_the_body_are_cut(receive, policy, behaviour):
    """What never reaches the body's cap is cut by the connection's: long before the deadline, and with little work."""
    sender = WebhookSender(policy)
    result = await sender.send((await receive(behaviour)).url(), {}, b"{}")
    assert result.error_code is SendError.PROTOCOL_ERROR
    assert result.duration_ms < LATEST_S * 1_000


async def test_compressed_body_is_not_expanded(receive, policy):
    """A gzip bomb stays the few bytes it is on the wire."""
    bomb = gzip.compress(b"\0" * 50_000_000)
    answer = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb
    receiver = await receive(answer)
    sender = WebhookSender(replace(policy, response_bytes_max=1_000_000))
    tracemalloc.start()
    result = await sender.send(receiver.url(), {}, b"{}")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000
    assert result.succeeded
    assert result.response_body == f"({len(bomb)} bytes of gzip, not decompressed)"
    assert b"accept-encoding: identity\r\n" in receiver.requests[0].lower()


async def test_reset_connection(receive, sender):
    """A connection reset in the middle is a lost connection, not a fault of Clearway."""

    async def reset(reader, writer):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    result = await sender.send((await receive(reset)).url(), {}, b"{}")
    assert result.error_code is SendError.CONNECTION_LOST
    assert result.status is None


async def test_refused_connection(receive, sender):
    """A port where nobody listens is a refused connection."""
    receiver = await receive()
    await receiver.stop()
    result = await sender.send(receiver.url(), {}, b"{}")
    assert result.error_code is SendError.CONNECT_FAILED


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"NONSENSE\r\n\r\n", id="no-status-line"),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", id="status-in-letters"),
        pytest.param(b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", id="header-without-colon"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", id="negative-length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", id="two-lengths"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", id="body-cut-short"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="chunk-size-in-letters"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", id="upgrade-nobody-asked-for"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="another-protocol"),
    ],
)
async def test_malformed_answers(receive, sender, answer):
    """What is not proper HTTP is a failed attempt that says so."""
    result = await sender.send((await receive(answer)).url(), {}, b"{}")
    assert result.error_code is SendError.PROTOCOL_ERROR
    assert result.error is not None
    assert not result.succeeded


@pytest.mark.parametrize("seed", range(40))
async def test_random_answers_never_raise(receive, sender, seed):
    """For any bytes in the answer, the attempt ends with a result."""
    source = random.Random(seed)  # noqa: S311 - to be repeatable
    beginning = source.choice([b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"])
    result = await sender.send((await receive(beginning + source.randbytes(2_000))).url(), {}, b"{}")
    assert result.error_code in {SendError.PROTOCOL_ERROR, SendError.CONNECTION_LOST}


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
async def test_redirects_are_not_followed(receive, sender, status):
    """A redirect is a failure: neither a metadata service nor an inner server is ever called."""
    target = await receive()
    for location in ("http://169.254.169.254/latest/meta-data/", target.url()):
        answer = b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, location.encode())
        result = await sender.send((await receive(answer)).url(), {}, b"{}")
        assert (result.status, result.error_code) == (status, SendError.REDIRECT)
        assert result.response_headers["location"] == location
        assert not result.succeeded
    assert target.connections == 0


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
async def test_proxy_environment_is_ignored(receive, policy, monkeypatch, name):
    """A proxy for the operator's own traffic does not carry webhooks: it would connect to what we refuse."""
    proxy, receiver = await receive(), await receive()
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv(name, proxy.url())
    result = await WebhookSender(policy).send(receiver.url(), {}, b"{}")
    assert result.succeeded
    assert (proxy.connections, receiver.connections) == (0, 1)


async def test_netrc_is_ignored(receive, policy, monkeypatch, tmp_path):
    """Credentials of the account that runs the worker never go to a merchant."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login operator password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    receiver = await receive()
    await WebhookSender(policy).send(receiver.url(), {}, b"{}")
    assert b"authorization" not in receiver.requests[0].lower()


async def test_cancelling_is_not_swallowed(receive, policy):
    """A worker that shuts down can cancel an attempt: it is not turned into a result."""
    arrived = asyncio.Event()

    async def arrive_and_wait(reader, writer):
        arrived.set()
        await never_answer(reader, writer)

    receiver = await receive(arrive_and_wait)
    task = asyncio.create_task(WebhookSender(policy).send(receiver.url(), {}, b"{}"))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
