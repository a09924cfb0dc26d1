"""The image: built from what is committed, with what is locked, run by a user without rights."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from pathlib import PurePosixPath
from typing import Final, NamedTuple

import pytest

from tests.stack.compose.project import ROOT

ALREADY: Final = "--from="


class Instruction(NamedTuple):
    """One instruction of the Dockerfile, its continuation lines joined."""

    word: str
    rest: str


def _instructions() -> list[Instruction]:
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [Instruction(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def _all(word: str) -> list[str]:
    return [instruction.rest for instruction in _instructions() if instruction.word == word]


def _copied() -> list[str]:
    """Return what is copied from the checkout."""
    copies = [rest.split() for rest in _all("COPY") if ALREADY not in rest]
    return [source for words in copies for source in words[:-1]]


def _reaches_the_builder(path: str) -> bool:
    """Tell whether .dockerignore lets a path through: the last pattern that fits it decides."""
    through = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.strip().removeprefix("!")
        parents = [path, *(str(parent) for parent in PurePosixPath(path).parents)]
        fits = any(
            fnmatch.fnmatch(part, pattern) or fnmatch.fnmatch(f"/{part}", pattern.replace("**", "*"))
            for part in parents
            if part != "."
        )
        if line and not line.startswith("#") and fits:
            through = line.startswith("!")
    return through


@pytest.mark.parametrize("source", _copied())
def test_what_is_copied_exists_and_reaches_the_builder(source: str) -> None:
    """Each source of a COPY is in the checkout and is not kept out by .dockerignore."""
    assert (ROOT / source).exists()
    assert _reaches_the_builder(source)


@pytest.mark.parametrize(
    "path", [".env", ".git", "deploy/demo.env", "tests", "tests/conftest.py", ".venv", ".clearway", "api/x.pyc", "docs"]
)
def test_what_the_image_does_not_need_stays_outside(path: str) -> None:
    """Secrets, history, tests and state never reach the builder."""
    assert not _reaches_the_builder(path)


def test_the_image_holds_what_the_wheel_holds() -> None:
    """Every package that the wheel names is copied before it is built, with the lock file and the metadata."""
    built = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    needed = {*built["targets"]["wheel"]["only-include"], "pyproject.toml", "uv.lock", "README.md", "hatch_build.py"}
    needed.add("web/dashboard")  # what the build hook turns into a part of `api`
    needed |= set(built["targets"]["wheel"]["force-include"])

    assert set(_copied()) == needed


def test_dependencies_are_those_of_the_lock_file() -> None:
    """Both installations refuse an outdated lock file, leave development out, and fetch no interpreter."""
    syncs = [rest for rest in _all("RUN") if "uv sync" in rest]

    assert len(syncs) == 2
    assert all("--locked" in rest and "--no-dev" in rest and "extra" not in rest for rest in syncs)
    assert "--no-install-project" in syncs[0]
    assert "--no-editable" in syncs[1]
    assert "UV_PYTHON_DOWNLOADS=never" in " ".join(_all("ENV"))


def test_bases_are_pinned_and_the_same() -> None:
    """Both stages stand on one version of Python, named to its last digit, and uv has a version too."""
    bases = {rest.split()[0] for rest in _all("FROM")}

    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-[a-z]+", bases.pop())
    assert any(re.fullmatch(r"UV_VERSION=\d+\.\d+\.\d+", rest) for rest in _all("ARG"))


def test_nobody_runs_it() -> None:
    """The last user is a number that is not root's, set after everything that needs root."""
    words = [instruction.word for instruction in _instructions()]
    (user,) = _all("USER")

    assert all(int(number) >= 10_000 for number in user.split(":"))
    assert words.index("USER") > max(index for index, word in enumerate(words) if word == "RUN")


def test_the_image_is_for_production_by_default() -> None:
    """By default, a container refuses the published secrets, and listens where others can reach it."""
    environment = dict(pair.split("=", 1) for rest in _all("ENV") for pair in rest.split())

    assert environment["CLEARWAY_ENV"] == "production"
    assert {environment[f"{name}_HOST"] for name in ("API", "DASHBOARD", "METRICS", "SIMULATOR")} == {"0.0.0.0"}  # noqa: S104
    assert not [name for name in environment if "SECRET" in name or "PEPPER" in name]


def test_it_runs_clearway() -> None:
    """The entry point is the console script of the project, the default command the API, watched by its health."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    (health,) = _all("HEALTHCHECK")

    assert _all("ENTRYPOINT") == ['["clearway"]']
    assert "clearway" in scripts
    assert _all("CMD") == ['["api"]']
    assert "/health" in health
