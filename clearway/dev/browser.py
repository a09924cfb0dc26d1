"""The browser of tests and measurements: the system's own, because nothing is downloaded for them."""

from __future__ import annotations

import os
import shutil
from typing import Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING: Final = "No browser was found: `apt-get install chromium`, or set CHROMIUM to the path of one."


def find_chromium() -> str | None:
    """Return the path of a browser: CHROMIUM, or the first of the usual names on PATH. None: there is none."""
    chosen = os.environ.get("CHROMIUM")
    return chosen or next((found for name in NAMES if (found := shutil.which(name))), None)
