"""`docs/errors.md` says what the error table says."""

from __future__ import annotations

from scripts.error_reference import main, render


def test_the_page_is_what_the_table_says() -> None:
    """A row that changed without its page is found by the check that CI runs."""
    assert main(["--check"]) == 0
    assert "| `insufficient_funds` | issuer |" in render()
