"""What a connector declares: how it finds out an outcome, when an unpaid attempt is over, its capabilities.

Each connector has one `Abilities`. The suite `tests/services/gateways/conformance/` tests what it declares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from clearway.domain.money import Money
from clearway.domain.payment import CaptureMethod, PaymentMethod, UpiFlow
from clearway.gateways.contract.operations import OperationKind


class FindsOut(StrEnum):
    """How a connector finds out the outcome of an operation for `recover`."""

    BY_REFERENCE = "by_reference"
    """By the gateway's id, which is recorded before money can move."""
    BY_OUR_ID = "by_our_id"
    """By our key or payment id, which the gateway knows the operation by."""
    BY_SCAN = "by_scan"
    """By a list that lags some seconds behind."""
    BY_REPLAY = "by_replay"
    """Only by sending the same request with the same key again, while the gateway remembers the key."""
    NEVER = "never"
    """Not at all: only a gateway event gives the outcome."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How the outcome of an operation is found out.

    lag_s: NOT_FOUND is believed only when the operation was last sent at least this long ago; 0: at once.
    key_life_s: how long the gateway remembers an idempotency key after the first request with it. BY_REPLAY needs it:
    later, a repeat would be a second operation.
    """

    by: FindsOut
    lag_s: float = 0.0
    key_life_s: float | None = None

    def __post_init__(self) -> None:
        assert self.lag_s >= 0, "a lag is not negative"
        assert self.by is not FindsOut.BY_REPLAY or self.key_life_s, "a replay is safe only while the key lives"
        assert self.by is not FindsOut.BY_SCAN or self.lag_s > 0, "a list that is scanned is behind"


class Closes(StrEnum):
    """When an attempt that was cancelled or declined can no longer succeed."""

    AT_ONCE = "at_once"
    AFTER = "after"
    """By itself, after `door_open_s`."""
    NEVER = "never"
    """The customer may still pay at any time, on a page that they have open."""


INTENT_CURRENCY: Final = "INR"
_UPI_REFUSALS: Final = {
    UpiFlow.INTENT: "it gives no UPI intent in this currency; send the customer's UPI ID in `vpa`",
    UpiFlow.COLLECT: "it does not collect by a UPI ID; leave `vpa` out, and show the customer its intent",
}


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a gateway can express. currencies None: every one. minimum_minor, maximum_minor, step_minor: by currency.

    step_minor: amounts are multiples of it, such as 100 for a currency that the gateway takes without minor units.
    Where the maps have no entry there is no bound. refund: by API at all. refund_of_payment: one refund may be of
    several captures; False: each refund is of one capture, whose references it is sent with.
    upi_intent, upi_collect: how it takes UPI (`UpiFlow`); a kind with `upi` among its methods has one of them, or both.
    """

    methods: frozenset[PaymentMethod]
    currencies: frozenset[str] | None = None
    minimum_minor: Mapping[str, int] = field(default_factory=dict)
    maximum_minor: Mapping[str, int] = field(default_factory=dict)
    step_minor: Mapping[str, int] = field(default_factory=dict)
    manual_capture: bool = True
    partial_capture: bool = True
    repeated_capture: bool = True
    refund: bool = True
    partial_refund: bool = True
    refund_of_payment: bool = True
    void: bool = True
    upi_intent: bool = False
    upi_collect: bool = False

    def upi_in(self, currency: str) -> tuple[UpiFlow, ...]:
        """Return how it takes UPI in this currency, the way that shops may use first."""
        flows = {UpiFlow.INTENT: self.upi_intent and currency == INTENT_CURRENCY, UpiFlow.COLLECT: self.upi_collect}
        return tuple(flow for flow, has in flows.items() if has and PaymentMethod.UPI in self.methods)

    def refusal(
        self, method: PaymentMethod, money: Money, capture_method: CaptureMethod, upi: UpiFlow | None = None
    ) -> str | None:
        """Return why the gateway cannot take such a payment, or None. Called before anything is sent.

        upi: of a UPI payment; None: it is not known yet.
        """
        if method not in self.methods:
            return f"it does not take {method.value} payments"
        if upi is not None and upi not in self.upi_in(money.currency):
            return _UPI_REFUSALS[upi]
        if capture_method is CaptureMethod.MANUAL and not self.manual_capture:
            return "it takes the money at once, and manual capture was asked for"
        return self._amount_refusal(money)

    def _amount_refusal(self, money: Money) -> str | None:
        currency, amount = money.currency, money.amount_minor
        if self.currencies is not None and currency not in self.currencies:
            return f"it does not take {currency}"
        if amount < self.minimum_minor.get(currency, 0):
            return f"it takes at least {Money(self.minimum_minor[currency], currency)}"
        if amount > self.maximum_minor.get(currency, amount):
            return f"it takes at most {Money(self.maximum_minor[currency], currency)}"
        if amount % self.step_minor.get(currency, 1):
            return f"it takes only multiples of {Money(self.step_minor[currency], currency)}"
        return None


@dataclass(frozen=True, slots=True)
class Lists:
    """What a connector lists for reconciliation, each with its lag: how many seconds a new entry may be missing.

    None: it does not list them (`OperationLister`, `BalanceLister`, `PayoutLister`).
    """

    operations_lag_s: float | None = None
    balance_lag_s: float | None = None
    payouts_lag_s: float | None = None

    def __post_init__(self) -> None:
        lags = (self.operations_lag_s, self.balance_lag_s, self.payouts_lag_s)
        assert all(lag is None or lag >= 0 for lag in lags), "a lag is not negative"


@dataclass(frozen=True, slots=True)
class Abilities:
    """All that a connector declares. finds: for every kind of operation that `finds_otherwise` does not name.

    closes, door_open_s: when an unpaid attempt can no longer succeed. Its methods show whether a connector has a first
    step without effect, and whether it can abort (`Preparing`, `Aborting`). lists: what reconciliation can compare.
    finds_lost: with a first step, whether `recover` finds an authorisation by its key when the reference is lost.
    """

    finds: Finding
    capabilities: Capabilities
    finds_otherwise: Mapping[OperationKind, Finding] = field(default_factory=dict)
    closes: Closes = Closes.NEVER
    door_open_s: float | None = None
    lists: Lists = field(default_factory=Lists)
    finds_lost: bool = False

    def __post_init__(self) -> None:
        assert (self.closes is Closes.AFTER) == (self.door_open_s is not None), "say when a door closes by itself"

    def finding(self, kind: OperationKind) -> Finding:
        """Return how the outcome of this kind of operation is found out."""
        return self.finds_otherwise.get(kind, self.finds)


ALL_METHODS: Final = frozenset(PaymentMethod)
