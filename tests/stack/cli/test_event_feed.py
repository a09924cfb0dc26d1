"""The events of `clearway listen`: each once, in order, although lists are newest first and commits come late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from clearway.cli.event_feed import OVERLAP, EventFeed
from clearway.cli.merchant_api import MerchantApi

START = datetime(2026, 1, 1, tzinfo=UTC)


class Listing:
    """A list of events as the API gives it: newest id first, in pages."""

    def __init__(self, page_size: int = 3) -> None:
        self.events: dict[str, dict[str, Any]] = {}
        self.page_size = page_size
        self.pages_read = 0

    def add(self, after_s: float) -> str:
        """Let an event of that moment become visible now."""
        moment = START + timedelta(seconds=after_s)
        event_id = f"evt_{int(after_s * 1_000):012}"
        self.events[event_id] = {"id": event_id, "timestamp": moment.isoformat()}
        return event_id

    def pages(self, _path: str) -> Iterator[list[dict[str, Any]]]:
        """Yield the pages, as `MerchantApi.pages` does."""
        newest_first = [self.events[event_id] for event_id in sorted(self.events, reverse=True)]
        for start in range(0, len(newest_first), self.page_size):
            self.pages_read += 1
            yield newest_first[start : start + self.page_size]


def feed_of(listing: Listing) -> EventFeed:
    """Listen to that list."""
    return EventFeed(cast("MerchantApi", listing))


def heard(feed: EventFeed) -> list[str]:
    """Return the ids of new events."""
    return [event["id"] for event in feed.take()]


def test_what_was_there_before_is_not_shown() -> None:
    """Events from before the start are left out, also when they fill more than a page."""
    listing = Listing()
    for second in range(10):
        listing.add(second)
    feed = feed_of(listing)
    feed.start()
    assert heard(feed) == []


def test_new_events_come_once_and_oldest_first() -> None:
    """The order is that of what happened, over more than one page."""
    listing = Listing()
    feed = feed_of(listing)
    feed.start()
    ids = [listing.add(second) for second in range(8)]
    assert heard(feed) == ids
    assert heard(feed) == []
    assert [listing.add(8)] == heard(feed)


def test_an_event_that_commits_behind_a_later_one_is_not_lost() -> None:
    """An id is made before its transaction commits, so the newest id seen is no bound for what is still to come."""
    listing = Listing()
    feed = feed_of(listing)
    feed.start()
    late = 10.0
    listing.add(late + 5)
    assert len(heard(feed)) == 1
    assert heard(feed) == []
    missed = listing.add(late)
    assert heard(feed) == [missed]


def test_the_past_is_neither_read_again_nor_remembered() -> None:
    """A listener may run for weeks: each look goes back over the overlap, and no further."""
    listing = Listing(page_size=1)
    feed = feed_of(listing)
    for minute in range(50):
        listing.add(minute * 2 * OVERLAP.total_seconds())
        feed.take()
    listing.pages_read = 0
    feed.take()
    assert listing.pages_read <= 2
    assert len(feed._seen) == 1
