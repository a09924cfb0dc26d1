"""Where things lie: the sources of the pinned servers, and the cache of servers that all checkouts share.

The cache may be deleted at any time. The state of one stack: `clearway.local_stack`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from clearway.local_stack import PROJECT_ROOT

TOOL_SOURCES: Final = PROJECT_ROOT / "tools" / "temporal"


def cache_dir() -> Path:
    """The folder of downloaded and built servers: CLEARWAY_CACHE_DIR, or the platform's own place."""
    chosen = os.environ.get("CLEARWAY_CACHE_DIR")
    path = Path(chosen).expanduser().resolve() if chosen else user_cache_path("clearway", appauthor=False)
    path.mkdir(parents=True, exist_ok=True)
    return path
