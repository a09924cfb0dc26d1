"""The suite's own guards: no test leaves this machine, and no unit test reaches a server."""

from __future__ import annotations

import asyncio
import socket

import asyncpg
import pytest
from temporalio.client import Client

from tests.support.network import NetworkClosedError
from tests.support.side_by_side import place_in_line, unit_of

ELSEWHERE = "192.0.2.1"
"""An address that documentation may use and nobody has."""


async def test_no_test_reaches_another_machine() -> None:
    """A connection to another machine is refused before it is made, in asyncio too; loopback is open."""
    with pytest.raises(NetworkClosedError), socket.socket() as probe:
        probe.connect((ELSEWHERE, 80))
    with pytest.raises(NetworkClosedError):
        await asyncio.open_connection(ELSEWHERE, 80)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, pytest.raises(NetworkClosedError):
        probe.sendto(b"", (ELSEWHERE, 53))
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        socket.create_connection(server.getsockname()).close()


async def test_no_unit_test_reaches_a_server() -> None:
    """Postgres and Temporal are refused, reached or started, with or without a fixture."""
    with pytest.raises(AssertionError, match="Postgres was called"):
        await asyncpg.connect(host="127.0.0.1", user="postgres")
    with pytest.raises(AssertionError, match="Temporal was called"):
        await Client.connect("127.0.0.1:7233")
    with pytest.raises(AssertionError, match="was started"):
        await asyncio.create_subprocess_exec("/usr/lib/postgresql/bin/postgres", "--version")


def test_tests_that_share_servers_go_to_one_worker() -> None:
    """A folder with servers of its own is one unit, other files are one each, and the longest begin first."""
    assert unit_of("tests/services/api/test_orders.py::test_a") == unit_of(
        "tests/services/api/test_pages.py::test_b[x]"
    )
    assert unit_of("tests/unit/domain/test_ids.py::test_a") == "tests/unit/domain/test_ids.py"
    gauntlet, unit = "tests/fire/gauntlet/test_short_run.py::test_a", "tests/unit/domain/test_ids.py::test_a"
    assert place_in_line(gauntlet) < place_in_line("tests/services/api/test_orders.py::test_a") < place_in_line(unit)
