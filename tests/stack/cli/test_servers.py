"""Commands that run servers: they start, say in one line when they can't, and end with 0 when they are stopped."""

from __future__ import annotations

import asyncio
import signal
import socket

import httpx
import pytest

from clearway.dev.ports import HOST, Ports
from tests.stack.cli.command import Cli, ended


async def answering(url: str) -> httpx.Response:
    """Wait for a server's first answer."""
    async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                return await client.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_api_serves_until_it_is_stopped(cli: Cli, number: signal.Signals) -> None:
    """It is alive before its database is, and a stop in order is success."""
    port = Ports.free().api
    async with cli.running("api", API_PORT=str(port), TEMPORAL_ADDRESS="127.0.0.1:1") as process:
        assert (await answering(f"http://{HOST}:{port}/health")).json() == {"status": "ok"}
        assert await ended(process, number) == 0


async def test_the_api_runs_in_several_processes(cli: Cli) -> None:
    """--workers N serves on one port, and ends as one."""
    port = Ports.free().api
    async with cli.running("api", "--port", str(port), "--workers", "2") as process:
        assert (await answering(f"http://{HOST}:{port}/health")).status_code == httpx.codes.OK
        assert await ended(process) == 0


async def test_the_processes_of_an_api_share_the_port_of_their_metrics(cli: Cli) -> None:
    """A port of their own has the metrics and the reference; the processes share it, and end as one."""
    port, apart = Ports.free().api, Ports.free().metrics
    settings = {"API_METRICS_PORT": str(apart), "DOCS_ENABLED": "false"}
    async with cli.running("api", "--port", str(port), "--workers", "2", **settings) as process:
        for path in ("/metrics", "/docs", "/openapi.json"):
            assert (await answering(f"http://{HOST}:{port}{path}")).status_code == httpx.codes.NOT_FOUND
        assert "/openapi.json" in (await answering(f"http://{HOST}:{apart}/docs")).text
        assert "/api/v1/payments" in (await answering(f"http://{HOST}:{apart}/openapi.json")).json()["paths"]
        assert "clearway_http_requests_total" in (await answering(f"http://{HOST}:{apart}/metrics")).text
        assert await ended(process) == 0


async def test_the_simulator_serves_until_it_is_stopped(cli: Cli) -> None:
    """The gateway of development is a program like the others."""
    port = str(Ports.free().simulator)
    async with cli.running("simulator", SIMULATOR_PORT=port, SIMULATOR_STATE=str(cli.folder / "journal")) as process:
        assert (await answering(f"http://{HOST}:{port}/health")).status_code == httpx.codes.OK
        assert await ended(process) == 0


@pytest.mark.parametrize(("command", "variable"), [("api", "API_PORT"), ("simulator", "SIMULATOR_PORT")])
async def test_a_port_in_use_is_one_line(cli: Cli, command: str, variable: str) -> None:
    """The line names the address."""
    with socket.create_server((HOST, 0)) as taken:
        port = str(taken.getsockname()[1])
        shown = await cli(command, **{variable: port})
    assert f"{HOST}:{port}" in shown.problem


@pytest.mark.parametrize("command", ["api", "worker", "simulator"])
async def test_published_secrets_are_not_served_to_the_network(cli: Cli, command: str) -> None:
    """In development no program starts on an address that other machines can reach, and one line says why."""
    everywhere = dict.fromkeys(("API_HOST", "METRICS_HOST", "SIMULATOR_HOST"), "0.0.0.0")  # noqa: S104 - refused
    ports = Ports.free()
    shown = await cli(
        command, API_PORT=str(ports.api), SIMULATOR_PORT=str(ports.simulator), METRICS_PORT="1", **everywhere
    )
    assert "HOST=0.0.0.0 can be reached over the network" in shown.problem


async def test_dev_says_one_line_when_a_port_is_taken(cli: Cli) -> None:
    """`clearway dev` reports a taken port in one line, and ends with exit code 1."""
    with socket.create_server((HOST, 0)) as taken:
        port = str(taken.getsockname()[1])
        shown = await cli("dev", API_PORT=port, TEMPORAL_PORT=str(Ports.free().temporal))
    assert f"Port {port} (api) is in use" in shown.err
    assert shown.code == 1


async def test_doctor_prints_what_is_found(cli: Cli) -> None:
    """Each finding has a subject, a verdict and what was found; something missing is a failure."""
    shown = await cli("doctor", "--json")
    findings = {finding["subject"]: finding for finding in shown.json}
    assert findings["Python"]["verdict"] == "ok"
    assert shown.code == (1 if any(finding["verdict"] == "missing" for finding in shown.json) else 0)
    broken = await cli("doctor", DATABASE_POOL_SIZE="plenty")
    assert broken.code == 1
    assert "DATABASE_POOL_SIZE" in broken.out
