"""Rules about the shape of Python files: how long, how named, how opened."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from tests.unit.tidy.source import Finding, Rule, Source

FUNCTION_LINES_MAX: Final = 70
FILE_LINES_MAX: Final = 400
LONG_FILES: Final[dict[str, str]] = {}
"""Files that may be longer than FILE_LINES_MAX, each with the reason it is one subject. Empty is the aim."""

BANNED_MODULE_NAMES: Final = {
    "common": "the noun it is about",
    "helper": "the verb it helps with",
    "helpers": "the verb they help with",
    "manager": "what it does: registry, supervisor, store …",
    "misc": "the noun it is about",
    "util": "the noun it works on",
    "utils": "the noun they work on",
}


def function_length(source: Source) -> Iterator[Finding]:
    """A function does one thing. Migrations are a record of what was done, and are as long as that."""
    if source.path.startswith("migrations/"):
        return
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield source.at(
                    node.lineno,
                    f"{node.name} has {lines} lines, {FUNCTION_LINES_MAX} at most: make its steps functions",
                )


def file_length(source: Source) -> Iterator[Finding]:
    """A file has one subject."""
    if not source.is_python or source.path.startswith("migrations/"):
        return
    lines = len(source.lines)
    if lines > FILE_LINES_MAX and source.path not in LONG_FILES:
        yield source.at(
            lines, f"{lines} lines, {FILE_LINES_MAX} at most: find its second subject, and give that a file of its own"
        )
    if lines <= FILE_LINES_MAX and source.path in LONG_FILES:
        yield source.at(1, "is short again: take it off LONG_FILES in tests/unit/tidy/shape_rules.py")


def module_docstring(source: Source) -> Iterator[Finding]:
    """A reader learns from the first line what a module owns and what it must not do."""
    if source.is_python and not ast.get_docstring(source.tree):
        yield source.at(1, "has no docstring: say what this module owns, and what it must not do")


def module_name(source: Source) -> Iterator[Finding]:
    """A name that fits everything says nothing."""
    if not source.is_python:
        return
    path = PurePosixPath(source.path)
    for name in (*path.parent.parts, path.stem):
        if name in BANNED_MODULE_NAMES:
            yield source.at(1, f"'{name}' names nothing: call it by {BANNED_MODULE_NAMES[name]}")


def test_docstring(source: Source) -> Iterator[Finding]:
    """A failing test says which rule is broken."""
    if not source.is_test:
        return
    for node in source.nodes:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("test_") and not ast.get_docstring(node):
            yield source.at(node.lineno, f"{node.name} has no docstring: state in one line the rule it proves")


test_docstring.__test__ = False  # type: ignore[attr-defined]  # a rule, whatever its name looks like to pytest

SHAPE_RULES: Final = (
    Rule("function-length", function_length),
    Rule("file-length", file_length),
    Rule("module-docstring", module_docstring),
    Rule("module-name", module_name),
    Rule("test-docstring", test_docstring),
)
