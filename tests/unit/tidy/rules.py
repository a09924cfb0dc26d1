"""Every tidy rule. A rule is added with a sample that breaks it, in `test_rules.py`."""

from __future__ import annotations

from typing import Final

from tests.unit.tidy.code_rules import CODE_RULES
from tests.unit.tidy.shape_rules import SHAPE_RULES
from tests.unit.tidy.source import Rule
from tests.unit.tidy.text_rules import TEXT_RULES

RULES: Final[tuple[Rule, ...]] = (*SHAPE_RULES, *CODE_RULES, *TEXT_RULES)
