"""Child processes end when they should: asked, forced, with their children, and when we are killed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from clearway.dev.child import Child, ChildSpec
from tests.stack.dev.waiting import eventually, has_ended, written

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
TICKING = "import time\nwhile True:\n    print('tick', flush=True)\n    time.sleep(0.01)"

Start = Callable[..., Child]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start a program whose output goes to a file of the test, and leave none of them running after it."""
    children: list[Child] = []

    def started(*argv: str, stop_timeout_s: float = 10.0) -> Child:
        log = tmp_path / "program.log"
        children.append(Child.start(ChildSpec(name="program", argv=argv, log=log, stop_timeout_s=stop_timeout_s)))
        return children[-1]

    yield started
    for child in children:
        await child.kill()


async def test_a_program_that_ignores_the_request_is_killed(start: Start, tmp_path: Path) -> None:
    """A program that ignores the signal is killed within the time limit."""
    child = start(sys.executable, "-c", STUBBORN, stop_timeout_s=0.3)
    await written(tmp_path / "program.log", "up")
    assert await child.stop() == -signal.SIGKILL


async def test_the_children_of_a_child_end_with_it(start: Start, tmp_path: Path) -> None:
    """A killed service leaves no helper process behind."""
    child = start("sh", "-c", "sleep 60 & echo $!; wait")
    helper = int(await written(tmp_path / "program.log"))
    await child.kill()
    await eventually(lambda: has_ended(helper))


async def test_its_last_words_are_known(start: Start, tmp_path: Path) -> None:
    """The one line shown to people is the last one the program said."""
    child = start("sh", "-c", "echo first; echo the reason; echo; exit 3")
    assert (await child.wait(30), child.last_words()) == (3, "the reason")


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
async def test_kill_nine_of_the_parent_ends_the_child(start: Start, tmp_path: Path) -> None:
    """After a kill -9 of the stack nothing is left running on the state folder."""
    script = f"""
import os, time
from pathlib import Path
from clearway.dev.child import Child, ChildSpec
child = Child.start(ChildSpec(name="x", argv=["sleep", "60"], log=Path({str(tmp_path / "x.log")!r})))
Path({str(tmp_path / "pid")!r}).write_text(str(child.pid))
time.sleep(60)
"""
    parent = start(sys.executable, "-c", script)
    orphan = int(await written(tmp_path / "pid"))
    await eventually(lambda: psutil.Process(orphan).name() == "sleep")  # before, it has not asked the kernel yet
    os.kill(parent.pid, signal.SIGKILL)
    await parent.wait()
    await eventually(lambda: has_ended(orphan))


async def test_a_paused_child_does_nothing_until_it_is_resumed(start: Start, tmp_path: Path) -> None:
    """SIGSTOP holds a program where it is, SIGCONT lets it go on, and SIGKILL ends it all the same."""
    child = start(sys.executable, "-c", TICKING)  # a shell held within a vfork shows another state than "stopped"
    await written(tmp_path / "program.log", "tick")
    child.pause()
    await eventually(lambda: psutil.Process(child.pid).status() == psutil.STATUS_STOPPED)
    said = len((tmp_path / "program.log").read_text())
    child.resume()
    await eventually(lambda: len((tmp_path / "program.log").read_text()) > said)
    child.pause()
    assert await child.kill() == -signal.SIGKILL
