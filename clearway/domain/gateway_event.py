"""Gateway events: how far each is trusted, and what was done with it."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """The result of reading an event."""

    VERIFIED = "verified"
    """Signed by the gateway, and about an operation of this installation."""
    UNREADABLE = "unreadable"
    """Signed by the gateway, and of a kind that Clearway does not use."""
    UNSIGNED = "unsigned"
    """Not signed by the gateway: anyone may have sent it."""


class Disposition(StrEnum):
    """What was done with a gateway's event."""

    RECEIVED = "received"
    """Stored, and not yet passed on. A repeat passes it on."""
    SIGNALLED = "signalled"
    """Passed on to the workflow of its payment or refund."""
    LATE = "late"
    """Its payment or refund had ended, and the event agrees with the record. Nothing was changed."""
    CONTRADICTS = "contradicts"
    """Its payment or refund had ended, and the event contradicts the record: a review was opened."""
    UNHEARD = "unheard"
    """No workflow ran for its payment or refund, which has not ended. A repeat passes it on."""
    UNKNOWN_SUBJECT = "unknown_subject"
    """There is no such payment or refund."""
    FOREIGN = "foreign"
    """Its payment or refund was not made at the gateway that sent it. Nothing was changed."""
    IGNORED = "ignored"
    """Clearway does not use its kind."""
    REFUSED = "refused"
    """Its signature is missing, wrong or stale."""
    ANSWERED = "answered"
    """The gateway asked whether a payment may be made; its reason says what was answered. Nothing was changed."""
    REPLAYED = "replayed"
    """It was processed again: another entry has the result."""


OPEN = frozenset({Disposition.RECEIVED, Disposition.UNHEARD})
"""Dispositions that a repeat of the event may change."""


def body_context(gateway_event_id: str) -> str:
    """Return what binds an encrypted body to its row."""
    return f"gateway_events/{gateway_event_id}/body"
