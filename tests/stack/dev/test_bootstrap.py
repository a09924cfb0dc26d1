"""`scripts/bootstrap` prepares the environment of a checkout and runs a command in it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]


def test_python_keeps_what_it_compiled() -> None:
    """An image that forbids bytecode would have each process compile all that it imports; for a checkout it may not."""
    found = subprocess.run(  # noqa: S603 - our own program
        [ROOT / "scripts/bootstrap", "python", "-c", "import sys; print(sys.dont_write_bytecode)"],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "False\n"
