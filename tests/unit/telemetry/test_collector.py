"""The garbage collector of a process that serves."""

from __future__ import annotations

import subprocess
import sys

SETTLE = """
import gc
from clearway import collector

class Node: pass

gc.disable()
stays = [Node() for _ in range(1_000)]
garbage = Node()
garbage.itself = garbage
del garbage
tracked = len(gc.get_objects())
collector.settle()
collector.settle()
assert len(gc.get_objects()) < tracked / 10, "what was loaded is still walked"
assert not any(isinstance(each, Node) for each in gc.get_objects())
assert gc.get_freeze_count() > 1_000
assert gc.get_threshold()[0] == collector.NEW_OBJECTS
"""


def test_what_is_loaded_is_no_longer_walked() -> None:
    """After a process has settled, a round leaves out what was there; a second call changes nothing.

    In a process of its own: what is frozen stays frozen.
    """
    done = subprocess.run([sys.executable, "-c", SETTLE], capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    assert done.returncode == 0, done.stderr
