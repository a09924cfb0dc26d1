"""What the tidy rules look at: the files of the checkout, and what a rule has to say about one.

Only files that git knows or would add are looked at; what is ignored is nobody's source.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
PROGRAMS: Final = ("api/", "workflows/", "activities/", "clearway/", "scripts/", "worker.py")
"""Where the product's own Python is; `migrations/` and `tests/` have rules of their own."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that breaks a rule. text says what is wrong and names the replacement."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Source:
    """A text file by its path from the root of the checkout, with slashes."""

    path: str
    text: str

    @property
    def is_python(self) -> bool:
        """Whether it is a Python file."""
        return self.path.endswith(".py")

    @property
    def is_markdown(self) -> bool:
        """Whether it is a document."""
        return self.path.endswith(".md")

    @property
    def is_test(self) -> bool:
        """Whether it belongs to the test suite."""
        return self.path.startswith("tests/")

    @property
    def is_program(self) -> bool:
        """Whether it is the product's own Python."""
        return self.is_python and self.path.startswith(PROGRAMS)

    @cached_property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        return self.text.splitlines()

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the syntax tree; none when this is not Python."""
        return list(ast.walk(self.tree)) if self.is_python else []

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of a Python file."""
        return ast.parse(self.text, self.path)

    def at(self, line: int, text: str) -> Finding:
        """Return a finding in this file."""
        return Finding(self.path, line, text)


@dataclass(frozen=True, slots=True)
class Rule:
    """A mechanical rule: its name, and what finds the places of one file that break it."""

    name: str
    check: Callable[[Source], Iterable[Finding]]


@cache
def sources() -> tuple[Source, ...]:
    """Return every text file of the checkout."""
    return tuple(_read(_listed()))


@cache
def tracked_paths() -> frozenset[str]:
    """Return the path of every file of the checkout, text or not."""
    return frozenset(_listed())


def _listed() -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603 - fixed words
    return sorted(path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file())


def _read(paths: Iterable[str]) -> Iterator[Source]:
    for path in paths:
        try:
            yield Source(path, (ROOT / path).read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue
