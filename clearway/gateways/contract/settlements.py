"""What a gateway says about settled money: balance rows (gross, fee, net, exchange rate) and payouts. Optional.

A balance row moves the balance that the gateway holds for the merchant, in the currency of that balance. Amounts are
signed: what the merchant gets is positive. Rows are append-only at the gateway; each has an id that is unique there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol, runtime_checkable

from clearway.domain.limits import GATEWAY_IDENTIFIER_LENGTH_MAX, GATEWAY_MESSAGE_LENGTH_MAX, SETTLED_MINOR_MAX
from clearway.domain.money import CurrencyUnknownError, exponent
from clearway.domain.settlement import BalanceKind, PayoutStatus
from clearway.domain.text import is_storable, storable
from clearway.gateways.contract.outcomes import AnswerUnreadableError

RATE_MAX: Final = Decimal(10) ** 9


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """One movement of the balance at the gateway.

    gross_minor = net_minor + fee_minor; a fee that the gateway keeps is positive.
    source: the gateway's id of the operation (a capture, charge or refund). payment_reference: its id of the payment.
    key: our operation key. payment_id: our payment id, where only that comes back.
    customer_minor, customer_currency: the same movement in the currency of the customer, when another one settles.
    exchange_rate: settled units for one unit of the customer's currency. available_at: when it can be paid out.

    Raises AnswerUnreadableError for what cannot be used.
    """

    id: str
    kind: BalanceKind
    currency: str
    gross_minor: int
    fee_minor: int
    created_at: datetime
    available_at: datetime | None = None
    source: str | None = None
    payment_reference: str | None = None
    key: str | None = None
    payment_id: str | None = None
    customer_minor: int | None = None
    customer_currency: str | None = None
    exchange_rate: Decimal | None = None

    def __post_init__(self) -> None:
        _check_text(self.id, "the row's id")
        for name in ("source", "payment_reference", "key", "payment_id"):
            if getattr(self, name) is not None:
                _check_text(getattr(self, name), name)
        _check_money(self.gross_minor, self.currency)
        _check_money(self.fee_minor, self.currency)
        if (self.customer_minor is None) != (self.customer_currency is None):
            raise AnswerUnreadableError("the customer's amount or its currency is missing")
        if self.customer_minor is not None and self.customer_currency is not None:
            _check_money(self.customer_minor, self.customer_currency)
        if self.exchange_rate is not None and not 0 < self.exchange_rate < RATE_MAX:
            raise AnswerUnreadableError("the exchange rate is not a rate")
        for moment in (self.created_at, self.available_at):
            _check_moment(moment)

    @property
    def net_minor(self) -> int:
        """By how much the balance moves."""
        return self.gross_minor - self.fee_minor


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row that could not be read. id: the gateway's, or its place in the page."""

    id: str
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", storable(self.id, GATEWAY_IDENTIFIER_LENGTH_MAX))
        object.__setattr__(self, "reason", storable(self.reason, GATEWAY_MESSAGE_LENGTH_MAX))


@dataclass(frozen=True, slots=True)
class BalancePage:
    """Some of the rows. cursor: where the next page begins; None: this was the last."""

    rows: tuple[BalanceRow, ...]
    cursor: str | None
    unreadable: tuple[UnreadableRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Payout:
    """A transfer to the merchant's bank account. bank_reference: the text by which the bank line names it."""

    id: str
    amount_minor: int
    currency: str
    status: PayoutStatus
    created_at: datetime
    arrives_at: datetime | None = None
    bank_reference: str | None = None

    def __post_init__(self) -> None:
        _check_text(self.id, "the payout's id")
        if self.bank_reference is not None:
            _check_text(self.bank_reference, "the bank's reference")
        _check_money(self.amount_minor, self.currency)
        for moment in (self.created_at, self.arrives_at):
            _check_moment(moment)


@dataclass(frozen=True, slots=True)
class PayoutPage:
    """Some of the payouts. cursor: where the next page begins; None: this was the last."""

    payouts: tuple[Payout, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class PayoutRows:
    """Some of the ids of the rows that a payout pays. cursor: where the next page begins; None: this was the last."""

    row_ids: tuple[str, ...] = field(default=())
    cursor: str | None = None


@runtime_checkable
class BalanceLister(Protocol):
    """A gateway whose balance rows can be listed."""

    async def list_balance_rows(self, *, since: datetime, until: datetime, cursor: str | None = None) -> BalancePage:
        """List the rows created in [since, until). Raises GatewayUnavailableError."""


@runtime_checkable
class PayoutLister(Protocol):
    """A gateway whose payouts can be listed, each with its rows."""

    async def list_payouts(self, *, since: datetime, until: datetime, cursor: str | None = None) -> PayoutPage:
        """List the payouts created in [since, until). Raises GatewayUnavailableError."""

    async def list_payout_rows(self, payout_id: str, *, cursor: str | None = None) -> PayoutRows:
        """List the ids of the rows that a payout pays. Raises GatewayUnavailableError."""


def _check_text(text: object, what: str) -> None:
    if not is_storable(text, GATEWAY_IDENTIFIER_LENGTH_MAX):
        raise AnswerUnreadableError(f"{what} is not a usable text")


def _check_money(minor: object, currency: str) -> None:
    if type(minor) is not int or not -SETTLED_MINOR_MAX <= minor <= SETTLED_MINOR_MAX:
        raise AnswerUnreadableError("an amount is not a number of minor units")
    try:
        exponent(currency)
    except CurrencyUnknownError as error:
        raise AnswerUnreadableError(str(error)) from None


def _check_moment(moment: datetime | None) -> None:
    if moment is not None and moment.tzinfo is None:
        raise AnswerUnreadableError("a moment has no time zone")
