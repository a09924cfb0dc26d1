"""What a merchant does with `clearway routing`: check, save, try, activate, explain and roll back rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.stack.cli.command import Cli

pytestmark = pytest.mark.stack


async def test_rules_are_checked_saved_tried_activated_and_rolled_back(at_stack: Cli, tmp_path: Path) -> None:
    """Rules come from a file; a wrong one is said what to change, and the way back is one command."""
    gateway_id = (await at_stack("gateways", "list", "--json")).json[-1]["id"]
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"rules": [{"name": "all", "output": {"type": "single"}}]}))
    wrong = await at_stack("routing", "validate", str(file))
    assert (wrong.code, "rules.0.output.single.gateway: This field is required" in wrong.out) == (1, True)

    output = {"type": "single", "gateway": gateway_id}
    file.write_text(json.dumps({"rules": [{"name": "all", "output": output}]}))
    assert "The rules are valid." in (await at_stack("routing", "validate", str(file))).out
    numbers = [(await at_stack("routing", "save", str(file), "--note", "n", "--json")).json["number"] for _ in range(2)]
    assert "payments" in (await at_stack("routing", "try", str(numbers[0]))).out
    for number in numbers:
        assert f"Version {number} is active." in (await at_stack("routing", "activate", str(number))).out
    assert (await at_stack("routing", "explain", "upi", "50000")).json["rule"] == "all"
    assert f"Version {numbers[0]} is active again." in (await at_stack("routing", "rollback")).out
    assert (await at_stack("routing", "show")).json["version"]["number"] == numbers[0]
    assert "retired" in (await at_stack("routing", "list")).out
