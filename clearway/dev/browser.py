"""The browser of tests and measurements: the system's own, because nothing is downloaded for them."""

from __future__ import annotations

import os
import shutil
from typing import Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING: Final = "No browser was found: `apt-get install chromium`, or set CHROMIUM to the path of one."

_FEATURES_OFF: Final = (
    # For each window Chromium would load two pages for the suggestions below its address bar, and keep a process in
    # reserve: two thirds of its work when a test opens a small page.
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "SpareRendererForSitePerProcess"),
    # Playwright's own list, which this one replaces: of two such switches the last counts.
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "LensOverlay"),
    *("HttpsFirstBalancedModeAutoEnable", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning"),
    *("AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled"),
    "PreconnectToSearch",
)
CHROMIUM_ARGUMENTS: Final = ("--no-sandbox", "--disable-features=" + ",".join(_FEATURES_OFF))
"""For Playwright's `launch`. Without a sandbox, because root, as in many containers, cannot make one."""


def find_chromium() -> str | None:
    """Return the path of a browser: CHROMIUM, or the first of the usual names on PATH. None: there is none."""
    chosen = os.environ.get("CHROMIUM")
    return chosen or next((found for name in NAMES if (found := shutil.which(name))), None)
