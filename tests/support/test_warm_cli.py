"""Warm commands are what cold ones are: processes with arguments, environment, folder, streams and exit code."""

from __future__ import annotations

import asyncio
import json
import os
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.support.warm_cli import WarmCli, warm_cli


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of a command, with nothing of this process but its path."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "CLEARWAY_STATE_DIR": str(folder / "state"), **more}


async def test_a_command_has_its_own_arguments_folder_and_environment(warm: WarmCli, tmp_path: Path) -> None:
    """What it reads is what it was given, and commands beside it change nothing."""
    (tmp_path / ".env").write_text("DATABASE_POOL_SIZE=plenty\n")
    (tmp_path / "other").mkdir()
    given = [
        (("doctor",), tmp_path, {}),
        (("doctor",), tmp_path / "other", {"DATABASE_POOL_SIZE": "many"}),
        (("secrets", "--json"), tmp_path / "other", {}),
    ]
    of_file, of_environment, secrets = await asyncio.gather(
        *(
            warm.run(arguments, folder=folder, environment=environment(tmp_path, **more))
            for arguments, folder, more in given
        )
    )
    assert (of_file[0], of_environment[0], secrets[0]) == (1, 1, 0)
    assert b"DATABASE_POOL_SIZE" in of_file[1]
    assert b"DATABASE_POOL_SIZE" in of_environment[1]
    assert set(json.loads(secrets[1])) == {"SECRET_KEYS", "API_KEY_PEPPERS", "SIMULATOR_WEBHOOK_SECRET"}


async def test_the_streams_of_a_command_are_kept_apart(warm: WarmCli, tmp_path: Path) -> None:
    """A problem goes to stderr alone, with the exit code of a failure."""
    arguments = ("payments", "list", "--json", "--api-url", "http://127.0.0.1:1")
    code, out, problem = await warm.run(arguments, folder=tmp_path, environment=environment(tmp_path))
    assert (code, out, b"http://127.0.0.1:1" in problem) == (1, b"", True)


async def test_a_shell_finds_the_command_on_its_path(warm: WarmCli, tmp_path: Path) -> None:
    """The program hands over its arguments, and ends as the command did."""
    path = f"{warm.program(tmp_path).parent}:{os.environ['PATH']}"
    line = "clearway secrets --json; echo code $?; clearway nope; echo code $?"
    process = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", line), env=environment(tmp_path, PATH=path), cwd=tmp_path, stdout=PIPE, stderr=PIPE
    )
    out, err = await process.communicate()
    assert [text for text in out.decode().splitlines() if text.startswith("code")] == ["code 0", "code 2"]
    assert b"SECRET_KEYS" in out
    assert b"No such command 'nope'" in err


async def test_a_server_takes_its_commands_along(tmp_path: Path) -> None:
    """When the server ends, a command that still runs ends too, and whoever waits for it hears of it."""
    async with warm_cli(tmp_path) as running:
        given = environment(tmp_path, SIMULATOR_PORT="0")
        serving = asyncio.create_task(running.run(("simulator",), folder=tmp_path, environment=given))
        await asyncio.sleep(0)  # it has been asked for
        assert not serving.done()
    with pytest.raises(AssertionError, match="the server of commands has died"):
        await serving
