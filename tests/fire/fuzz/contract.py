"""Holding the API against its own document: what schemathesis found, as plain records.

Every phase runs: the document's examples, its edge cases, random requests, and chains of calls that hand ids on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import schemathesis
from schemathesis import engine
from schemathesis.config import (
    CacheConfig,
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
from schemathesis.config._phases import InferenceConfig
from schemathesis.core.transport import Response
from schemathesis.engine import Status
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.engine.recorder import Request, ScenarioRecorder
from schemathesis.generation.case import Case

ANSWER_S: Final = 30.0
"""A retry by hand is answered when its attempt has ended, and a receiver may take long."""
STEPS_MAX: Final = 8
CHAINS: Final = 15
"""Chains of calls for each example of a single call."""
RUNS_MAX: Final = 20
ACCEPTED: Final = range(200, 300)

AfterCall = Callable[[Any, Case[Any], Response], None]
"""What is done after each call of a chain, before the next one: a hook of schemathesis."""


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


@dataclass(frozen=True)
class Sample:
    """One request that was made, as it was sent."""

    case: Case[Any]
    request: Request


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

    samples: dict[tuple[str, bool], Sample] = field(default_factory=dict)
    """By operation, the first request that was accepted and the first that was refused."""

    def add(self, event: Any) -> None:
        """Take up what an event of the engine says."""
        if isinstance(event, ScenarioFinished):
            answers = list(_answers(event))
            self.answers.update(answers)
            self.findings.extend(_findings(event.recorder))
            for kind, sample in _samples(event.recorder):
                self.samples.setdefault(kind, sample)
            self.chains += bool(answers) and event.phase.value == "stateful"
        elif isinstance(event, NonFatalError):
            self.errors.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, FatalError):
            self.errors.append(repr(event.exception))

    def answered(self, phase: str, operation: str) -> set[int]:
        """Return the statuses with which an operation answered in a phase."""
        return {status for asked_in, label, status in self.answers if (asked_in, label) == (phase, operation)}

    def missing(self, wanted: Mapping[str, int]) -> set[str]:
        """Return the operations that no chain brought to the answer that is wanted of them."""
        return {name for name, status in wanted.items() if status not in self.answered("stateful", name)}


def examine(document: dict[str, Any], base_url: str, headers: dict[str, str], *, examples: int, seed: int) -> Report:
    """Try the API and return what was found. examples: for each operation in each phase.

    Chains end early when a failure does not repeat, which is usual where calls change the state. They are begun again
    from the next seed until enough of them were tried.
    """
    report = Report()
    phases = PhasesConfig(coverage=CoveragePhaseConfig(), stateful=_chains(examples))
    for run in range(RUNS_MAX):
        _run(report, document, _project(base_url, headers, examples, phases), seed + run)
        if report.errors or report.chains >= examples * CHAINS:
            break
        phases = _only(_chains(examples))
    return report


def sample(document: dict[str, Any], base_url: str, headers: dict[str, str], *, seed: int) -> Report:
    """Send each operation the document's examples and one random request, and return what was sent."""
    report = Report()
    phases = PhasesConfig(coverage=CoveragePhaseConfig(enabled=False), stateful=StatefulPhaseConfig(enabled=False))
    _run(report, document, _project(base_url, headers, 1, phases), seed)
    return report


def follow(
    document: dict[str, Any],
    base_url: str,
    headers: dict[str, str],
    *,
    chains: int,
    seed: int,
    wanted: Mapping[str, int],
    after_call: AfterCall,
) -> Report:
    """Try chains of calls only, along the document's own links, and return what was found.

    wanted: an answer of each of these operations that chains must come to. Chance decides how far a chain goes, so
    chains are begun again from the next seed until each is there, or RUNS_MAX runs were made.
    """
    report = Report()
    phases = _only(
        StatefulPhaseConfig(
            max_steps=STEPS_MAX, generation=_generation(chains), inference=InferenceConfig(algorithms=[])
        )
    )
    for run in range(RUNS_MAX):
        _run(report, document, _project(base_url, headers, chains, phases), seed + run, after_call)
        if report.errors or (report.chains >= chains and not report.missing(wanted)):
            break
    return report


def _run(
    report: Report,
    document: dict[str, Any],
    project: ProjectConfig,
    seed: int,
    after_call: AfterCall | None = None,
) -> None:
    # A file of earlier answers would make each run begin with what the last one did.
    config = SchemathesisConfig(seed=seed, cache=CacheConfig(enabled=False), projects=ProjectsConfig(default=project))
    schema = schemathesis.openapi.from_dict(document, config=config)
    if after_call is not None:
        schema.hooks.register_hook_with_name(after_call, "after_call")
    for event in engine.from_schema(schema).execute():
        report.add(event)


def _project(base_url: str, headers: dict[str, str], examples: int, phases: PhasesConfig) -> ProjectConfig:
    return ProjectConfig(
        request_timeout=ANSWER_S,
        base_url=base_url,
        headers=headers,
        continue_on_failure=True,
        generation=_generation(examples),
        phases=phases,
    )


def _only(stateful: StatefulPhaseConfig) -> PhasesConfig:
    return PhasesConfig(
        examples=ExamplesPhaseConfig(enabled=False),
        coverage=CoveragePhaseConfig(enabled=False),
        fuzzing=FuzzingPhaseConfig(enabled=False),
        stateful=stateful,
    )


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


def _samples(recorder: ScenarioRecorder) -> Iterator[tuple[tuple[str, bool], Sample]]:
    """Yield the requests of the operations' own methods that were answered."""
    for case_id, interaction in recorder.interactions.items():
        operation = recorder.cases[case_id].value.operation
        if interaction.response is not None and interaction.request.method.casefold() == operation.method.casefold():
            kind = operation.label, interaction.response.status_code in ACCEPTED
            yield kind, Sample(recorder.cases[case_id].value, interaction.request)


def _json(content: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(content or b"")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
