"""Every query on a merchant's table names the merchant, except where the module says that it reads across them.

A statement is a call of `select`, `update`, `delete` or `exists`. It stands in a function or in a constant, and that
must name `merchant_id`, or use a private name of its module that does. Free of the rule are the package
`clearway.db.across_merchants`, whose subject it is, and modules called `recording`, which find rows by an id that the
workflow owns. Only activities may import those; the import contract `recording-by-workflows` holds that.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from clearway.db.tables import metadata
from tests.unit.tidy.source import ROOT

BUILDERS: Final = {"select", "update", "delete", "exists"}
TENANT_TABLES: Final = {name for name, table in metadata.tables.items() if "merchant_id" in table.c}
FREE: Final = {
    "across_merchants",
    "recording",
    "recording_attempts",
    "recording_baselines",
    "recording_commands",
    "seed",
    "roles",
    "tables",
    "dev",
}
"""Folders and modules. seed: knows its merchants by their published ids. roles: about privileges, not about rows."""


def _modules() -> list[Path]:
    paths = (path for folder in ("clearway", "api", "activities") for path in sorted((ROOT / folder).rglob("*.py")))
    return [path for path in paths if not FREE & {*path.relative_to(ROOT).parts, path.stem}]


def unnamed(source: str) -> Iterator[str]:
    """Return the functions and constants of a module that query a merchant's table and name no merchant."""
    tree = ast.parse(source)
    aliases = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "clearway.db.tables"
        for alias in node.names
    }
    tenant = {shown for shown, name in aliases.items() if name in TENANT_TABLES}
    private = {name for node in tree.body for name in _defined(node) if name.startswith("_") and _names_merchant(node)}
    for node in tree.body:
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        if names & BUILDERS and names & tenant and not names & private and not _names_merchant(node):
            yield f"line {node.lineno}"


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return {node.name}
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}


def _names_merchant(node: ast.stmt) -> bool:
    words = {getattr(part, field, None) for part in ast.walk(node) for field in ("id", "attr", "arg")}
    return "merchant_id" in words


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_queries_name_the_merchant(path: Path) -> None:
    """No query outside `across_merchants` and `recording` can read another merchant's rows."""
    assert list(unnamed(path.read_text(encoding="utf-8"))) == []


def test_the_rule_sees_a_query_without_a_merchant() -> None:
    """A look-up by id alone is found, in a function and in a constant; one with the merchant is not."""
    head = "from clearway.db.tables import payments as rows\n"
    bad = head + "def find(payment_id):\n    return select(rows).where(rows.c.id == payment_id)\n"
    constant = head + "FIND = select(rows).where(rows.c.id == bindparam('id'))\n"
    good = (
        head + "def find(merchant_id, payment_id):\n    return select(rows).where(rows.c.merchant_id == merchant_id)\n"
    )
    assert list(unnamed(bad)) == ["line 2"]
    assert list(unnamed(constant)) == ["line 2"]
    assert list(unnamed(good)) == []
