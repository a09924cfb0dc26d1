"""Several processes of one service on a stack: each with a port of its own, each killed and started by its own name."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx
import pytest

from clearway.dev.errors import PortInUseError
from clearway.dev.ports import Ports
from clearway.dev.postgres import THROWAWAY_SETTINGS
from clearway.dev.stack import Stack, StackOptions

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def options(tmp_path: Path, temporal_binary: Path) -> StackOptions:
    """Describe a stack with two API and two worker processes."""
    api, metrics = Ports.free_numbers(2)
    return StackOptions(
        state_dir=tmp_path / "state",
        ports=Ports.free(),
        services=frozenset({"api", "worker"}),
        further={"api-2": api, "worker-2": metrics},
        temporal_binary=temporal_binary,
        temporal_ui=False,
        postgres_settings=THROWAWAY_SETTINGS,
    )


async def health(url: str) -> int:
    """Ask an API process whether it is there."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"{url}/health")).status_code


async def test_one_of_two_goes_on_when_the_other_is_killed(options: StackOptions) -> None:
    """A stack with two of each: every one is there by its name, and the death of one leaves the other."""
    async with Stack(options) as stack:
        first, second = stack.api_urls()
        assert [await health(first), await health(second)] == [200, 200]
        assert {"api", "api-2", "worker", "worker-2"} <= set(stack.supervisor.services)

        await stack.kill("api")
        assert await health(second) == httpx.codes.OK
        with pytest.raises(httpx.TransportError):
            await health(first)
        await stack.start("api")
        assert await health(first) == httpx.codes.OK

        # Ready means that this process asks for work, not that the one beside it does.
        await stack.kill("worker-2")
        await stack.start("worker-2")
        assert stack.process("worker-2").exit_code is None


async def test_a_port_of_a_further_process_is_looked_at_too(options: StackOptions) -> None:
    """A taken port of the second API is found before Postgres starts."""
    with socket.create_server(("127.0.0.1", options.further["api-2"])), pytest.raises(PortInUseError, match="api"):
        async with Stack(options):
            pytest.fail("it must not start")
    assert not (options.state_dir / "postgres").exists()
