"""The contract between Clearway and a payment gateway.

A connector turns one gateway's API into these calls and these answers. It classifies every failure before it leaves
the gateway's package, because only the connector knows whether the gateway may have acted:

- `RETRYABLE`: surely not executed (connection refused, 429, 503 before processing). Sending it again is safe.
- `UNKNOWN`: may have been executed (timeout after sending, connection lost, 5xx, unreadable answer). The caller must
  ask with `look_up` before anything is tried again; the connector never guesses.

Connectors hold no state of ours, open no database and never retry on their own: retries belong to the workflow.
A connector method raises only for programmer errors; whatever the gateway or the network does is an outcome.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, runtime_checkable

from clearway.domain.limits import (
    GATEWAY_ERROR_CODE_LENGTH_MAX,
    GATEWAY_IDENTIFIER_LENGTH_MAX,
    GATEWAY_MESSAGE_LENGTH_MAX,
    MINOR_MAX,
    URL_LENGTH_MAX,
)
from clearway.domain.payment import CaptureMethod
from clearway.domain.text import is_storable, storable, storable_or_none

CURRENCY_LENGTH: Final = 3
EXPIRY_MAX: Final = 10_000
RETRY_AFTER_S_MAX: Final = 3_600.0
"""No gateway holds a payment up for longer than this between two calls."""
_WEB_URL: Final = re.compile(r"https?://[^\s/?#]+\S*")


class AnswerUnreadableError(ValueError):
    """What a gateway sent cannot be what its API says: an identifier, amount or URL that is none.

    As the answer to a call it makes the outcome UNKNOWN, because the gateway may have acted all the same.
    """


class OutcomeKind(StrEnum):
    """What a gateway said, or failed to say, about one operation."""

    APPROVED = "approved"
    """Done. For an authorisation, `captured` tells whether the money was taken at once."""
    DECLINED = "declined"
    """Surely refused, for good. `error_code` is one of `clearway.domain.errors.DECLINE_CODES`."""
    NEEDS_ACTION = "needs_action"
    """The customer must act at `action_url` (3-D Secure, bank page) before the gateway goes on."""
    PENDING = "pending"
    """Accepted and under way at the gateway; the end is told by webhook or look-up."""
    RETRYABLE = "retryable"
    """Surely not executed; the same request with the same key may be sent again after `retry_after_s`."""
    UNKNOWN = "unknown"
    """May or may not have been executed."""
    NOT_FOUND = "not_found"
    """Only from `look_up`: the gateway knows no operation with this key (or does not know it yet)."""


@dataclass(frozen=True, slots=True)
class GatewayOutcome:
    """One gateway answer about one operation (an authorisation, capture, void or refund).

    amount_minor and currency are what the gateway says it moved or reserved; the workflow compares them with what was
    asked and treats a difference as a matter for a person.

    Making one is the border of foreign text: messages are made storable, and an identifier, amount or URL that cannot
    be used exactly as it is raises AnswerUnreadableError. No connector can forget it.
    """

    kind: OutcomeKind
    reference: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    captured: bool = False
    error_code: str | None = None
    error_description: str | None = None
    action_url: str | None = None
    retry_after_s: float | None = None

    def __post_init__(self) -> None:
        self._check_identifiers()
        self._check_amount()
        self._mend("error_code", storable_or_none(self.error_code, GATEWAY_ERROR_CODE_LENGTH_MAX))
        self._mend("error_description", storable_or_none(self.error_description, GATEWAY_MESSAGE_LENGTH_MAX))
        self._mend("retry_after_s", _usable_wait_s(self.retry_after_s))

    def _check_identifiers(self) -> None:
        if self.reference is not None and not is_storable(self.reference, GATEWAY_IDENTIFIER_LENGTH_MAX):
            raise AnswerUnreadableError("the reference is not a usable identifier")
        if self.currency is not None and not is_storable(self.currency, CURRENCY_LENGTH):
            raise AnswerUnreadableError("the currency is not a currency code")
        url = self.action_url
        if url is not None and not (is_storable(url, URL_LENGTH_MAX) and _WEB_URL.fullmatch(url)):
            raise AnswerUnreadableError("the URL for the customer is not an http or https URL")

    def _check_amount(self) -> None:
        amount = self.amount_minor
        if amount is not None and not (type(amount) is int and 0 <= amount <= MINOR_MAX):
            raise AnswerUnreadableError("the amount is not a number of minor units")
        if type(self.captured) is not bool:
            raise AnswerUnreadableError("it is not clear whether the money was taken")

    def _mend(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # the class is frozen for everybody else


def _usable_wait_s(value: object) -> float | None:
    """Return a wait that a timer can be set to, or None."""
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return min(float(value), RETRY_AFTER_S_MAX)


UNKNOWN: Final = GatewayOutcome(OutcomeKind.UNKNOWN)


@dataclass(frozen=True, slots=True)
class AuthoriseRequest:
    """Ask the gateway to reserve (manual) or take (automatic) money.

    key: our idempotency key, `<payment_id>:authorise:<n>`, stable over every repetition of the same attempt.
    method: upi, card, netbanking or wallet. instrument: what the method needs and no card number ever: a gateway token
    for `card`, a VPA for `upi`, a bank code for `netbanking`, a wallet code for `wallet`.
    """

    key: str
    payment_id: str
    amount_minor: int
    currency: str
    method: str
    instrument: str
    capture_method: CaptureMethod
    return_url: str | None = None


@dataclass(frozen=True, slots=True)
class FollowUpRequest:
    """Ask the gateway to capture, void or refund something it authorised or captured before.

    key: our idempotency key, such as `<payment_id>:capture:<n>`, `<payment_id>:void:<n>` or `<refund_id>:refund:1`.
    gateway_reference: the gateway's own id of the authorised payment, from the outcome of `authorise`.
    amount_minor: what to capture or refund; for a void the amount that is released.
    """

    key: str
    payment_id: str
    gateway_reference: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Card:
    """A raw test card, held in memory only while it is exchanged for a token. Never logged: repr hides it."""

    number: str
    expiry_month: int
    expiry_year: int
    cvv: str
    holder_name: str | None = None

    def __repr__(self) -> str:
        return "Card(****)"


@dataclass(frozen=True, slots=True)
class CardToken:
    """What may be kept of a card: the gateway's token and the parts that are printed on receipts."""

    token: str
    brand: str
    last4: str
    expiry_month: int
    expiry_year: int

    def __post_init__(self) -> None:
        texts = (self.token, self.brand, self.last4)
        if not all(is_storable(text, GATEWAY_IDENTIFIER_LENGTH_MAX) for text in texts):
            raise AnswerUnreadableError("the token or the card's summary is not a usable text")
        if not all(type(number) is int and 0 < number < EXPIRY_MAX for number in (self.expiry_month, self.expiry_year)):
            raise AnswerUnreadableError("the card's expiry is not a month and a year")


