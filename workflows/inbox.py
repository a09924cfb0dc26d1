"""What the outside has said to a workflow and its run has not yet taken up.

Handlers of signals and updates only put things in; the run takes them out one at a time, so that it alone acts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from clearway.durable.messages import CancelInput, CaptureInput, News, Resolution


@dataclass
class Command:
    """A capture or a cancellation that was asked for, until the run has answered it."""

    capture: CaptureInput | None = None
    cancel: CancelInput | None = None
    answer: dict[str, Any] | None = None
    refusal: ApplicationError | None = None

    def refuse(self, code: str, message: str) -> None:
        """Answer no; `code` is one of `clearway.domain.refusals`."""
        self.refusal = ApplicationError(message, type=code, non_retryable=True)

    async def answered(self) -> dict[str, Any]:
        """Wait for the answer; raise the refusal if that is what it is."""
        await workflow.wait_condition(lambda: self.answer is not None or self.refusal is not None)
        if self.refusal is not None:
            raise self.refusal
        assert self.answer is not None
        return self.answer


class Inbox:
    """News of the gateway, commands of the merchant, decisions of operators: each in the order it came."""

    def __init__(self) -> None:
        self.news: deque[News] = deque()
        self.commands: deque[Command] = deque()
        self.resolutions: deque[Resolution] = deque()

    def has_something(self) -> bool:
        """Tell whether anything waits to be taken out."""
        return bool(self.news or self.commands or self.resolutions)

    async def wait(self, wait_s: float, summary: str) -> bool:
        """Wait until something is there (True) or the time is over (False). summary: shown at the timer."""
        if self.has_something() or wait_s <= 0:
            return self.has_something()
        try:
            await workflow.wait_condition(
                self.has_something, timeout=timedelta(seconds=wait_s), timeout_summary=summary
            )
        except TimeoutError:
            return False
        return True

    def begin_review(self, note: Callable[[str], None]) -> None:
        """Forget decisions that came before this review: they were about another one, or about none."""
        while self.resolutions:
            note(f"resolution by {self.resolutions.popleft().operator} ignored: it came before the review")

    async def wait_for_ever(self) -> None:
        """Wait until something is there."""
        await workflow.wait_condition(self.has_something)
