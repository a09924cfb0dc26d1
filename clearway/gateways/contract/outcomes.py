"""The outcome of one operation at a gateway, known or not.

Two questions have two answers. *May the same request be sent again here?* is the kind of the outcome. *May the gateway
have acted?* is `executed`. Only an operation that was surely not executed may be tried at another gateway.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from clearway.domain.attempt import Executed
from clearway.domain.gateway_error import Elsewhere
from clearway.domain.limits import (
    GATEWAY_ERROR_CODE_LENGTH_MAX,
    GATEWAY_IDENTIFIER_LENGTH_MAX,
    GATEWAY_MESSAGE_LENGTH_MAX,
    GATEWAY_REFERENCES_MAX,
    GATEWAY_STATE_LENGTH_MAX,
    MINOR_MAX,
    URL_LENGTH_MAX,
)
from clearway.domain.text import is_storable, storable_or_none
from clearway.gateways.contract.operations import OperationKind

CURRENCY_LENGTH: Final = 3
RETRY_AFTER_S_MAX: Final = 3_600.0
"""No gateway holds a payment up for longer than this between two calls."""
FORM_FIELDS_MAX: Final = 50
FORM_VALUE_LENGTH_MAX: Final = 4_096
REFERENCE_NAME_LENGTH_MAX: Final = 32
_WEB_URL: Final = re.compile(r"https?://[^\s/?#]+\S*")
_UPI_INTENT: Final = re.compile(r"upi://pay\?[!-~]*\bpa=[!-~]+", re.ASCII)


class AnswerUnreadableError(ValueError):
    """A gateway's answer breaks its API: an identifier, amount or URL is invalid.

    As the answer to a call it makes the outcome UNKNOWN, because the gateway may have acted all the same.
    """


class KeyMisusedError(Exception):
    """We sent one idempotency key with two different requests: a programmer error, never the gateway's."""


def decline_code(kind: OperationKind, code: str | None = None) -> str:
    """Return our code of a decline: the most general one of the operation, if the gateway's says no more."""
    general = "refund_failed" if kind is OperationKind.REFUND else "payment_declined"
    return general if code in {None, "payment_declined"} else str(code)


class OutcomeKind(StrEnum):
    """The kind of outcome of one operation."""

    APPROVED = "approved"
    """Done. For an authorisation, `captured` tells whether the money was taken at once."""
    DECLINED = "declined"
    """Refused, for good. `error_code` is one of `clearway.domain.errors.DECLINE_CODES`."""
    NEEDS_ACTION = "needs_action"
    """The customer must do what `action` says (3-D Secure, bank page) before the gateway goes on."""
    PENDING = "pending"
    """Accepted and under way at the gateway; an event or `recover` gives the outcome."""
    PREPARED = "prepared"
    """No money can have moved yet. From `prepare`: its references are recorded before the operation is sent. From
    `recover`: the customer has done their part on the gateway's page; send `authorise` again, with the same key."""
    RETRYABLE = "retryable"
    """The same request with the same key may, and must, be sent again after `retry_after_s`."""
    UNKNOWN = "unknown"
    """May or may not have been executed, or the question was not answered: ask (again) after `retry_after_s`."""
    NOT_FOUND = "not_found"
    """Only from `recover`: the gateway knows no such operation."""


USUALLY: Final[Mapping[OutcomeKind, Executed]] = MappingProxyType(
    {
        OutcomeKind.APPROVED: Executed.YES,
        OutcomeKind.DECLINED: Executed.YES,
        OutcomeKind.NEEDS_ACTION: Executed.YES,
        OutcomeKind.PENDING: Executed.YES,
        OutcomeKind.PREPARED: Executed.NO,
        OutcomeKind.RETRYABLE: Executed.NO,
        OutcomeKind.UNKNOWN: Executed.MAYBE,
        OutcomeKind.NOT_FOUND: Executed.NO,
    }
)
"""What `executed` is when a connector says nothing about it."""


class ActionKind(StrEnum):
    """How the customer gets to the gateway's page, or to their UPI app."""

    REDIRECT = "redirect"
    FORM_POST = "form_post"
    UPI_INTENT = "upi_intent"


@dataclass(frozen=True, slots=True)
class Action:
    """What the customer must do next: open `url` in a browser, post `fields` to it, or pay by this UPI intent.

    A UPI intent is the gateway's own `upi://pay?pa=…` link: nobody else may write the payee into it.
    expires_at: when it is no longer of use. The gateway says the outcome, not the app.
    sealed: in messages to and from workflows, a form is encrypted here, and `url` is a page of Clearway that posts it.

    Raises AnswerUnreadableError for a URL that no browser should be sent to.
    """

    kind: ActionKind
    url: str = field(repr=False)
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    sealed: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        form, named = (_UPI_INTENT, "a UPI intent") if self.is_upi else (_WEB_URL, "an http or https URL")
        if not (is_storable(self.url, URL_LENGTH_MAX) and form.fullmatch(self.url)):
            raise AnswerUnreadableError(f"the URL for the customer is not {named}")
        texts = [*self.fields, *self.fields.values()]
        if len(self.fields) > FORM_FIELDS_MAX or not all(_is_form_text(text) for text in texts):
            raise AnswerUnreadableError("the form for the customer cannot be used")

    @classmethod
    def redirect(cls, url: str) -> Action:
        """Send the customer to a page."""
        return cls(ActionKind.REDIRECT, url)

    @classmethod
    def form_post(cls, url: str, fields: Mapping[str, str]) -> Action:
        """Have the customer's browser post a form, as pages of some banks want it."""
        return cls(ActionKind.FORM_POST, url, fields)

    @classmethod
    def upi_intent(cls, url: str, expires_at: datetime | None = None) -> Action:
        """Have the customer pay by a UPI app."""
        return cls(ActionKind.UPI_INTENT, url, expires_at=expires_at)

    @property
    def is_upi(self) -> bool:
        """Whether a UPI app, and not a browser, is what the customer needs."""
        return self.kind is ActionKind.UPI_INTENT


