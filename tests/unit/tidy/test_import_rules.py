"""The import contracts of `pyproject.toml` are kept, and each is broken by what it forbids."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

from tests.unit.tidy.source import ROOT

VIOLATIONS: Final = {
    "layers": ("clearway/crypto/signing.py", "import activities.payment"),
    "pure-domain": ("clearway/domain/money.py", "import httpx"),
    "workflows-no-io": ("workflows/refund/workflow.py", "import sqlalchemy"),
    "application-services": ("clearway/payments/finding.py", "from clearway.refunds import creation"),
    "gateways-no-database": ("clearway/gateways/catalogue.py", "from clearway.db import tables"),
    "recording-by-workflows": ("api/app.py", "from clearway.db.payments import recording"),
    "gateways-by-the-catalogue": ("activities/gateway.py", "from clearway.gateways.stripe import client"),
    "custom-gateways-by-the-catalogue": ("activities/gateway.py", "from clearway.gateways.custom import client"),
    "simulator-apart": ("activities/gateway.py", "from clearway.simulator import wire"),
    "dev-apart": ("clearway/cli/running.py", "from clearway.dev import ports"),
    "nobody-imports-api-or-worker": ("workflows/payment/workflow.py", "import worker"),
}


def _configured() -> list[dict[str, Any]]:
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    contracts: list[dict[str, Any]] = configured["contracts"]
    return contracts


def _contracts() -> dict[str, str]:
    return {contract["id"]: contract["name"] for contract in _configured()}


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


def test_every_connector_is_behind_the_catalogue() -> None:
    """A contract protects each kind of gateway, so that a new one has a wall from its first day."""
    named = [module for contract in _configured() for module in contract.get("protected_modules", ())]
    kinds = {f"clearway.gateways.{path.parent.name}" for path in (ROOT / "clearway/gateways").glob("*/kind.py")}
    assert kinds - {*named} == set()
    assert len(kinds) > 1


def test_a_package_without_a_place_is_found(tmp_path: Path) -> None:
    """A new package of `clearway` must be given its layer."""
    for package in ("api", "workflows", "activities", "clearway"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "clearway/loyalty").mkdir()
    (tmp_path / "clearway/loyalty/__init__.py").touch()

    assert "clearway.loyalty" in _lint(tmp_path)
