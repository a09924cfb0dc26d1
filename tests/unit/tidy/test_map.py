"""The map in ARCHITECTURE.md leads somewhere: every path it names is there."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.unit.tidy.source import ROOT

TOP: Final = (
    "api",
    "workflows",
    "activities",
    "clearway",
    "migrations",
    "tests",
    "scripts",
    "docs",
    "schemas",
    "worker.py",
)
NAMED: Final = re.compile(r"`([\w./-]+)`")
PATHS: Final = sorted(
    {name for name in NAMED.findall((ROOT / "ARCHITECTURE.md").read_text("utf-8")) if name.split("/")[0] in TOP}
)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_of_the_map_exists(path: str) -> None:
    """A reader who follows the map finds what it names."""
    assert (ROOT / path).exists()


def _parts() -> list[str]:
    found = (ROOT / "clearway").iterdir()
    return sorted(path.stem for path in found if path.is_dir() or path.suffix == ".py" if not path.stem.startswith("_"))


@pytest.mark.parametrize("part", _parts())
def test_every_part_of_clearway_is_on_the_map(part: str) -> None:
    """A reader of the map meets every package and module of `clearway`."""
    assert re.search(rf"\b{part}\b", (ROOT / "ARCHITECTURE.md").read_text("utf-8"))
