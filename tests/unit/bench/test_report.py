"""The report says what is wrong, and shows what was found when a part failed."""

from __future__ import annotations

import pytest

from scripts.bench.__main__ import PARTS, parse_arguments
from scripts.bench.listing import PAGE_MS_MAX, export_figures, judged
from scripts.bench.load import Sent
from scripts.bench.report import PARTS as PRINTED
from scripts.bench.report import lines
from scripts.bench.runs import Run

HEAD = {
    "circumstances": {
        **dict.fromkeys(("at", "commit", "machine", "cores", "memory_gib", "python", "temporalio", "load_before"), "x")
    },
    "settings": {"only": ["ours"]},
}


def knee(rate_per_s: float) -> dict:
    """Return the part of a knee as it is written."""
    sent = [Sent(0.1 * number, 0.1 * number + 0.05, f"pay_{number}") for number in range(40)]
    run = Run(10.0, sent, {f"pay_{number}": 0.1 * number + 0.2 for number in range(40)}, {"api": 1.0}).summary()
    found = {"per_s": rate_per_s, "too_much_per_s": None, "tried": [{"per_s": rate_per_s, "sustained": True}]}
    return {"knee": found, "shape": "local", "at_knee": run, "at_50%": run, "at_80%": run}


def test_the_ratio_to_the_floor_is_reported() -> None:
    """The one number that survives a change of machine."""
    text = "\n".join(lines({**HEAD, "ours": knee(8.0), "floor": knee(16.0)}))
    assert "RATIO of payments/s to the floor: 0.50" in text
    assert "p95 50.0" in text


def test_pages_and_sockets_beyond_their_bounds_are_marked() -> None:
    """p95 of a page, the first row and the memory of an export, and the cores of the sockets have bounds."""
    slow = judged([0.01] * 18 + [0.2] * 2, PAGE_MS_MAX)
    assert slow == {"p50_ms": 10.0, "p95_ms": 200.0, "within": False}
    assert judged([0.01] * 20, PAGE_MS_MAX)["within"]
    mib = 1024 * 1024
    grows = export_figures(0.1, 5_000, 10.0, [100 * mib, 110 * mib, 112 * mib, 160 * mib])
    assert (grows["growth_mib"], grows["rows_per_s"], grows["within"]) == (48.0, 500, False)
    assert not export_figures(0.4, 1, 1.0, [mib])["within"]
    flat = export_figures(0.1, 1, 1.0, [100 * mib, 140 * mib, 140 * mib, 141 * mib])
    assert flat["within"], "what the first pages need is no growth"
    lists = {"rows": 1, "filled_in_s": 1, "asked": 20, "questions": {"list": slow}, "exports": {"all": flat}}
    sockets = {
        "sockets": 10,
        "merchants": 2,
        "kib_a_socket": 1,
        "events_per_s": 1,
        "messages_per_s": 5,
        "cores": {"with_events": 0.2},
        "heard_after_ms": {"p50": 1},
        "within": False,
    }
    text = "\n".join(lines({**HEAD, "lists": lists, "sockets": sockets}))
    assert "p95    200.0  !" in text
    assert "with_events 0.2  !" in text
    assert "growth_mib 1.0\n" in text


def test_what_was_found_before_a_failure_is_shown() -> None:
    """When a part fails, the results of the parts before it are shown."""
    text = "\n".join(lines({**HEAD, "ours": knee(8.0), "failed": "BenchError: the receiver is gone"}))
    assert "OURS: knee 8.0/s" in text
    assert text.endswith("! ended early: BenchError: the receiver is gone")


def test_every_part_is_printed() -> None:
    """Every measured part is printed."""
    assert set(PRINTED) == set(PARTS)


def test_unknown_parts_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt part in --only is an error at once."""
    with pytest.raises(SystemExit):
        parse_arguments(["--only", "ours,flor"])
    assert "the parts are" in capsys.readouterr().err
    assert parse_arguments(["--quick"]).rows < 10_000