@dataclass(frozen=True, slots=True)
class GatewayOutcome:
    """One gateway answer about one operation (an authorisation, capture, void or refund).

    executed: None becomes the default of the kind (`USUALLY`).
    references: the gateway's ids by name, that of the operation itself first. They are added to those that are
    recorded. state: the connector's own text, kept and given back; None leaves what is kept as it is.
    amount_minor and currency are what the gateway says it moved or reserved; the workflow compares them with the
    request and lets a person review a difference. error_code: unified. raw_code, network_code: in the gateway's and in
    the card network's own words. advice_code: a network's advice beside its code, such as `03`.

    elsewhere, worth_again_s, never_again: what the error table says of a failure (`clearway.gateways.errors.judging`).
    May another gateway be tried? After how many seconds is the same instrument worth another try (None: it is not)?
    Must the card never be tried again? limited: it was not sent, or the gateway had too many requests; it is sent after
    `retry_after_s`. poll_intervals_s: how long to wait before each poll, where the gateway has intervals of its own.
    Connectors leave them out.

    The constructor validates foreign text: messages are made storable, and an identifier, amount or URL that cannot be
    used as it is raises AnswerUnreadableError. So no connector can forget it.
    """

    kind: OutcomeKind
    executed: Executed | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    state: str | None = field(default=None, repr=False)
    amount_minor: int | None = None
    currency: str | None = None
    captured: bool = False
    error_code: str | None = None
    error_description: str | None = None
    raw_code: str | None = None
    network_code: str | None = None
    advice_code: str | None = None
    action: Action | None = None
    retry_after_s: float | None = None
    elsewhere: Elsewhere = Elsewhere.NO
    worth_again_s: int | None = None
    never_again: bool = False
    limited: bool = False
    poll_intervals_s: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        self._check_identifiers()
        self._check_amount()
        if self.executed is None:
            self._mend("executed", USUALLY[self.kind])
        for name in ("error_code", "raw_code", "network_code", "advice_code"):
            self._mend(name, storable_or_none(getattr(self, name), GATEWAY_ERROR_CODE_LENGTH_MAX))
        self._mend("error_description", storable_or_none(self.error_description, GATEWAY_MESSAGE_LENGTH_MAX))
        self._mend("retry_after_s", _usable_wait_s(self.retry_after_s))

    @property
    def reference(self) -> str | None:
        """The gateway's id of the operation itself: its first reference."""
        return next(iter(self.references.values()), None)

    def _check_identifiers(self) -> None:
        if len(self.references) > GATEWAY_REFERENCES_MAX:
            raise AnswerUnreadableError("these are more references than an operation has")
        for name, value in self.references.items():
            named = is_storable(name, REFERENCE_NAME_LENGTH_MAX)
            if not (named and is_storable(value, GATEWAY_IDENTIFIER_LENGTH_MAX)):
                raise AnswerUnreadableError("a reference is not a usable identifier")
        if self.state is not None and not is_storable(self.state, GATEWAY_STATE_LENGTH_MAX):
            raise AnswerUnreadableError("the state is not a text that can be kept")
        if self.currency is not None and not is_storable(self.currency, CURRENCY_LENGTH):
            raise AnswerUnreadableError("the currency is not a currency code")

    def _check_amount(self) -> None:
        amount = self.amount_minor
        if amount is not None and not (type(amount) is int and 0 <= amount <= MINOR_MAX):
            raise AnswerUnreadableError("the amount is not a number of minor units")
        if type(self.captured) is not bool:
            raise AnswerUnreadableError("it is not clear whether the money was taken")

    def _mend(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # the class is frozen


def _is_form_text(text: object) -> bool:
    return text == "" or is_storable(text, FORM_VALUE_LENGTH_MAX)


def _usable_wait_s(value: object) -> float | None:
    """Return a wait that a timer can be set to, or None."""
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return min(float(value), RETRY_AFTER_S_MAX)


UNKNOWN: Final = GatewayOutcome(OutcomeKind.UNKNOWN)
UNANSWERED: Final = frozenset({OutcomeKind.UNKNOWN, OutcomeKind.RETRYABLE})
"""Outcomes that say nothing of the operation: the gateway is asked again."""


def required_text(thing: Mapping[str, Any], name: str) -> str:
    """Return a text that an answer must have. Raises AnswerUnreadableError."""
    value = thing.get(name)
    if not isinstance(value, str) or not value:
        raise AnswerUnreadableError(f"{name} is missing")
    return value
