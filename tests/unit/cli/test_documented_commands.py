"""The commands that documents name, in blocks and in sentences, exist with the options that they show.

Blocks of shell are also run (`tests/stack/documents`). This finds the others: examples with `gw_…`, and text.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from clearway.cli.app import app

ROOT = Path(__file__).parents[3]
DOCUMENTS = [ROOT / "README.md", ROOT / "DEVELOPMENT.md", *sorted((ROOT / "docs").rglob("*.md"))]
INLINE = re.compile(r"`clearway ([a-z][^`]*)`")
LINE = re.compile(r"^ *(?:\$ )?(?:[A-Z_]+=\S+ )*clearway ([a-z].*)$")
BARE_TEMPORAL = re.compile(r"^ *\$? ?temporal (workflow|schedule|operator|batch)\b", re.MULTILINE)
OPTION = re.compile(r"(?<!\S)(--[a-z][a-z0-9-]*)")
PASSWORD = "development"
"""`clearway development` is the password of the development's owner."""
PROGRAM = get_command(app)


def commands_of(text: str) -> list[str]:
    """Return what follows `clearway` in each command of a document."""
    found = [command for line in text.splitlines() for command in [*INLINE.findall(line), *LINE.findall(line)]]
    return [command for command in dict.fromkeys(found) if command != PASSWORD]


COMMANDS = sorted({command for document in DOCUMENTS for command in commands_of(document.read_text(encoding="utf-8"))})


@pytest.mark.parametrize("command", COMMANDS)
def test_a_documented_command_exists_with_its_options(command: str) -> None:
    """Each word is a command of its group, and each option is one that the command takes."""
    shown = command.split(" #", maxsplit=1)[0]
    found: object = PROGRAM
    words = shown.split()
    while isinstance(found, TyperGroup) and words and words[0] in found.commands:
        found = found.commands[words.pop(0)]
    assert found is not PROGRAM, command
    assert not isinstance(found, TyperGroup) or not words, command
    if shown.startswith("temporal"):
        return
    options = {option for parameter in found.params for option in (*parameter.opts, *parameter.secondary_opts)}  # type: ignore[attr-defined]
    assert set(OPTION.findall(" ".join(words))) <= options, command


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_document_shows_temporals_command_alone(document: Path) -> None:
    """`make dev` puts no `temporal` on the path: `clearway temporal` finds it, and sets address and namespace."""
    assert BARE_TEMPORAL.findall(document.read_text(encoding="utf-8")) == []


def test_documents_show_commands() -> None:
    """They are found in them."""
    assert len(COMMANDS) > 100
