"""Which tests run side by side under pytest-xdist, and in which order (`make test`; a plain `pytest` needs none of it).

A unit goes to one worker whole: a file, or a folder whose tests share servers that are started once for the folder. The
longest units begin first, so that no worker is left with one of them when the others have nothing more to do.
"""

from __future__ import annotations

from typing import Any, Final

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER: Final = (
    "tests/stack/e2e/",
    "tests/stack/cli/",
    "tests/services/api/",
    "tests/fire/fuzz/",
    "tests/services/gateways/",
)
"""Folders with servers of their own, longest first. Each is one unit."""
LONGEST_FIRST: Final = (
    "tests/fire/gauntlet/test_short_run.py",
    *TOGETHER,
    "tests/stack/documents/test_commands.py",
    "tests/stack/browser/test_operator.py",
    "tests/stack/",
    "tests/fire/",
    "tests/services/",
)


def unit_of(node_id: str) -> str:
    """Return the unit a test belongs to."""
    path = node_id.partition("::")[0]
    return next((folder for folder in TOGETHER if path.startswith(folder)), path)


def place_in_line(node_id: str) -> int:
    """Return where a test's unit stands in line. Tests of one place keep their order."""
    return next((place for place, start in enumerate(LONGEST_FIRST) if node_id.startswith(start)), len(LONGEST_FIRST))


class ByUnit(LoadScopeScheduling):
    """Hands out whole units, in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        config.option.loadscopereorder = False  # by the number of tests, which says nothing of how long they take
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)
