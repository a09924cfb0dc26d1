"""Every tidy rule. A rule is added with a sample that breaks it, in `test_rules.py`."""

from __future__ import annotations

from typing import Final

from tests.tidy.code_rules import CODE_RULES
from tests.tidy.shape_rules import SHAPE_RULES
from tests.tidy.source import Rule
from tests.tidy.text_rules import TEXT_RULES

RULES: Final[tuple[Rule, ...]] = (*SHAPE_RULES, *CODE_RULES, *TEXT_RULES)
