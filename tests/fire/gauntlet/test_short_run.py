"""The gauntlet's short run with three gateways: with fixed seeds, and in CI with a new one each time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
NEW_SEED = os.environ.get("GAUNTLET_SEED")
"""A seed that no run had before: `.ci/run` draws and prints it."""
SEEDS = (1, *([int(NEW_SEED)] if NEW_SEED else ()))
"""Seeds of plans that once failed join here."""


@pytest.mark.timeout(960)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_invariant_holds_under_fire(seed: int, tmp_path: Path) -> None:
    """Some 200 payments over three gateways, every kind of strike and of receiver: each invariant passes.

    An invariant that is broken once is broken. A run that broke none, and could not be judged whole on a busy machine
    (a strike that was not carried out, quiet that came too late), is made once more.
    """
    report, output = _run(seed, tmp_path / "first.json")
    if report is not None and report["verdict"] != "pass" and not _broken(report):
        report, output = _run(seed, tmp_path / "second.json")
    again = f"repeat with make gauntlet ARGS='--gateways 3 --seed {seed} --keep'\n{output}"
    assert report is not None, again
    assert report["verdict"] == "pass", again
    assert len(report["judged"]) == 13
    assert sum(report["payments"].values()) > 150


def _run(seed: int, result: Path) -> tuple[dict[str, Any] | None, str]:
    """Make one run; return its report, None if it did not get that far, and what it printed."""
    module = [sys.executable, "-m", "tests.fire.gauntlet"]
    finished = subprocess.run(  # noqa: S603 - our own command line
        [*module, "--gateways", "3", "--seed", str(seed), "--limit-s", "420", "--json", str(result)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=460,
        check=False,
    )
    report = json.loads(result.read_text()) if result.exists() else None
    return report, f"{finished.stdout[-20_000:]}\n{finished.stderr[-5_000:]}"


def _broken(report: dict[str, Any]) -> list[str]:
    """Return the numbered invariants, and the replay of histories, that the run found broken."""
    return [
        judged["name"]
        for judged in report["judged"]
        if judged["ruling"] == "FAIL" and (judged["name"][:2].rstrip().isdigit() or "replay" in judged["name"])
    ]


def test_the_plan_can_be_read_without_a_run() -> None:
    """Seed and plan are printed, and nothing is started."""
    command = [sys.executable, "-m", "tests.fire.gauntlet", "--plan-only", "--seed", "4"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
    report = finished.stdout
    assert report.startswith("seed 4: 200 payments")
    assert "worker stopped" in report
