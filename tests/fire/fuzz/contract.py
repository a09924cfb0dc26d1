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
    ExamplesPhaseConfig,
    FuzzingPhaseConfig,
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
RUNS_MAX: Final = 20


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

    chains: int = 0
    """Chains of calls in which at least one call was made."""

    def add(self, event: Any) -> None:
        """Take up what an event of the engine says."""
        if isinstance(event, ScenarioFinished):
            answers = list(_answers(event))
            self.answers.update(answers)
            self.findings.extend(_findings(event.recorder))
            self.chains += bool(answers) and event.phase.value == "stateful"
        elif isinstance(event, NonFatalError):
            self.errors.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, FatalError):
            self.errors.append(repr(event.exception))

    def answered(self, phase: str, operation: str) -> set[int]:
        """Return the statuses with which an operation answered in a phase."""
        return {status for asked_in, label, status in self.answers if (asked_in, label) == (phase, operation)}


def examine(document: dict[str, Any], base_url: str, headers: dict[str, str], *, examples: int, seed: int) -> Report:
    """Try the API and return what was found. examples: for each operation in each phase.

    Chains end early when a failure does not repeat, which is usual where calls change the state. They are begun again
    from the next seed until enough of them were tried.
    """
    report = Report()
    phases = PhasesConfig(coverage=CoveragePhaseConfig(), stateful=_chains(examples))
    for run in range(RUNS_MAX):
        project = ProjectConfig(
            base_url=base_url,
            headers=headers,
            continue_on_failure=True,
            generation=_generation(examples),
            phases=phases,
        )
        config = SchemathesisConfig(seed=seed + run, projects=ProjectsConfig(default=project))
        for event in engine.from_schema(schemathesis.openapi.from_dict(document, config=config)).execute():
            report.add(event)
        if report.errors or report.chains >= examples * CHAINS:
            break
        phases = PhasesConfig(
            examples=ExamplesPhaseConfig(enabled=False),
            coverage=CoveragePhaseConfig(enabled=False),
            fuzzing=FuzzingPhaseConfig(enabled=False),
            stateful=_chains(examples),
        )
    return report


def _chains(examples: int) -> StatefulPhaseConfig:
    return StatefulPhaseConfig(max_steps=STEPS_MAX, generation=_generation(examples * CHAINS))


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
