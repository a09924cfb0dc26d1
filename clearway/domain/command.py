"""Commands of a payment: each capture and each void, recorded before the gateway is called and until its end.

The answer to a command is its own result, not the payment's status. `number` makes the operation key unique:
`<payment_id>:<kind>:<number>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clearway.domain.actor import Actor


class CommandKind(StrEnum):
    """What the gateway must do; also the middle part of the operation key."""

    CAPTURE = "capture"
    VOID = "void"
    RETRY = "retry"
    """A further attempt; its number is that of the attempt."""


class CommandStatus(StrEnum):
    """Status of a command."""

    SENT = "sent"
    """Recorded before the gateway is called. Until it ends, the gateway may have carried it out."""
    DONE = "done"
    REFUSED = "refused"
    """Surely not carried out: the gateway refused or was never reached, or an operator found that nothing happened."""


@dataclass(frozen=True, slots=True)
class NewCommand:
    """A command to be recorded. id: `cap_…` or `cxl_…`, or derived from them and the payment's id.

    amount_minor: what is captured or released. final: the rest of the authorisation is released after the capture.
    asked_by: the actor for the audit log; None if Clearway acts by itself.
    """

    id: str
    kind: CommandKind
    amount_minor: int
    final: bool = False
    asked_by: Actor | None = None


@dataclass(frozen=True, slots=True)
class PaymentCommand:
    """A recorded command. refusal: why it was not carried out, for the merchant. created_at: before it was sent."""

    id: str
    kind: CommandKind
    number: int
    amount_minor: int
    final: bool
    status: CommandStatus
    refusal: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CommandEnd:
    """How a command ended, to be recorded with the change that it caused or alone."""

    id: str
    status: CommandStatus
    refusal: str | None = None
