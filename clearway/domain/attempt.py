"""Payment attempts: each is one authorisation at one gateway, under its own operation key. A payment has one or more.

pending ──> succeeded, failed, cancelled, unknown     unknown ──> succeeded, failed, cancelled
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

_CLOSE: Final = "close"


class AttemptStatus(StrEnum):
    """Status of a payment attempt."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    """The gateway authorised the payment, or took the money at once."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    """Called off before the gateway or the customer had decided."""
    UNKNOWN = "unknown"
    """The outcome at the gateway is unknown; the payment is under review."""


OPEN = frozenset({AttemptStatus.PENDING, AttemptStatus.UNKNOWN})


class Executed(StrEnum):
    """Whether the gateway acted: reserved, took, released or gave back money, or asked an issuer to."""

    NO = "no"
    MAYBE = "maybe"
    YES = "yes"


@dataclass(frozen=True, slots=True)
class AttemptSeen:
    """The gateway's report about attempt `number`, recorded with a change of the payment.

    references, state: they replace what is stored. error_code, error_description: when it failed and another attempt
    follows; the failure of the last attempt is that of the payment. never_again: the card's network or issuer forbids
    another try of the card.
    """

    number: int = 1
    references: dict[str, str] = field(default_factory=dict)
    state: str | None = None
    executed: Executed | None = None
    raw_code: str | None = None
    network_code: str | None = None
    error_code: str | None = None
    error_description: str | None = None
    never_again: bool = False


@dataclass(frozen=True, slots=True)
class AttemptKept:
    """The stored connector state of an attempt, for later calls to its gateway."""

    references: dict[str, str] = field(default_factory=dict)
    state: str | None = None

    def with_capture(self, capture: AttemptKept) -> AttemptKept:
        """Return the state for a refund of one capture: the capture's own ids and state."""
        return AttemptKept(self.references | capture.references, self.state if capture.state is None else capture.state)


@dataclass(frozen=True, slots=True)
class GatewayChoice:
    """A gateway at which a payment can be tried: the kind and the id of a configuration."""

    gateway: str
    gateway_id: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """A recorded attempt, for a run that continues from the row."""

    number: int
    gateway: str
    gateway_id: str
    status: AttemptStatus
    started_at: datetime
    references: dict[str, str] = field(default_factory=dict)
    state: str | None = None


def attempt_key(payment_id: str, number: int) -> str:
    """Return the operation key of an attempt: the same for every repeat at its gateway, never used for another."""
    return f"{payment_id}:authorise:{number}"


def closing_key(payment_id: str, number: int) -> str:
    """Return the operation key of the void that closes an attempt which took no money, before another follows it."""
    return f"{payment_id}:{_CLOSE}:{number}"


def is_closing(key: str) -> bool:
    """Return whether this is the operation key of such a void: it says nothing about the payment's last attempt."""
    return key.split(":")[1:2] == [_CLOSE]
