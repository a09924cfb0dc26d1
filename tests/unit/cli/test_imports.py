"""What every command imports before it does anything."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"temporalio", "sqlalchemy", "fastapi", "uvicorn", "stripe", "square", "cryptography", "jmespath", "minijinja"}


def test_the_command_line_imports_nothing_heavy() -> None:
    """Every command, and every completion of a word in the shell, imports all modules of commands: they stay light."""
    asked = [sys.executable, "-c", "import sys, clearway.cli.app; print(*sys.modules)"]
    loaded = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()  # noqa: S603 - ourselves
    assert "clearway.cli.gateways" in loaded
    assert HEAVY & set(loaded) == set()
