"""The operations runbook names every variable with its default, and every command it shows exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_core import PydanticUndefined
from typer.core import TyperGroup
from typer.main import get_command

from clearway.cli.app import app
from clearway.settings import Settings

TEXT = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
ROWS = {row[1]: row[2] for row in re.finditer(r"^\| `([A-Z_]+)` \| (.+?) \| .+ \|$", TEXT, re.MULTILINE)}
COMMAND = re.compile(
    r"^ *(?:[A-Z_]+=\S+ )*clearway ([a-z-]+(?: (?:list|show|resolve|retry|add|revoke))?)", re.MULTILINE
)
PROGRAM = get_command(app)
COMMANDS = sorted(set(COMMAND.findall(TEXT)))


def shown(default: object) -> str:
    """A default as the table writes it."""
    if default is None or default == () or isinstance(default, SecretStr):
        return "not set" if not isinstance(default, SecretStr) else "a published one"
    if isinstance(default, tuple):
        return f"`{','.join(f'{value:g}' for value in default)}`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_in_the_table_with_its_default(name: str) -> None:
    """Every setting is in the table, with its default."""
    default = Settings.model_fields[name].default
    assert default is not PydanticUndefined
    assert ROWS.get(name.upper()) == shown(default)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_in_it_exists(command: str) -> None:
    """Every command in the runbook exists."""
    found: object = PROGRAM
    for word in command.split():
        assert isinstance(found, TyperGroup), command
        assert word in found.commands, command
        found = found.commands[word]


def test_the_runbook_shows_commands() -> None:
    """They are found in it."""
    assert len(COMMANDS) > 10
