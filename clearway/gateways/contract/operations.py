"""One operation for a connector, with all the data that it may send or search by.

A connector derives every byte of its request from these fields, so that a repeat with the same key is equal to the
first. What it can't derive again it puts into `state`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from clearway.domain.payment import CaptureMethod


class OperationKind(StrEnum):
    """The kind of an operation; also the middle part of its key."""

    AUTHORISE = "authorise"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Authorisation:
    """The fields of an authorisation only.

    method: upi, card, netbanking or wallet. instrument: what the method needs and no card number ever: a gateway token
    for `card`, a bank code for `netbanking`, a wallet code for `wallet`. For `upi` it is the VPA, or empty: the gateway
    then answers NEEDS_ACTION with a UPI intent. It is empty in messages to and from workflows: the activity decrypts
    it. return_url: where the gateway's page sends the customer; it is the same on every repeat.
    """

    method: str
    capture_method: CaptureMethod
    instrument: str = field(default="", repr=False)
    return_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Operation:
    """One authorisation, capture, void or refund.

    key: our idempotency key, such as `<payment_id>:authorise:<n>` or `<refund_id>:refund:1`. It is the same for every
    repeat, and another key means another operation.
    amount_minor: what to reserve, capture or refund; for a void the amount that is released.
    references: the gateway's ids that are recorded of the payment, by name (`payment`, `charge`, `order` …), and once
    they are known those of this operation (`capture`, `refund`, `void`).
    state: text that the connector returned for this attempt before, given back as it was.
    baseline: for a refund, what `prepare_refund` read before it was first sent.
    number: the last part of the key. final: for a capture, whether what is left is released.
    first_sent_at, last_sent_at: when it was sent to the gateway, as far as is known; None: it was not.
    authorisation: for an authorisation, and for a question about one.
    """

    kind: OperationKind
    key: str
    payment_id: str
    amount_minor: int
    currency: str
    references: Mapping[str, str] = field(default_factory=dict)
    state: str | None = None
    baseline: str | None = None
    number: int = 1
    final: bool = True
    first_sent_at: datetime | None = None
    last_sent_at: datetime | None = None
    authorisation: Authorisation | None = None

    @property
    def payment_reference(self) -> str:
        """The gateway's id of the payment of a capture, void or refund; empty if it gave none."""
        return self.references.get("payment", "")
