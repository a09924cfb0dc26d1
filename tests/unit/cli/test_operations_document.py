"""The operations runbook names every variable with its default."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from clearway.settings import Settings

TEXT = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
ROWS = {row[1]: row[2] for row in re.finditer(r"^\| `([A-Z_]+)` \| (.+?) \| .+ \|$", TEXT, re.MULTILINE)}


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
