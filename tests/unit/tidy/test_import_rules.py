"""The import contracts of `pyproject.toml` are kept, and each is broken by what it forbids."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

from tests.unit.tidy.source import ROOT

VIOLATIONS: Final = {
    "layers": ("clearway/crypto/signing.py", "import activities.payment"),
    "pure-domain": ("clearway/domain/money.py", "import httpx"),
    "workflows-no-io": ("workflows/refund.py", "import sqlalchemy"),
    "application-services": ("clearway/payments/finding.py", "from clearway.refunds import creation"),
    "gateways-no-database": ("clearway/gateways/catalogue.py", "from clearway.db import tables"),
    "recording-by-workflows": ("api/app.py", "from clearway.db.payments import recording"),
    "simulator-is-a-gateway": ("activities/gateway.py", "from clearway.gateways.simulator import client"),
    "square-is-a-gateway": ("activities/gateway.py", "from clearway.gateways.square import client"),
    "simulator-apart": ("activities/gateway.py", "from clearway.simulator import wire"),
    "dev-apart": ("clearway/cli/running.py", "from clearway.dev import ports"),
    "nobody-imports-api-or-worker": ("workflows/payment/workflow.py", "import worker"),
}


def _contracts() -> dict[str, str]:
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return {contract["id"]: contract["name"] for contract in configured["contracts"]}


def _lint(folder: Path) -> str:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run(  # noqa: S603 - fixed words
        [*command, "--no-cache", "--no-logo"],
        cwd=folder,
        env={"COLUMNS": "200", "PYTHONPATH": str(folder)},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout + done.stderr


def test_contracts_break(tmp_path: Path) -> None:
    """Every contract is kept by the code as it is, and broken by one import of what it forbids."""
    for package in ("api", "workflows", "activities", "clearway"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)

    clean = _lint(tmp_path)
    for path, line in VIOLATIONS.values():
        with (tmp_path / path).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
    broken = _lint(tmp_path)

    assert f"Contracts: {len(_contracts())} kept, 0 broken." in clean, clean
    assert set(VIOLATIONS) == set(_contracts())
    for name in _contracts().values():
        assert re.search(rf"{re.escape(name)}\s*BROKEN", broken), broken
