"""What nobody reads is not there, and what two modules need stands once.

A name is read when its word stands anywhere else in the product: in Python, in a script or in a template. Functions
with a decorator are left out, because frameworks call them, and so are methods of classes with a base.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from tests.unit.tidy.source import ROOT, sources

UNREAD: Final = {
    "RESOLVE_REVIEW": "operators send this signal by its name, see docs/operations.md",
}
"""Names that nothing in the product reads, each with who needs it."""
FOR_TESTS: Final = ("clearway/dev/", "scripts/")
"""Parts of this folder serve the tests too; and scripts are programs."""
OTHERS: Final = ("clearway/simulator/", "scripts/")
"""The simulator is a program of its own, which must not share code with connectors."""
SAMPLE: Final = {
    "clearway/a.py": "LIMIT = 3\n\n\ndef used(a):\n    b = a + LIMIT\n    return b\n",
    "clearway/b.py": "from clearway.a import used\n\nGONE = used(1)\n\n\nclass Box:\n    def lid(self): ...\n",
    "clearway/c.py": "def _copy(a):\n    b = a + LIMIT\n    return b\n\n\nprint(_copy(Box()))\n",
    "web/checkout/templates/x.html": "{{ box.shown }}",
}


def unread(texts: Mapping[str, str]) -> Iterator[str]:
    """Name what the product defines and never reads."""
    words: Counter[str] = Counter()
    defined: dict[str, list[str]] = defaultdict(list)
    for path, text in texts.items():
        words.update(re.findall(r"\w+", text))
        if path.endswith(".py") and not path.startswith(FOR_TESTS):
            for name in _names(ast.parse(text)):
                defined[name].append(path)
    for name, paths in sorted(defined.items()):
        if words[name] == len(paths):
            yield f"{', '.join(paths)}: {name} is read by nobody. Remove it, or move it to tests/support"


def twice(texts: Mapping[str, str]) -> Iterator[str]:
    """Name the functions that stand in two modules word for word."""
    places: dict[str, list[str]] = defaultdict(list)
    for path, text in texts.items():
        if path.endswith(".py") and not path.startswith(OTHERS):
            for node in ast.parse(text).body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and len(_steps(node)) > 1:
                    does = "\n".join(ast.unparse(part) for part in (node.args, *_steps(node)))
                    places[does].append(f"{path}:{node.name}")
    for found in places.values():
        if len({place.partition(":")[0] for place in found}) > 1:
            yield f"{' and '.join(found)} are the same. Keep one, in a module that both may import"


def _names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.decorator_list:
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield node.name
            yield from () if node.bases else _methods(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name) and target.id != "__all__")


def _methods(node: ast.ClassDef) -> Iterator[str]:
    for part in node.body:
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and not part.name.startswith("__"):
            yield part.name


def _steps(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    return node.body[1:] if ast.get_docstring(node) is not None else node.body


@pytest.fixture(scope="module")
def product() -> dict[str, str]:
    """Read the product: its Python, and the templates that call it."""
    found = {source.path: source.text for source in sources() if source.is_program}
    templates = (ROOT / "web/checkout/templates").rglob("*.html")
    return found | {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in templates}


def test_every_name_is_read(product: dict[str, str]) -> None:
    """A constant, function, class or method that nothing reads is removed, and no exception outlives its name."""
    found = list(unread(product))
    assert [line for line in found if not any(f": {name} is read" in line for name in UNREAD)] == []
    assert len(found) == len(UNREAD)


def test_no_function_stands_twice(product: dict[str, str]) -> None:
    """Two modules that need the same steps share one function."""
    assert list(twice(product)) == []


def test_the_rules_see_what_they_forbid() -> None:
    """An unread constant and method are named, a read one is not; a copy is named with its original."""
    assert [line.partition(" is read")[0] for line in unread(SAMPLE)] == ["clearway/b.py: GONE", "clearway/b.py: lid"]
    [copy] = twice(SAMPLE)
    assert copy.startswith("clearway/a.py:used and clearway/c.py:_copy")
