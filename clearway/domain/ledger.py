"""The ledger: its accounts, and the entries of each movement of money. Pure; the database stores them.

Double entry with signed amounts: a debit is positive, a credit negative, and the entries of one transaction sum to zero
in its currency. Nothing is ever changed or deleted; a mistake is undone by a further transaction.

    capture           gateway receivable  +a    merchant payable     -a    the gateway owes us, we owe the merchant
    refund reserved   merchant payable    +a    refunds in transit   -a    promised to the customer, not yet paid out
    refund processed  refunds in transit  +a    gateway receivable   -a    the gateway has paid it out
    refund failed     refunds in transit  +a    merchant payable     -a    the promise is taken back
    refund reversed   gateway receivable  +a    merchant payable     -a    the gateway has the money back

When a gateway paid out another amount than was promised, the difference goes from transit to the merchant's payable.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from clearway.domain.money import Money


class LedgerKind(StrEnum):
    """The reason of a transaction."""

    CAPTURE = "capture"
    REFUND_RESERVED = "refund_reserved"
    REFUND_PROCESSED = "refund_processed"
    REFUND_FAILED = "refund_failed"
    REFUND_REVERSED = "refund_reversed"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One line: account code and signed minor units (debit positive)."""

    account: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class LedgerTransaction:
    """A balanced set of entries in one currency.

    reference names the movement once and for all (`capture/cap_…`, `refund_reserved/rfnd_…`): the database refuses a
    second transaction with the same reference, so a movement cannot be booked twice.
    """

    kind: LedgerKind
    reference: str
    currency: str
    entries: tuple[LedgerEntry, ...]

    def __post_init__(self) -> None:
        assert len(self.entries) > 1, "a transaction has at least two sides"
        assert sum(entry.amount_minor for entry in self.entries) == 0, "a transaction balances"


def merchant_payable(merchant_id: str) -> str:
    """What we owe a merchant: captured and not refunded."""
    return f"merchant/{merchant_id}/payable"


def refunds_in_transit(merchant_id: str) -> str:
    """What is promised to a merchant's customers and not yet confirmed by a gateway."""
    return f"merchant/{merchant_id}/refunds_in_transit"


def gateway_receivable(gateway: str) -> str:
    """What a gateway holds for us: captured there and not refunded there."""
    return f"gateway/{gateway}/receivable"


def capture(capture_id: str, merchant_id: str, gateway: str, money: Money) -> LedgerTransaction:
    """The gateway took money from the customer."""
    return _move(LedgerKind.CAPTURE, capture_id, money, gateway_receivable(gateway), merchant_payable(merchant_id))


def refund_reserved(refund_id: str, merchant_id: str, money: Money) -> LedgerTransaction:
    """A refund was promised; the money can no longer be refunded a second time."""
    return _move(
        LedgerKind.REFUND_RESERVED, refund_id, money, merchant_payable(merchant_id), refunds_in_transit(merchant_id)
    )


def refund_processed(
    refund_id: str, merchant_id: str, gateway: str, promised: Money, moved: Money
) -> LedgerTransaction:
    """The gateway paid the refund out: `moved`, which is not `promised` only after a review."""
    lines = [
        LedgerEntry(refunds_in_transit(merchant_id), promised.amount_minor),
        LedgerEntry(gateway_receivable(gateway), -moved.amount_minor),
    ]
    difference = moved.amount_minor - promised.amount_minor
    if difference:
        lines.append(LedgerEntry(merchant_payable(merchant_id), difference))
    kind = LedgerKind.REFUND_PROCESSED
    return LedgerTransaction(kind, f"{kind}/{refund_id}", promised.currency, tuple(lines))


def refund_failed(refund_id: str, merchant_id: str, money: Money) -> LedgerTransaction:
    """The refund did not happen; the money is the merchant's again."""
    return _move(
        LedgerKind.REFUND_FAILED, refund_id, money, refunds_in_transit(merchant_id), merchant_payable(merchant_id)
    )


def refund_reversed(refund_id: str, merchant_id: str, gateway: str, money: Money) -> LedgerTransaction:
    """The gateway took back what it had paid out; the money is the merchant's again."""
    return _move(
        LedgerKind.REFUND_REVERSED, refund_id, money, gateway_receivable(gateway), merchant_payable(merchant_id)
    )


def _move(kind: LedgerKind, subject: str, money: Money, debit: str, credit: str) -> LedgerTransaction:
    entries = (LedgerEntry(debit, money.amount_minor), LedgerEntry(credit, -money.amount_minor))
    return LedgerTransaction(kind, f"{kind}/{subject}", money.currency, entries)
