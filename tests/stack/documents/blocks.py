"""The commands that the documents show, as a reader would paste them.

A block of shell (```sh) is run. One that cannot be run by a test says so after the language: ```sh not-run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
FENCE: Final = re.compile(r"^ *```(\w+)([^\n]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SHELLS: Final = frozenset({"sh", "bash", "zsh", "shell", "console"})
NOT_RUN: Final = "not-run"
STARTS_THE_STACK: Final = re.compile(r"\Amake (dev|test)\n\Z")


@dataclass(frozen=True)
class Block:
    """One block of shell of one document."""

    path: str
    line: int
    text: str
    not_run: bool


def documents() -> list[Path]:
    """Return every document whose commands people paste; decisions are a record and are left out."""
    docs = ROOT / "docs"
    return [
        ROOT / "README.md",
        ROOT / "DEVELOPMENT.md",
        *sorted(docs.glob("*.md")),
        *sorted(docs.glob("gateways/*.md")),
    ]


def blocks_of(path: Path) -> list[Block]:
    """Return the shell blocks of a document, in order."""
    text = path.read_text(encoding="utf-8")
    name = path.relative_to(ROOT).as_posix()
    return [
        Block(
            name,
            text.count("\n", 0, found.start()) + 1,
            found[3],
            not_run=NOT_RUN in found[2] or STARTS_THE_STACK.match(found[3]) is not None,
        )
        for found in FENCE.finditer(text)
        if found[1] in SHELLS
    ]
