"""The result of a run: for people, as JSON, and as the section of `docs/reliability.md` between two markers."""

from __future__ import annotations

import json
import platform
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from tests.fire.gauntlet.verdict import Judged, Ruling, overall

BEGIN: Final = "<!-- last result: begin -->"
END: Final = "<!-- last result: end -->"
COUNTS: Final = (
    *("strikes", "faults", "businesses", "payments", "gateways", "refunds", "reviews"),
    *("deliveries", "arrivals", "answers", "forgotten"),
)
"""The fields of a report that count by kind, in the order they are exchange."""
EXIT_CODES: Final = {Ruling.PASS: 0, Ruling.FAIL: 1, Ruling.UNKNOWN: 2}


@dataclass
class Report:
    """One run. duration_s: from the first business to the verdict. counts are by kind."""

    seed: int
    payments_asked: int
    date: str = ""
    duration_s: float = 0.0
    fire_s: float = 0.0
    """How long businesses and strikes took; the rest is waiting for quiet and judging."""
    businesses: dict[str, int] = field(default_factory=dict)
    strikes: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    """Faults of the gateway that requests really met because of strikes."""
    payments: dict[str, int] = field(default_factory=dict)
    gateways: dict[str, int] = field(default_factory=dict)
    """Attempts by gateway and end, failovers, and moves of circuit breakers."""
    refunds: dict[str, int] = field(default_factory=dict)
    deliveries: dict[str, int] = field(default_factory=dict)
    reviews: dict[str, int] = field(default_factory=dict)
    """Why payments and refunds came under review, amounts left out."""
    arrivals: dict[str, int] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    forgotten: dict[str, int] = field(default_factory=dict)
    """What a database that was put back had forgotten, and the verdict excused."""
    judged: list[Judged] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def ruling(self) -> Ruling:
        """The worst of all lines."""
        return overall(self.judged) if self.judged else Ruling.UNKNOWN

    def lines(self) -> Iterator[str]:
        """Return the lines to print."""
        made = sum(self.payments.values())
        rate = made / max(self.fire_s, 1)
        yield f"{made} payments in {self.fire_s:.0f} s ({rate:.1f}/s), whole run {self.duration_s:.0f} s"
        for name in COUNTS:
            counts = getattr(self, name)
            if counts:
                yield f"{name}: " + ", ".join(f"{count} {kind}" for kind, count in counts.items())
        yield from (f"note: {note}" for note in self.notes)
        for judged in self.judged:
            yield from judged.lines()
        yield f"verdict: {self.ruling.value} (seed {self.seed}, {self.payments_asked} payments)"

    def write_json(self, path: Path) -> None:
        """Write everything that is counted and judged."""
        path.write_text(json.dumps({**asdict(self), "verdict": self.ruling.value}, indent=2) + "\n")

    def write_section(self, path: Path) -> None:
        """Replace what stands between the markers of a document."""
        text = path.read_text(encoding="utf-8")
        before, begin, rest = text.partition(BEGIN)
        _, end, after = rest.partition(END)
        if not (begin and end):
            raise ValueError(f"{path} has no section between {BEGIN} and {END}")
        section = "\n".join(self._section())
        path.write_text(f"{before}{BEGIN}\n{section}\n{END}{after}", encoding="utf-8")

    def _section(self) -> Iterator[str]:
        made = sum(self.payments.values())
        ran = f"{self.date}, seed {self.seed}, {made} payments in {self.duration_s:.0f} s"
        yield f"{ran}, verdict **{self.ruling.value}**."
        yield f"On {self.versions.get('machine', '')}; " + ", ".join(
            f"{name} {number}" for name, number in self.versions.items() if name != "machine"
        )
        yield ""
        yield "| verdict | invariant |"
        yield "|---|---|"
        yield from (f"| {judged.ruling.value} | {judged.name} |" for judged in self.judged)
        yield ""
        yield "| counted | |"
        yield "|---|---|"
        for name in COUNTS:
            counts = getattr(self, name)
            yield f"| {name} | " + ", ".join(f"{count} {kind}" for kind, count in counts.items()) + " |"


def counted(values: Any) -> dict[str, int]:
    """Count, most frequent first."""
    return {str(name): count for name, count in Counter(values).most_common()}


def versions() -> dict[str, str]:
    """Name what ran, so that a result can be repeated."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],  # noqa: S607 - the git on PATH
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    return {
        "commit": commit.stdout.strip() or "unknown",
        "Python": platform.python_version(),
        "temporalio": version("temporalio"),
        "machine": f"{platform.machine()} {platform.system()}",
    }
