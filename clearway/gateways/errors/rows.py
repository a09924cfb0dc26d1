"""The rows of the error table. A row that contradicts itself cannot be made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from clearway.domain.errors import DECLINE_CODES
from clearway.domain.gateway_error import Cause, Elsewhere
from clearway.gateways.contract import Executed, OutcomeKind

ANY: Final = "any"
"""The operation of a row that holds for all of them."""
OPERATIONS: Final = frozenset({ANY, "prepare", "authorise", "capture", "void", "refund"})


@dataclass(frozen=True, slots=True)
class UnifiedCode:
    """The meaning of a decline code, unless the gateway's row says otherwise.

    merchant_text and customer_text: what happened, what it means for the money, what to do next. The customer's never
    names a reason that only the merchant may know (lost, stolen, fraud). wait_s: before the same card is worth a try.
    """

    decline_code: str
    cause: Cause
    elsewhere: Elsewhere
    wait_s: int | None
    merchant_text: str
    customer_text: str


@dataclass(frozen=True, slots=True)
class NetworkCode:
    """What a card network's own code adds: `visa:51`, `mastercard:83`, `amex:100`, or `advice:03` of any network.

    never_again: the network charges a fee for another try of the card.
    """

    network_code: str
    elsewhere: Elsewhere
    wait_s: int | None
    meaning: str
    never_again: bool = False


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """What one error of one kind of gateway means.

    decline_code: the unified code; None: the error does not say how the operation ended, so the gateway is asked.
    executed: whether the gateway may have acted. again: the same request may be sent here again with the same key.
    elsewhere: whether another gateway may be tried. wait_s: how long to wait before a repeat, if the error says so.
    known: the table has a row. An error without a row is never a decline.
    """

    gateway: str
    operation: str
    code: str
    network_code: str
    decline_code: str | None
    executed: Executed
    again: bool
    cause: Cause
    elsewhere: Elsewhere
    wait_s: int | None
    merchant_text: str
    customer_text: str | None
    known: bool = True

    def __post_init__(self) -> None:
        where = f"{self.gateway} {self.operation} {self.code} {self.network_code}".rstrip()
        assert self.operation in OPERATIONS, f"{where}: there is no operation {self.operation}"
        assert self.decline_code is None or self.decline_code in DECLINE_CODES, f"{where}: {self.decline_code}"
        doubtful = self.executed is Executed.MAYBE
        assert doubtful == (self.decline_code is None), f"{where}: in doubt there is no decline code, else there is"
        assert not (doubtful and self.elsewhere is not Elsewhere.NO), f"{where}: in doubt nobody else may be tried"
        assert not (self.again and self.executed is Executed.YES), f"{where}: what is decided is not sent again"
        assert self.merchant_text, f"{where}: the merchant is owed a text"

    @property
    def outcome(self) -> OutcomeKind:
        """The kind of outcome that the error is."""
        if self.executed is Executed.MAYBE:
            return OutcomeKind.UNKNOWN
        return OutcomeKind.RETRYABLE if self.again else OutcomeKind.DECLINED
