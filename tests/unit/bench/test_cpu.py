"""CPU-seconds are counted for a whole tree, also of processes that lived only a moment."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil

from scripts.bench.cpu import CpuMeter, tree_cpu_s

BURN = "import time; end = time.process_time() + {seconds}\nwhile time.process_time() < end: pass"
PARENT = f"""
import subprocess, sys
print("up", flush=True)
for line in sys.stdin:
    subprocess.run([sys.executable, "-c", {BURN.format(seconds=0.4)!r}])
    print("done", flush=True)
"""


def test_a_child_that_has_ended_is_counted() -> None:
    """What a process burnt between two looks is there, although nobody saw it live."""
    argv = [sys.executable, "-c", PARENT]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:  # noqa: S603
        assert parent.stdout is not None
        assert parent.stdin is not None
        assert parent.stdout.readline() == "up\n"
        meter = CpuMeter.start({"postgres": parent.pid})
        parent.stdin.write("go\n")
        parent.stdin.flush()
        assert parent.stdout.readline() == "done\n"
        assert 0.35 < meter.used_s()["postgres"] < 1.5
        parent.stdin.close()


def test_a_living_child_is_counted_with_its_parent() -> None:
    """The tree is what counts: a shell that waits has the CPU of what it waits for."""
    command = f"{sys.executable} -c '{BURN.format(seconds=60)}'; true"
    with subprocess.Popen(["sh", "-c", command]) as shell:  # noqa: S603, S607 - our own words
        try:
            deadline = time.monotonic() + 10
            while tree_cpu_s(shell.pid) < 0.2 and time.monotonic() < deadline:
                time.sleep(0.05)
            assert tree_cpu_s(shell.pid) >= 0.2
        finally:
            for child in psutil.Process(shell.pid).children():
                child.kill()
            shell.wait(10)


def test_a_process_that_is_gone_has_used_nothing() -> None:
    """A service that was not there is no reason to fail."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    assert tree_cpu_s(done.pid) == 0
