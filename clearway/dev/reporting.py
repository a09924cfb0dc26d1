"""How the stack tells people what it is doing: live lines on a terminal, plain lines elsewhere, silence in tests.

Reporters only print. They decide nothing, and the stack works the same with any of them.
"""

from __future__ import annotations

import sys
import time
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Reporter(Protocol):
    """Receives the steps of a start. Several steps may be open at once; `name` tells them apart."""

    def begin(self, name: str, text: str) -> None:
        """Open the step `name`."""

    def update(self, name: str, text: str) -> None:
        """Say how far an open step is."""

    def finish(self, name: str, text: str) -> None:
        """Close the step: it worked."""

    def fail(self, name: str, text: str) -> None:
        """Close the step: it did not work."""

    def say(self, text: str) -> None:
        """Print one line that belongs to no step."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class SilentReporter:
    """Says nothing: for tests and programs."""

    def begin(self, name: str, text: str) -> None:
        """Nothing."""

    def update(self, name: str, text: str) -> None:
        """Nothing."""

    def finish(self, name: str, text: str) -> None:
        """Nothing."""

    def fail(self, name: str, text: str) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class PlainReporter:
    """One line per change, for logs and CI. The same progress line is not repeated within ten seconds."""

    QUIET_S = 10.0

    def __init__(self) -> None:
        self._started: dict[str, float] = {}
        self._last: dict[str, float] = {}

    def begin(self, name: str, text: str) -> None:
        """Print the opening line."""
        self._started[name] = self._last[name] = time.monotonic()
        self.say(f"{name}: {text}")

    def update(self, name: str, text: str) -> None:
        """Print progress, at most every ten seconds."""
        now = time.monotonic()
        if now - self._last.get(name, 0.0) >= self.QUIET_S:
            self._last[name] = now
            self.say(f"{name}: {text}")

    def finish(self, name: str, text: str) -> None:
        """Print the result with the time it took."""
        took_s = time.monotonic() - self._started.get(name, time.monotonic())
        self.say(f"{name}: {text} ({took_s:.1f} s)")

    def fail(self, name: str, text: str) -> None:
        """Print the failure."""
        self.say(f"{name}: failed: {text}")

    def say(self, text: str) -> None:
        """Print at once, so that a pipe shows it immediately."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def close(self) -> None:
        """Nothing to restore."""


class TerminalReporter:
    """A spinner and a clock per open step; a tick or a cross when it closes."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._tasks: dict[str, TaskID] = {}
        self._progress: Progress | None = None

    def begin(self, name: str, text: str) -> None:
        """Add a spinner."""
        progress = self._live()
        self._tasks[name] = progress.add_task(text, total=None, name=name)

    def update(self, name: str, text: str) -> None:
        """Change the spinner's text."""
        if name in self._tasks:
            self._live().update(self._tasks[name], description=text)

    def finish(self, name: str, text: str) -> None:
        """Replace the spinner by a tick."""
        self._end(name, f"[green]✓[/] [bold]{name:<12}[/] {escape(text)}")

    def fail(self, name: str, text: str) -> None:
        """Replace the spinner by a cross."""
        self._end(name, f"[red]✗[/] [bold]{name:<12}[/] {escape(text)}")

    def say(self, text: str) -> None:
        """Print above the spinners."""
        self._print(escape(text))

    def close(self) -> None:
        """Stop drawing."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
            self._tasks.clear()

    def _print(self, markup: str) -> None:
        (self._progress.console if self._progress else self._console).print(markup, highlight=False, soft_wrap=True)

    def _live(self) -> Progress:
        if self._progress is None:
            columns = (
                SpinnerColumn(),
                TextColumn("[bold]{task.fields[name]:<12}[/]"),
                TextColumn("{task.description}"),
                TimeElapsedColumn(),
            )
            self._progress = Progress(*columns, console=self._console, transient=True)
            self._progress.start()
        return self._progress

    def _end(self, name: str, line: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            self._live().remove_task(task)
        self._print(line)
        if not self._tasks:
            self.close()


def reporter_for_stdout() -> Reporter:
    """Live lines on a terminal, plain lines in a pipe."""
    return TerminalReporter() if sys.stdout.isatty() else PlainReporter()
