"""Where things lie: the checkout, the cache of servers (shared by all checkouts) and the state of one stack.

The cache may be deleted at any time; the state folder holds the payments of this checkout and is kept between runs.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

PROJECT_ROOT: Final = Path(__file__).resolve().parents[2]
TOOL_SOURCES: Final = PROJECT_ROOT / "tools" / "temporal"
DEFAULT_STATE_DIR: Final = ".clearway"


def cache_dir() -> Path:
    """The folder of downloaded and built servers: CLEARWAY_CACHE_DIR, or the platform's own place."""
    chosen = os.environ.get("CLEARWAY_CACHE_DIR")
    path = Path(chosen).expanduser().resolve() if chosen else user_cache_path("clearway", appauthor=False)
    path.mkdir(parents=True, exist_ok=True)
    return path


def state_dir() -> Path:
    """The folder of one stack's data and logs: CLEARWAY_STATE_DIR, or `.clearway` in the checkout."""
    chosen = os.environ.get("CLEARWAY_STATE_DIR")
    return Path(chosen).expanduser().resolve() if chosen else PROJECT_ROOT / DEFAULT_STATE_DIR
