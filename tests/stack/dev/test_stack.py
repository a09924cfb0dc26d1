"""The stack as a whole: starts, describes itself, restarts what dies, refuses what can't work, and leaves nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from clearway.dev.child import Child, ChildSpec
from clearway.dev.errors import PortInUseError, StackError
from clearway.dev.ports import Ports
from clearway.dev.postgres import THROWAWAY_SETTINGS
from clearway.dev.stack import Stack, StackOptions
from clearway.local_stack import read_description
from tests.stack.dev.conftest import Notes
from tests.stack.dev.waiting import eventually, has_ended, read, written

DEV = "import os, sys; from clearway.dev.foreground import main; code = main(); sys.stdout.flush(); os._exit(code)"


@pytest.fixture
def options(tmp_path: Path, temporal_binary: Path, notes: Notes) -> StackOptions:
    """Describe a stack of Postgres, Temporal and the sample merchant: what needs no other part of the project."""
    return StackOptions(
        state_dir=tmp_path / "state",
        ports=Ports.free(),
        services=frozenset({"receiver"}),
        temporal_binary=temporal_binary,
        temporal_ui=False,
        postgres_settings=THROWAWAY_SETTINGS,
        prepare_database=False,
        reporter=notes,
    )


async def received(stack: Stack) -> httpx.Response:
    """Ask the sample merchant what it got."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"{stack.receiver_url}/received")


async def test_it_starts_describes_itself_and_leaves_nothing(options: StackOptions) -> None:
    """Everything listed in stack.json runs while the stack is up, and nothing does afterwards."""
    async with Stack(options) as stack:
        description = read_description(options.state_dir)
        assert description is not None
        assert (await received(stack)).json() == []
        assert (await stack.temporal.count_workflows()).count == 0
    assert set(description["processes"]) == {"postgres", "temporal", "receiver"}
    assert all(has_ended(pid) for pid in description["processes"].values())
    assert read_description(options.state_dir) is None


async def test_a_service_that_dies_is_started_again_and_said(options: StackOptions, notes: Notes) -> None:
    """A service that crashes is started again, and a line says so."""
    async with Stack(options) as stack:
        dead = stack.process("receiver").pid
        os.kill(dead, signal.SIGKILL)
        await eventually(lambda: "receiver runs again." in notes.lines)
        assert stack.process("receiver").pid != dead
        assert "receiver stopped (signal 9); starting it again." in notes.lines
        assert (await received(stack)).status_code == httpx.codes.OK


async def test_a_service_killed_on_purpose_stays_down_until_started(options: StackOptions) -> None:
    """A service that was killed on purpose stays down until it is started."""
    async with Stack(options) as stack:
        await stack.kill("receiver")
        await asyncio.sleep(1.0)
        with pytest.raises(httpx.TransportError):
            await received(stack)
        await stack.start("receiver")
        assert (await received(stack)).status_code == httpx.codes.OK


async def test_it_starts_again_on_the_same_folder(options: StackOptions) -> None:
    """What runs in Temporal is still there after a whole stop and start."""
    async with Stack(options) as stack:
        await stack.temporal.start_workflow("Later", id="kept", task_queue="nobody")
    async with Stack(options) as stack:
        assert (await stack.temporal.get_workflow_handle("kept").describe()).id == "kept"


async def test_a_second_stack_on_the_same_folder_is_refused(options: StackOptions) -> None:
    """Two stacks on one folder would destroy each other's data."""
    async with Stack(options) as stack:
        with pytest.raises(StackError, match=f"runs already on .*process {os.getpid()}, API on {stack.api_url}"):
            await Stack(options).start_all()


async def test_a_port_in_use_is_found_before_anything_starts(options: StackOptions) -> None:
    """A taken port is found before Postgres starts."""
    with socket.create_server(("127.0.0.1", options.ports.receiver)), pytest.raises(PortInUseError):
        async with Stack(options):
            pytest.fail("it must not start")
    assert not (options.state_dir / "postgres").exists()


async def test_servers_that_run_already_are_used_and_left_alone(
    options: StackOptions, tmp_path: Path, notes: Notes
) -> None:
    """DATABASE_URL and TEMPORAL_ADDRESS: nothing of the kind is started, and nothing of theirs is stopped."""
    async with Stack(options) as theirs:
        ours = replace(
            options,
            state_dir=tmp_path / "ours",
            ports=Ports.free(),
            database_url=theirs.database_url,
            temporal_address=theirs.temporal_address,
        )
        async with Stack(ours) as stack:
            assert list(stack.supervisor.services) == ["receiver"]
            assert stack.environment()["DATABASE_URL"] == theirs.database_url
            assert "TEMPORAL_NAMESPACE" not in set(stack.environment()) - set(os.environ)
        assert theirs.process("temporal").exit_code is None
        assert theirs.process("postgres").exit_code is None


async def test_a_temporal_server_that_is_not_there_is_one_line(options: StackOptions) -> None:
    """A wrong TEMPORAL_ADDRESS names itself and the way out."""
    with pytest.raises(StackError, match=r"127\.0\.0\.1:1 \(TEMPORAL_ADDRESS\) can't be used.*unset TEMPORAL_ADDRESS"):
        await Stack(replace(options, temporal_address="127.0.0.1:1")).__aenter__()


def command(tmp_path: Path, environment: Mapping[str, str]) -> ChildSpec:
    """`clearway dev` on a state folder of its own."""
    env = {**os.environ, "CLEARWAY_STATE_DIR": str(tmp_path / "state"), **environment}
    return ChildSpec(name="dev", argv=[sys.executable, "-c", DEV], log=tmp_path / "dev.log", env=env)


async def test_the_command_says_one_line_and_fails_when_a_port_is_taken(tmp_path: Path) -> None:
    """Exit code 1, the port, its variable, and no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
        child = Child.start(command(tmp_path, {"RECEIVER_PORT": str(number)}))
        assert await child.wait(60) == 1
    output = read(tmp_path / "dev.log")
    assert f"Port {number} (receiver) is in use" in output
    assert "Traceback" not in output


async def test_ctrl_c_during_the_start_stops_what_was_started(tmp_path: Path) -> None:
    """A Ctrl-C during the start leaves no process behind, and is not an error."""
    ports = Ports.free()
    chosen = {f"{name.upper()}_PORT": str(number) for name, number in vars(ports).items()}
    child = Child.start(command(tmp_path, chosen))
    await written(tmp_path / "dev.log", "postgres: PostgreSQL in")
    os.kill(child.pid, signal.SIGINT)
    assert await child.wait(60) == 0
    output = read(tmp_path / "dev.log")
    assert "everything stopped" in output
    assert "Traceback" not in output
    await eventually(lambda: not (tmp_path / "state" / "postgres" / "postmaster.pid").exists())


async def test_the_description_is_ignored_when_its_stack_is_dead(tmp_path: Path) -> None:
    """After a kill -9 the file is still there, and must not be believed."""
    child = Child.start(ChildSpec(name="x", argv=["true"], log=tmp_path / "x.log"))
    await child.wait(10)
    (tmp_path / "stack.json").write_text(json.dumps({"pid": child.pid}))
    assert read_description(tmp_path) is None
