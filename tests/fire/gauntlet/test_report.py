"""Reports: for people, as JSON, and as the section of a document that shows the last result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fire.gauntlet.report import BEGIN, END, EXIT_CODES, Report, counted
from tests.fire.gauntlet.verdict import Judged, Ruling

DOCUMENT = f"# Title\n\n{BEGIN}\nthe result before\n{END}\n\n## More\n"


def report(*rulings: Ruling) -> Report:
    """Describe a run with these lines."""
    judged = [Judged(f"{number} an invariant", ruling, ["why"]) for number, ruling in enumerate(rulings, 1)]
    return Report(seed=5, payments_asked=200, date="2026-01-01", judged=judged, payments={"success": 190, "failed": 9})


@pytest.mark.parametrize(
    ("rulings", "code"),
    [
        ([Ruling.PASS, Ruling.PASS], 0),
        ([Ruling.PASS, Ruling.FAIL, Ruling.UNKNOWN], 1),
        ([Ruling.PASS, Ruling.UNKNOWN], 2),
        ([], 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst_line(rulings: list[Ruling], code: int) -> None:
    """Only a run of which every line passed ends with 0; one that was not judged is unknown."""
    assert EXIT_CODES[report(*rulings).ruling] == code


def test_people_read_the_seed_the_counts_and_every_line() -> None:
    """What failed is said with its reason."""
    text = "\n".join(report(Ruling.PASS, Ruling.FAIL).lines())
    assert "199 payments" in text
    assert "FAIL    2 an invariant\n          why" in text
    assert text.endswith("verdict: FAIL (seed 5, 200 payments)")


def test_programs_read_the_same(tmp_path: Path) -> None:
    """The JSON holds seed, counts, lines and verdict."""
    report(Ruling.PASS).write_json(tmp_path / "result.json")
    text = json.loads((tmp_path / "result.json").read_text())
    assert (text["seed"], text["verdict"], text["payments"]["success"]) == (5, "pass", 190)
    assert text["judged"] == [{"name": "1 an invariant", "ruling": "pass", "details": ["why"]}]


def test_the_section_of_the_document_is_replaced(tmp_path: Path) -> None:
    """What stands around the markers stays."""
    page = tmp_path / "page.md"
    page.write_text(DOCUMENT)
    report(Ruling.PASS, Ruling.UNKNOWN).write_section(page)
    text = page.read_text()
    assert text.startswith(f"# Title\n\n{BEGIN}\n2026-01-01, seed 5, 199 payments")
    assert text.endswith(f"{END}\n\n## More\n")
    assert "the result before" not in text
    assert "| unknown | 2 an invariant |" in text


def test_a_document_without_the_section_is_refused(tmp_path: Path) -> None:
    """Nothing is written where nobody expects it."""
    page = tmp_path / "page.md"
    page.write_text("# Title\n")
    with pytest.raises(ValueError, match="has no section"):
        report(Ruling.PASS).write_section(page)
    assert page.read_text() == "# Title\n"


def test_counts_are_the_most_frequent_first() -> None:
    """A count is read from the left."""
    assert list(counted(["b", "a", "b", 200])) == ["b", "a", "200"]
