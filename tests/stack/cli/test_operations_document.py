"""The operations runbook names every variable with its default, and every command it shows exists."""

from __future__ import annotations

import re

import pytest
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from clearway.dev.places import cache_dir
from clearway.settings import Settings
from tests.stack.cli.command import ROOT, Cli

TEXT = (ROOT / "docs" / "operations.md").read_text()
ROWS = {row[1]: row[2] for row in re.finditer(r"^\| `([A-Z_]+)` \| (.+?) \| .+ \|$", TEXT, re.MULTILINE)}
COMMAND = re.compile(
    r"^ *(?:[A-Z_]+=\S+ )*clearway ([a-z-]+(?: (?:list|show|resolve|retry|add|revoke))?)", re.MULTILINE
)
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


async def test_every_command_in_it_exists(cli: Cli) -> None:
    """Every command in the runbook exists."""
    assert len(COMMANDS) > 10
    for command in COMMANDS:
        shown = await cli(*command.split(), "--help", CLEARWAY_CACHE_DIR=str(cache_dir()))
        assert shown.code == 0, command
