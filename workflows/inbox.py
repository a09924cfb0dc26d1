"""Messages that a workflow has received and not yet handled, and the handlers that payments and refunds share.

Handlers of signals and updates only add messages; the run takes them out one at a time, so that only the run acts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from clearway.domain.actor import MERCHANT
from clearway.domain.refusals import NOT_RESOLVABLE
from clearway.durable.messages import (
    CancelInput,
    CaptureInput,
    Carried,
    GatewayEvent,
    Resolution,
    RetryInput,
    TimelineEntry,
    resolution_of,
)
from workflows.timeline import Timeline


@dataclass
class Command:
    """A requested capture, cancellation or retry, until the run has answered it. id: as recorded."""

    id: str
    capture: CaptureInput | None = None
    cancel: CancelInput | None = None
    retry: RetryInput | None = None
    actor: str = MERCHANT
    answer: dict[str, Any] | None = None
    refusal: ApplicationError | None = None

    def refuse(self, code: str, message: str) -> None:
        """Refuse it; `code` is one of `clearway.domain.refusals`."""
        self.refusal = ApplicationError(message, type=code, non_retryable=True)

    async def answered(self) -> dict[str, Any]:
        """Wait for the answer and return it, or raise the refusal."""
        await workflow.wait_condition(lambda: self.answer is not None or self.refusal is not None)
        if self.refusal is not None:
            raise self.refusal
        assert self.answer is not None
        return self.answer


@dataclass
class Decision(Command):
    """An operator's decision that an update brought, until the run has answered it."""

    resolution: Resolution | None = None


class Inbox:
    """Gateway events, merchants' commands and operators' decisions: each in order of arrival."""

    def __init__(self, carried: Carried) -> None:
        self.events: deque[GatewayEvent] = deque(carried.events)
        self.commands: deque[Command] = deque()
        self.resolutions: deque[Resolution] = deque(carried.resolutions)
        self.decisions: list[Decision] = []
        self.check_asked = False

    def has_something(self) -> bool:
        """Return whether any message waits."""
        return bool(self.events or self.commands or self.resolutions or self.check_asked)

    def is_asked(self) -> bool:
        """Return whether a command or a decision waits for an answer from this run."""
        return bool(self.commands or self.decisions)

    def decided(self, resolution: Resolution, resource: dict[str, Any]) -> None:
        """Answer the update of this decision, if there is one: the decision is recorded."""
        for decision in self._taken(resolution):
            decision.answer = resource

    def not_decided(self, resolution: Resolution, why: str) -> None:
        """Refuse the update of this decision, if there is one: nothing was changed."""
        for decision in self._taken(resolution):
            decision.refuse(NOT_RESOLVABLE, f"The decision was not recorded: {why}")

    def decide_nothing(self, why: str) -> None:
        """Refuse all updates with decisions: this run cannot record them."""
        while self.decisions:
            self.decisions.pop().refuse(NOT_RESOLVABLE, f"The decision was not recorded: {why}")

    def _taken(self, resolution: Resolution) -> list[Decision]:
        found = [decision for decision in self.decisions if decision.resolution is resolution]
        self.decisions = [decision for decision in self.decisions if decision.resolution is not resolution]
        return found

    def carried(self) -> Carried:
        """Return the messages for the next run. Commands are answered by the run that received them."""
        assert not self.is_asked(), "answered before the run ends"
        return Carried(tuple(self.events), tuple(self.resolutions))

    def begin_review(self, note: Callable[[str], None]) -> None:
        """Drop decisions that came before this review: they were about another review, or about none."""
        self.drop_resolutions(note, "it came before the review")

    def drop_resolutions(self, note: Callable[[str], None], why: str) -> None:
        """Drop the waiting decisions, and refuse those that came by update."""
        while self.resolutions:
            resolution = self.resolutions.popleft()
            note(f"resolution by {resolution.operator} ignored: {why}")
            self.not_decided(resolution, why)

    async def wait(self, wait_s: float, summary: str) -> bool:
        """Wait until a message arrives (True) or the time is over (False). summary: shown at the timer."""
        if self.has_something() or wait_s <= 0:
            return self.has_something()
        try:
            await workflow.wait_condition(
                self.has_something, timeout=timedelta(seconds=wait_s), timeout_summary=summary
            )
        except TimeoutError:
            return False
        return True


class Listener(ABC):
    """Base of workflows that receive gateway events and operators' decisions. The handlers only fill the inbox."""

    def __init__(self, subject: str, carried: Carried) -> None:
        self._inbox = Inbox(carried)
        self._timeline = Timeline(subject)

    @workflow.signal(description="A gateway's verified webhook about this payment or refund")
    def gateway_event(self, event: GatewayEvent) -> None:
        """Put the event into the inbox."""
        self._inbox.events.append(event)

    @workflow.signal(description="An operator's decision about a payment or refund in needs_review")
    def resolve_review(self, resolution: Any) -> None:
        """Put the decision into the inbox. Operators type it, so it is parsed here and not by the SDK."""
        try:
            self._inbox.resolutions.append(resolution_of(resolution))
        except ValueError as error:
            self._timeline.note(f"resolution refused: {error}")

    @workflow.update(description="An operator's decision, answered with what it led to")
    async def resolve(self, resolution: Resolution) -> dict[str, Any]:
        """Put the decision into the inbox; answer with the payment or refund when it is recorded."""
        self._inbox.resolutions.append(resolution)
        self._inbox.decisions.append(decision := Decision("", resolution=resolution))
        return await decision.answered()

    @resolve.validator
    def check_resolve(self, resolution: Resolution) -> None:
        """Refuse a decision if nothing is under review. A refusal leaves no trace in the history."""
        if not self._is_under_review():
            message = f"Only what is in needs_review can be resolved. {resolution.outcome!r} was not recorded."
            raise ApplicationError(message, type=NOT_RESOLVABLE, non_retryable=True)

    @abstractmethod
    def _is_under_review(self) -> bool:
        """Return whether an operator must decide now."""

    @workflow.signal(description="Compare the row in the database with what this run knows")
    def check_record(self) -> None:
        """Make the run compare its state with the row: the database or Temporal may have been restored."""
        self._inbox.check_asked = True

    @workflow.query(description="What happened so far")
    def timeline(self) -> list[TimelineEntry]:
        """Return what happened, oldest first."""
        return self._timeline.entries
