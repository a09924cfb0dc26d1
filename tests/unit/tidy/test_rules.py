"""Each tidy rule fires on what it forbids, names the replacement, and lets its near miss pass."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import pytest

from clearway.settings import Settings
from tests.unit.tidy import shape_rules
from tests.unit.tidy.rules import RULES
from tests.unit.tidy.source import Source


class Sample(NamedTuple):
    """A file that breaks a rule, what the finding must say, and a file that keeps the rule."""

    rule: str
    path: str
    bad: str
    says: str
    good: str
    good_path: str | None = None


ROOT_FOLDER: Final = "/" + "root/"
NOTE: Final = "# TO" + "DO: later\n"
SOMEBODY: Final = "https://" + "shop.com"
PUBLIC: Final = (Path(__file__).parents[3] / "uv.lock").read_text(encoding="utf-8")
EVERY_DOCUMENT: Final = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
EVERY_SETTING: Final = "\n".join(f"`{name.upper()}`" for name in Settings.model_fields)

SAMPLES: Final = (
    Sample(
        "function-length",
        "api/x.py",
        "def f():\n" + "    a = 1\n" * 70,
        "70 at most",
        "def f():\n" + "    a = 1\n" * 69,
    ),
    Sample("function-length", "api/x.py", "async def f():\n" + "    a = 1\n" * 70, "70 at most", "a = 1\n" * 90),
    Sample("file-length", "api/x.py", "a = 1\n" * 401, "second subject", "a = 1\n" * 400),
    Sample("module-docstring", "api/x.py", "a = 1\n", "what this module owns", '"""Owns a."""\n'),
    Sample("module-name", "api/utils.py", "", "call it by", "", "api/http/fields.py"),
    Sample("module-name", "clearway/helpers/x.py", "", "call it by", "", "clearway/helping/x.py"),
    Sample(
        "test-docstring",
        "tests/test_x.py",
        "def test_a():\n    pass\n",
        "the rule it proves",
        'def test_a():\n    """A."""\n',
    ),
    Sample("banned-call", "api/x.py", "datetime.utcnow()\n", "datetime.now(UTC)", "datetime.now(UTC)\n"),
    Sample("banned-call", "tests/x.py", "page.wait_for_function(a)\n", "until()", "until(page, a)\n"),
    Sample("workflow-determinism", "workflows/x.py", "uuid.uuid4()\n", "workflow.uuid4()", "workflow.uuid4()\n"),
    Sample("workflow-determinism", "workflows/x.py", "datetime.now(UTC)\n", "workflow.now()", "workflow.now()\n"),
    Sample("workflow-determinism", "workflows/x.py", "time.time()\n", "workflow.time()", "workflow.time()\n"),
    Sample("workflow-determinism", "workflows/x.py", "random.random()\n", "workflow.random()", "workflow.random()\n"),
    Sample(
        "workflow-determinism", "workflows/x.py", "secrets.token_hex()\n", "workflow.random()", "a\n", "activities/x.py"
    ),
    Sample("money-without-floats", "clearway/domain/money.py", "float(a)\n", "minor units", "int(a)\n"),
    Sample("money-without-floats", "clearway/db/ledger.py", "b = a / 100\n", "divmod", "b = a // 100\n"),
    Sample("money-without-floats", "api/payments/x.py", "b = a * 0.02\n", "basis points", "b = a * 2\n"),
    Sample("money-without-floats", "clearway/x.py", "amount_minor: float\n", "ints of minor units", "delay_s: float\n"),
    Sample(
        "money-without-floats",
        "clearway/x.py",
        "def f(amount: float | None): ...\n",
        "ints",
        "def f(amount: int): ...\n",
    ),
    Sample("pure-domain", "clearway/domain/x.py", "import httpx\n", "as an argument", "import orjson\n"),
    Sample(
        "pure-domain",
        "clearway/domain/x.py",
        "from clearway.db import tables\n",
        "as an argument",
        "from clearway.domain import money\n",
    ),
    Sample("pure-domain", "clearway/domain/x.py", "import socket\n", "as an argument", "import json\n"),
    Sample(
        "programs-are-roots", "clearway/x.py", "from api.app import create_app\n", "move what is shared", "import a\n"
    ),
    Sample("programs-are-roots", "api/x.py", "import worker\n", "move what is shared", "from api import fields\n"),
    Sample("leftover", "api/x.py", NOTE, "open an issue", "# Why it is so.\n"),
    Sample("printing", "clearway/x.py", "print(a)\n", "structlog", "print(a)\n", "clearway/cli/x.py"),
    Sample(
        "swallowing",
        "api/x.py",
        "try:\n    a\nexcept:\n    b\n",
        "name the errors",
        "try:\n    a\nexcept KeyError:\n    pass\n",
    ),
    Sample(
        "swallowing",
        "api/x.py",
        "try:\n    a\nexcept Exception:\n    pass\n",
        "or log it",
        "try:\n    a\nexcept Exception:\n    b\n",
    ),
    Sample("document-title", "docs/x.md", "# A\n\n# B\n", "2 titles", "# A\n\n```sh\n# a comment\n```\n"),
    Sample("document-title", "docs/x.md", "A\n\n# B\n", "first line", "# A\n"),
    Sample("document-link", "docs/x.md", "[a](nowhere.md)\n", "does not exist", "[a](../README.md)\n"),
    Sample("document-link", "docs/x.md", "# A\n[a](#b)\n", "no heading", "# A b\n[a](#a-b)\n[c](https://a.example)\n"),
    Sample("document-listed", "README.md", "# C\n", "docs/api.md is linked nowhere", EVERY_DOCUMENT),
    Sample("adr-name", "docs/adr/7-x.md", "# X\n", "NNNN-title", "# X\n", "docs/adr/9999-x.md"),
    Sample("machine-path", "docs/x.md", f"see {ROOT_FOLDER}x\n", "relative", f"see {ROOT_FOLDER[1:]}x\n"),
    Sample("machine-path", "x.yml", f'path: "{ROOT_FOLDER}x"\n', "relative", f'path: "/srv{ROOT_FOLDER}x"\n'),
    Sample("registry", "Makefile", "pip install --index" + "-url https://a.example/simple\n", "configuration", "pip\n"),
    Sample("registry", "uv.lock", '"https://mirror.example/a"\n', "public index", PUBLIC),
    Sample("test-host", "tests/x.py", f'"{SOMEBODY}/a"\n', "hooks.invalid", '"https://shop.example/a"\n'),
    Sample("setting-documented", "docs/operations.md", "# Operations\n", "DATABASE_URL", EVERY_SETTING),
    Sample("changelog", "CHANGELOG.md", "# Changelog\n\n## 1.0\n", "[Unreleased]", "# Changelog\n\n## [Unreleased]\n"),
    Sample(
        "changelog",
        "CHANGELOG.md",
        "# C\n\n## [Unreleased]\n\n## 1.0\n",
        "[1.2.3]",
        "# C\n\n## [Unreleased]\n\n## [1.0.0] - 2026-01-31\n",
    ),
    Sample(
        "changelog",
        "CHANGELOG.md",
        "# C\n\n## [Unreleased]\n\n### News\n",
        "Added",
        "# C\n\n## [Unreleased]\n\n### Added\n",
    ),
)


def _findings(rule_name: str, source: Source) -> list[str]:
    rule = next(rule for rule in RULES if rule.name == rule_name)
    return [finding.text for finding in rule.check(source)]


def _id(sample: Sample) -> str:
    return f"{sample.rule}: {sample.bad[:24]!r}"


@pytest.mark.parametrize("sample", SAMPLES, ids=_id)
def test_rule_fires(sample: Sample) -> None:
    """The rule finds what it forbids and names the replacement."""
    found = _findings(sample.rule, Source(sample.path, sample.bad))

    assert any(sample.says in text for text in found), found


@pytest.mark.parametrize("sample", SAMPLES, ids=_id)
def test_rule_lets_the_near_miss_pass(sample: Sample) -> None:
    """The rule has nothing against code that keeps it."""
    assert _findings(sample.rule, Source(sample.good_path or sample.path, sample.good)) == []


def test_every_rule_has_a_sample() -> None:
    """No rule is there that was never seen to fire."""
    assert {sample.rule for sample in SAMPLES} == {rule.name for rule in RULES}


def test_an_exception_for_a_long_file_is_found_when_it_is_short_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that is no longer needed is found."""
    monkeypatch.setitem(shape_rules.LONG_FILES, "api/x.py", "one table")

    assert _findings("file-length", Source("api/x.py", "a = 1\n" * 401)) == []
    assert "short again" in _findings("file-length", Source("api/x.py", "a = 1\n"))[0]
