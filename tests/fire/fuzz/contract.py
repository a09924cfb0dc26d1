"""Holding the API against its own document: what schemathesis found, as plain records.

Every phase runs: the document's examples, its edge cases, random requests, and chains of calls that hand ids on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import schemathesis
from schemathesis import engine
from schemathesis.config import (
    CoveragePhaseConfig,
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
    StatefulPhaseConfig,
)
from schemathesis.engine import Status
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.engine.recorder import ScenarioRecorder

STEPS_MAX: Final = 8
CHAINS: Final = 30
"""Chains of calls for each example of a single call: few of them begin with an order and come to a refund."""


@dataclass(frozen=True)
class Finding:
    """One check that failed on one exchange."""

    check: str
    operation: str
    message: str
    answer: dict[str, Any]
    reproduce: str

    @property
    def code(self) -> str:
        """The problem's code, or nothing when the answer is no problem."""
        return str(self.answer.get("code", ""))

    @property
    def faults(self) -> list[str]:
        """What the answer says is wrong with which field."""
        return [f"{error['field']}: {error['message']}" for error in self.answer.get("errors", ())]

    def __str__(self) -> str:
        return f"{self.check} at {self.operation}: {self.message}\n  {json.dumps(self.answer)}\n  {self.reproduce}"


@dataclass
class Report:
    """What a run did and found."""

    findings: list[Finding] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Why a part of the run could not be made."""
    answers: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    """By phase, operation and status."""

    def answered(self, phase: str, operation: str) -> set[int]:
        """Return the statuses with which an operation answered in a phase."""
        return {status for told, label, status in self.answers if (told, label) == (phase, operation)}


def examine(document: dict[str, Any], base_url: str, headers: dict[str, str], *, examples: int, seed: int) -> Report:
    """Try the API and return what was found. examples: for each operation in each phase."""
    project = ProjectConfig(
        base_url=base_url,
        headers=headers,
        continue_on_failure=True,
        generation=_generation(examples),
        phases=PhasesConfig(
            coverage=CoveragePhaseConfig(),
            stateful=StatefulPhaseConfig(max_steps=STEPS_MAX, generation=_generation(examples * CHAINS)),
        ),
    )
    config = SchemathesisConfig(seed=seed, projects=ProjectsConfig(default=project))
    report = Report()
    for event in engine.from_schema(schemathesis.openapi.from_dict(document, config=config)).execute():
        if isinstance(event, ScenarioFinished):
            report.answers.update(_answers(event))
            report.findings.extend(_findings(event.recorder))
        elif isinstance(event, NonFatalError):
            report.errors.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, FatalError):
            report.errors.append(repr(event.exception))
    return report


def _generation(examples: int) -> GenerationConfig:
    # Nothing is remembered between runs, and nothing is shrunk: the same seed makes the same requests.
    return GenerationConfig(max_examples=examples, no_shrink=True, database="none")


def _answers(event: ScenarioFinished) -> Iterator[tuple[str, str, int]]:
    for case_id, interaction in event.recorder.interactions.items():
        status = interaction.response.status_code if interaction.response else 0
        yield event.phase.value, event.recorder.cases[case_id].value.operation.label, status


def _findings(recorder: ScenarioRecorder) -> Iterator[Finding]:
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.status is not Status.FAILURE or check.failure_info is None:
                continue
            failure = check.failure_info.failure
            concerned = failure.case_id or case_id
            response = recorder.interactions[concerned].response
            yield Finding(
                check=check.name,
                operation=recorder.cases[concerned].value.operation.label,
                message=f"{failure.title}: {failure.message}",
                answer=_json(response.content) if response else {},
                reproduce=check.failure_info.code_sample,
            )


def _json(content: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(content or b"")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
