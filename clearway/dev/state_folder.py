"""The folder of one stack: who holds it, and the description by which other programs find the stack.

`stack.json` is there while a stack runs: the command line and end-to-end tests read addresses and process ids from it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from clearway.dev.errors import StackError
from clearway.local_stack import DESCRIPTION, read_description


class StateFolder:
    """A folder that at most one stack holds at a time. The kernel lets go of the lock when its holder dies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    def take(self) -> None:
        """Hold the folder, or say who does."""
        self.path.mkdir(parents=True, exist_ok=True)
        lock = (self.path / "stack.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise StackError(
                f"A stack runs already on {shown(self.path)}{self._holder()}: stop it first, or start another "
                "beside it with CLEARWAY_STATE_DIR and other ports (see DEVELOPMENT.md)."
            ) from None
        self._lock = lock

    def release(self) -> None:
        """Let go; there is no stack any more."""
        if self._lock is not None:
            (self.path / DESCRIPTION).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def write_description(self, content: Mapping[str, Any]) -> None:
        """Replace `stack.json` in one step, so that a reader never sees half of it."""
        temporary = self.path / f"{DESCRIPTION}.new"
        temporary.write_text(json.dumps(content, indent=2))
        temporary.replace(self.path / DESCRIPTION)

    def _holder(self) -> str:
        content = read_description(self.path)
        return f" (process {content['pid']}, API on {content['api_url']})" if content else ""


def shown(path: Path) -> str:
    """The path as people would type it from where they are."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
