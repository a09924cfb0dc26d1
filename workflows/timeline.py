"""The story a workflow tells: to the `timeline` query, and in words to people in the Temporal UI."""

from __future__ import annotations

from typing import Final

from temporalio import workflow

from clearway.durable.messages import TimelineEntry

ENTRIES_MAX: Final = 200
"""A workflow that has more to tell keeps the newest."""


class Timeline:
    """What happened, oldest first; the last of it is shown as the workflow's current details."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self.entries: list[TimelineEntry] = []

    def note(self, what: str) -> None:
        """Add a line."""
        self.entries.append(TimelineEntry(at=workflow.now().isoformat(timespec="milliseconds"), what=what))
        del self.entries[:-ENTRIES_MAX]
        lines = "\n".join(f"- `{entry.at}` {entry.what}" for entry in self.entries)
        workflow.set_current_details(f"**{self._subject}**\n\n{lines}")
