"""New events of a merchant, each once, in the order they happened: for `clearway listen`.

The API lists events newest first by id, and an id is made before its transaction commits. So an event may appear behind
one that was seen already: every look goes back `OVERLAP` behind the newest, and remembers what it has seen there.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from clearway.cli.merchant_api import MerchantApi

OVERLAP: Final = timedelta(seconds=30)
"""Longer than any transaction that writes events may last."""


class EventFeed:
    """The events from the moment `start` was called."""

    def __init__(self, api: MerchantApi) -> None:
        self._api = api
        self._seen: dict[str, datetime] = {}
        self._newest: datetime | None = None

    def start(self) -> None:
        """Mark the existing events as seen."""
        self.take()

    def take(self) -> list[dict[str, Any]]:
        """Return the events that are new since the last look, oldest first."""
        fresh = [event for event in self._recent() if event["id"] not in self._seen]
        for event in fresh:
            moment = datetime.fromisoformat(event["timestamp"])
            self._seen[event["id"]] = moment
            self._newest = moment if self._newest is None else max(self._newest, moment)
        self._forget()
        return fresh[::-1]

    def _recent(self) -> list[dict[str, Any]]:
        """Return everything back to the horizon; the first look finds its horizon on the way."""
        found: list[dict[str, Any]] = []
        horizon = None if self._newest is None else self._newest - OVERLAP
        for page in self._api.pages("/events"):
            for event in page:
                moment = datetime.fromisoformat(event["timestamp"])
                if horizon is None:
                    horizon = moment - OVERLAP
                if moment < horizon:
                    return found
                found.append(event)
        return found

    def _forget(self) -> None:
        if self._newest is not None:
            horizon = self._newest - OVERLAP
            self._seen = {event_id: moment for event_id, moment in self._seen.items() if moment >= horizon}
