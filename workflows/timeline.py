"""The timeline of a workflow: for the `timeline` query, and as Current Details in the Temporal UI.

Current Details open with what the workflow waits for now. The newest entries follow, so the UI cuts off only old ones.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from temporalio import workflow

from clearway.durable.messages import TimelineEntry

ENTRIES_MAX: Final = 200
"""How many entries are kept; the oldest go first."""
DETAILS_ENTRIES_MAX: Final = 40
"""How many entries Current Details show: Temporal bounds their size."""


def moment(at: datetime) -> str:
    """Render a moment for people: UTC, whole seconds."""
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


class Timeline:
    """The entries, oldest first, and what is awaited now."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._now = "just started"
        self.entries: list[TimelineEntry] = []

    def note(self, what: str) -> None:
        """Add an entry."""
        self.entries.append(TimelineEntry(at=workflow.now().isoformat(timespec="milliseconds"), what=what))
        del self.entries[:-ENTRIES_MAX]
        self._show()

    def awaits(self, now: str) -> None:
        """Set what the workflow waits for now: status, since when, until when, next poll, what a person can do."""
        if now != self._now:
            self._now = now
            self._show()

    def _show(self) -> None:
        newest = "\n".join(f"- `{entry.at}` {entry.what}" for entry in reversed(self.entries[-DETAILS_ENTRIES_MAX:]))
        workflow.set_current_details(f"**Now:** {self._now}\n\n**{self._subject}**, newest first:\n\n{newest}")
