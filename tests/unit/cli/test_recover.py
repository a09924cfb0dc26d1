"""What `clearway recover` prints."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from clearway.cli.app import app
from clearway.cli.recover import _problem, _summary
from clearway.recovery.rebuilding import Rebuilt
from clearway.recovery.report import Report


@pytest.mark.parametrize("result", Rebuilt)
def test_one_payment_is_answered_by_its_own_result(result: Rebuilt) -> None:
    """With --payment the summary is what became of that payment, and counts nothing."""
    assert _summary(Report(looked_at=1, one=result), dry_run=False) == f"Result: {result.value}."


def test_one_payment_has_no_dry_run() -> None:
    """--payment with --dry-run is refused before anything is read or done."""
    refused = CliRunner().invoke(app, ["recover", "--payment", "pay_1", "--dry-run"])
    assert refused.exit_code != 0
    assert "Leave --dry-run or --payment out" in str(refused.exception or "") + refused.output


def test_a_list_that_was_not_read_is_no_success() -> None:
    """A gateway whose list failed makes the command fail, by name; a gateway without a list does not."""
    assert _problem(Report(unlisted=["gw_1"])) == ""
    assert "gw_2" in _problem(Report(unlisted=["gw_1"], unread={"gw_2": "it did not answer"}))
