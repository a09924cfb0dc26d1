"""The gauntlet's short run, as `make gauntlet` makes it: with fixed seeds, and in CI with a new one each time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NEW_SEED = os.environ.get("GAUNTLET_SEED")
"""A seed that no run had before: `.ci/run` draws and prints it."""
SEEDS = (1, *([int(NEW_SEED)] if NEW_SEED else ()))
"""Seeds of plans that once failed join here."""


@pytest.mark.timeout(480)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_invariant_holds_under_fire(seed: int, tmp_path: Path) -> None:
    """Some 200 payments, every kind of strike, every kind of receiver: each invariant passes, and none is unknown."""
    result = tmp_path / "result.json"
    command = [
        sys.executable,
        "-m",
        "tests.fire.gauntlet",
        "--seed",
        str(seed),
        "--limit-s",
        "420",
        "--json",
        str(result),
    ]
    finished = subprocess.run(  # noqa: S603 - our own command line
        command, cwd=ROOT, capture_output=True, text=True, timeout=460, check=False
    )
    again = f"make gauntlet ARGS='--seed {seed} --keep'"
    assert finished.returncode == 0, f"repeat with {again}\n{finished.stdout[-20_000:]}\n{finished.stderr[-5_000:]}"
    told = json.loads(result.read_text())
    assert told["verdict"] == "pass"
    assert len(told["judged"]) == 12
    assert sum(told["payments"].values()) > 150


def test_the_plan_can_be_read_without_a_run() -> None:
    """Seed and plan are printed, and nothing is started."""
    command = [sys.executable, "-m", "tests.fire.gauntlet", "--plan-only", "--seed", "4"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
    told = finished.stdout
    assert told.startswith("seed 4: 200 payments")
    assert "worker stopped" in told
