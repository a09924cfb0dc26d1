"""mTLS to Temporal: the certificate that Clearway shows, and the servers that it trusts."""

from __future__ import annotations

import asyncio
import os
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from clearway.cli.temporal import connection
from clearway.dev.toolchain import present_cli
from clearway.durable.client import connect
from tests.support.authority import CLIENT, SERVER, Authority, mtls


@dataclass
class Listener:
    """Ends TLS as a Temporal frontend with mTLS does, and keeps who came."""

    port: int = 0
    clients: list[str] = field(default_factory=list)

    async def meet(self, _: StreamReader, writer: StreamWriter) -> None:
        """Note the common name of the client's certificate. The handshake is over, and nothing is answered."""
        certificate = writer.get_extra_info("peercert")
        self.clients.append(certificate["subject"][0][0][1])
        writer.close()


@asynccontextmanager
async def listening(authority: Authority) -> AsyncIterator[Listener]:
    """Listen as `SERVER`, for clients of this authority only."""
    identity = authority.issue(SERVER)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.key)
    context.load_verify_locations(authority.file)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    listener = Listener()
    async with await asyncio.start_server(listener.meet, "127.0.0.1", 0, ssl=context) as server:
        listener.port = server.sockets[0].getsockname()[1]
        yield listener


async def test_a_client_shows_its_certificate_to_the_server_it_trusts(tmp_path: Path) -> None:
    """Connecting ends the handshake of a server that wants certificates, under the name that is set."""
    authority = Authority(tmp_path)
    async with listening(authority) as listener:
        with suppress(RuntimeError):  # it speaks no gRPC
            await connect(mtls(authority, listener.port))

    assert listener.clients
    assert set(listener.clients) == {CLIENT}


@pytest.mark.parametrize("lacking", ["authority", "name", "certificate"])
async def test_a_server_that_is_not_trusted_is_not_spoken_to(tmp_path: Path, lacking: str) -> None:
    """Another authority, another name or no certificate: no handshake ends."""
    authority = Authority(tmp_path)
    changed: dict[str, Any] = {
        "authority": {"temporal_tls_ca": Authority(tmp_path, "another authority").file},
        "name": {"temporal_tls_server_name": "another.example"},
        "certificate": {"temporal_tls_cert": None, "temporal_tls_key": None},
    }[lacking]
    async with listening(authority) as listener:
        with pytest.raises(RuntimeError):
            await connect(mtls(authority, listener.port, **changed))

    assert listener.clients == []


async def test_temporals_own_command_shows_the_same_certificate(tmp_path: Path) -> None:
    """`clearway temporal …` hands authority, certificate, key and name to Temporal's CLI."""
    program = present_cli()
    if program is None:
        pytest.skip("Temporal's CLI is not on this machine: make servers")
    authority = Authority(tmp_path)
    async with listening(authority) as listener:
        environment = {**os.environ, **connection(mtls(authority, listener.port)), "HOME": str(tmp_path)}
        command = await asyncio.create_subprocess_exec(
            program, "workflow", "list", "--command-timeout", "10s", env=environment,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await command.wait()

    assert listener.clients
    assert set(listener.clients) == {CLIENT}
