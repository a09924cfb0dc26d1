"""Where the stack of `clearway dev` describes itself on this machine, and how other programs find it.

The stack itself is `clearway.dev`, which is not part of an installation; the command line looks for one all the same.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any, Final

PROJECT_ROOT: Final = Path(__file__).resolve().parents[1]
DEFAULT_STATE_DIR: Final = ".clearway"
DESCRIPTION: Final = "stack.json"
NETWORKS: Final = ("127.0.0.0/8", "::1/128")
"""Where its sample merchant and the stand-ins of gateways are: its programs may send requests there."""


def state_dir() -> Path:
    """Return the folder of one stack's data and logs: CLEARWAY_STATE_DIR, or `.clearway` in the checkout."""
    chosen = os.environ.get("CLEARWAY_STATE_DIR")
    return Path(chosen).expanduser().resolve() if chosen else PROJECT_ROOT / DEFAULT_STATE_DIR


def read_description(folder: Path) -> dict[str, Any] | None:
    """Return what the stack that runs on this folder says of itself, or None when none runs.

    A description left by a kill -9 does not count.
    """
    with contextlib.suppress(OSError, ValueError):
        content: dict[str, Any] = json.loads((folder / DESCRIPTION).read_text())
        os.kill(int(content["pid"]), 0)
        return content
    return None
