"""The tidy rules over the whole checkout. What a rule finds is mended, not excused."""

from __future__ import annotations

import pytest

from tests.unit.tidy.rules import RULES
from tests.unit.tidy.source import Rule, sources


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_tree_keeps_the_rule(rule: Rule) -> None:
    """Every file of the checkout keeps the rule."""
    found = [str(finding) for source in sources() for finding in rule.check(source)]

    assert found == [], "\n".join(["", *found])


def test_sources_hold_the_programs() -> None:
    """The rules look at something: an empty listing would keep every rule."""
    paths = {source.path for source in sources()}

    assert {
        "worker.py",
        "workflows/payment/workflow.py",
        "clearway/domain/money.py",
        "README.md",
        "pyproject.toml",
    } <= paths