class CardRefusedError(Exception):
    """The gateway would not tokenise the card; `code` is a unified decline code, str(error) is for the merchant."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(storable(message, GATEWAY_MESSAGE_LENGTH_MAX))
        self.code = code


class GatewayUnavailableError(Exception):
    """The gateway could not be reached for a call that has no effect (tokenising, listing). Try again."""


@dataclass(frozen=True, slots=True)
class InboundEvent:
    """One verified webhook of a gateway, in our terms.

    event_id: the gateway's id of the event, the same when it is sent again. key: the idempotency key of the operation
    it tells of, from which our payment or refund id is read (`<id>:<operation>:<n>`).
    """

    event_id: str
    key: str
    outcome: GatewayOutcome
    occurred_at: str

    def __post_init__(self) -> None:
        for name in ("event_id", "key", "occurred_at"):
            if not is_storable(getattr(self, name), GATEWAY_IDENTIFIER_LENGTH_MAX):
                raise AnswerUnreadableError(f"{name} is not a usable text")


class SignatureInvalidError(Exception):
    """A provider webhook with a missing, wrong or stale signature: refuse it, change nothing."""


class EventUnreadableError(Exception):
    """A correctly signed provider webhook that has no meaning for us (unknown event, malformed body)."""


def read_event(gateway: Gateway, headers: Mapping[str, str], body: bytes) -> InboundEvent:
    """Verify and read a webhook by its gateway's connector. Raises SignatureInvalidError or EventUnreadableError alone.

    The body is foreign, so a connector that fails on it in an unforeseen way has met an unreadable one: an error here
    would have the gateway send it again and again.
    """
    try:
        return gateway.parse_webhook(headers, body)
    except (SignatureInvalidError, EventUnreadableError):
        raise
    except Exception as error:
        raise EventUnreadableError(f"{type(error).__name__} while reading it") from error


class Gateway(Protocol):
    """What every connector offers. All calls are safe to repeat with the same key."""

    name: str

    async def authorise(self, request: AuthoriseRequest) -> GatewayOutcome:
        """Reserve or take the money: APPROVED, DECLINED, NEEDS_ACTION, PENDING, RETRYABLE or UNKNOWN."""

    async def capture(self, request: FollowUpRequest) -> GatewayOutcome:
        """Take part or all of an authorised amount: APPROVED, DECLINED, PENDING, RETRYABLE or UNKNOWN."""

    async def void(self, request: FollowUpRequest) -> GatewayOutcome:
        """Release what is authorised and not captured, or call off a pending payment.

        APPROVED: nothing more will be taken. DECLINED: too late, the money is already taken.
        """

    async def refund(self, request: FollowUpRequest) -> GatewayOutcome:
        """Give money back: APPROVED, DECLINED, PENDING, RETRYABLE or UNKNOWN."""

    async def look_up(self, key: str) -> GatewayOutcome:
        """Tell the present state of the operation that was sent with `key`.

        The kinds are those of the operation itself, or NOT_FOUND. RETRYABLE and UNKNOWN mean the question itself
        could not be answered: ask again.
        """

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> InboundEvent:
        """Verify the signature (both directions of clock skew) and read the news.

        Raises SignatureInvalidError or EventUnreadableError. headers: lower-case names.
        """

    async def aclose(self) -> None:
        """Close the connections."""


class OperationKind(StrEnum):
    """What an operation in a gateway's own list is."""

    PAYMENT = "payment"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class ListedOperation:
    """One operation by the gateway's own books, whether or not our database knows of it.

    payment_id: our id, as the gateway was given it. key: our idempotency key. outcome: how the operation stands now.
    """

    key: str
    kind: OperationKind
    payment_id: str
    outcome: GatewayOutcome
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OperationPage:
    """Some of the operations, oldest first. cursor: where the next page begins; None: this was the last."""

    operations: tuple[ListedOperation, ...]
    cursor: str | None


@runtime_checkable
class OperationLister(Protocol):
    """A gateway whose own books can be read: optional. With it, what our database forgot is found again."""

    async def list_operations(
        self, *, since: datetime, payment_id: str | None = None, cursor: str | None = None
    ) -> OperationPage:
        """List the operations that were made or changed since a moment; of one payment if its id is given.

        Raises GatewayUnavailableError.
        """


class CardTokeniser(Protocol):
    """A gateway that exchanges raw test cards for tokens: for test merchants only."""

    async def tokenise(self, card: Card) -> CardToken:
        """Exchange a card. Raises CardRefusedError or GatewayUnavailableError."""
