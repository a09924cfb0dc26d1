"""Limits of requests to a gateway: per second, concurrent, and none while it asks to wait (Retry-After).

Pure. Requests are spread evenly. One that comes a little early reserves its moment; one that comes too early is given a
moment at the end of the line, at which it asks again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

REQUESTS_PER_S_MAX: Final = 1_000
CONCURRENT_MAX: Final = 500
CONCURRENT_WAIT_S: Final = 0.5
"""How long to wait while as many requests as allowed are under way."""
SOON: Final = timedelta(seconds=1)
"""A moment that comes within this time is reserved."""


@dataclass(frozen=True, slots=True)
class GatewayLimits:
    """The limits of one configuration; None: no limit."""

    requests_per_s: float | None = None
    concurrent: int | None = None

    def __bool__(self) -> bool:
        return self.requests_per_s is not None or self.concurrent is not None


@dataclass(frozen=True, slots=True)
class Usage:
    """What is used of the limits.

    free_at: the next moment that is not reserved. line_at: the last moment that was given to a request that asks again.
    held_until: the gateway asked for no request until then. under_way: until when each request counts at most, in case
    its process dies.
    """

    free_at: datetime | None = None
    line_at: datetime | None = None
    held_until: datetime | None = None
    under_way: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """When a request may be sent. again: it must ask again then; otherwise this time is reserved for it."""

    wait_s: float = 0.0
    again: bool = False


def take(usage: Usage, limits: GatewayLimits, request_id: str, now: datetime, *, until: datetime) -> tuple[Usage, Turn]:
    """Return the usage after one more request, and that request's turn. until: when the request ends at the latest."""
    usage = replace(usage, under_way={each: end for each, end in usage.under_way.items() if end > now})
    if usage.held_until is not None and usage.held_until > now:
        return usage, Turn((usage.held_until - now).total_seconds(), again=True)
    if limits.concurrent is not None and len(usage.under_way) >= limits.concurrent:
        return usage, Turn(CONCURRENT_WAIT_S, again=True)
    started = replace(usage, under_way={**usage.under_way, request_id: until})
    if limits.requests_per_s is None:
        return started, Turn()
    apart, moment = timedelta(seconds=1 / limits.requests_per_s), max(usage.free_at or now, now)
    if moment - now > SOON:
        line_at = max(usage.line_at or moment, moment) + apart
        return replace(usage, line_at=line_at), Turn((line_at - now).total_seconds(), again=True)
    return replace(started, free_at=moment + apart), Turn((moment - now).total_seconds())
