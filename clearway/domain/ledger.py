"""The ledger: its accounts, and the entries of each movement of money. Pure; the database stores them.

Double entry with signed amounts: a debit is positive, a credit negative, and the entries of one transaction sum to zero
in its currency. Nothing is ever changed or deleted; a mistake is undone by a further transaction.

    capture           gateway receivable  +a    merchant payable     -a    the gateway owes us, we owe the merchant
    refund reserved   merchant payable    +a    refunds in transit   -a    promised to the customer, not yet paid out
    refund processed  refunds in transit  +a    gateway receivable   -a    the gateway has paid it out
    refund failed     refunds in transit  +a    merchant payable     -a    the promise is taken back
    refund reversed   gateway receivable  +a    merchant payable     -a    the gateway has the money back

A payment by quote is captured and refunded in the customer's currency as above. Beside each of these movements the
merchant's payable is moved to the order's currency, by two transactions, each balanced in its own currency:

    fx, presentment   merchant payable    +p    fx position          -x    and what the gateways' step added or took:
                                                fx rounding          -(p - x)
    fx, settlement    fx position         +s    merchant payable     -s

When a gateway paid out another amount than was promised, the difference goes from transit to the merchant's payable.

What a gateway settles is booked row by row (`settled`). In the currency of its balance:

    row of a capture   settlement           +net  fees +fee  gateway receivable  -gross  what the gateway owed is there
    row of a refund    settlement           -net             gateway receivable  +gross
    row without match  settlement           +net  fees +fee  unmatched           -gross  to receivable once matched
    dispute, reversal  settlement           -net  fees +fee  disputes            +gross
    fee                settlement           -net  fees +fee
    payout             payouts in transit   +a               settlement          -a      on its way to the bank
    bank line          bank                 +a               payouts in transit  -a      it has arrived

When the customer paid in another currency, receivable moves in that currency and settlement in the balance's; the
account `fx` holds both sides, so that each transaction balances in its own currency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    SETTLED = "settled"
    """A balance row of a gateway."""
    CONVERTED = "converted"
    """The customer's side of a balance row in another currency."""
    MATCHED = "matched"
    """A row that was booked as unmatched belongs to a payment after all."""
    PAID_IN = "paid_in"
    """A payout arrived at the bank."""
    WRITTEN_OFF = "written_off"
    """A person gave up a difference that reconciliation found."""
    FX_CAPTURE = "fx_capture"
    FX_REFUND = "fx_refund"


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


class GatewayAccount(StrEnum):
    """The accounts of one gateway configuration."""

    RECEIVABLE = "receivable"
    """What the gateway holds for us and has not settled: captured there and not refunded there."""
    SETTLEMENT = "settlement"
    """The balance at the gateway, as its rows make it."""
    FEES = "fees"
    FX = "fx"
    UNMATCHED = "unmatched"
    """Settled money of no payment that we know."""
    DISPUTES = "disputes"
    ADJUSTMENTS = "adjustments"
    PAYOUTS_IN_TRANSIT = "payouts_in_transit"
    BANK = "bank"
    WRITTEN_OFF = "written_off"


def gateway_account(gateway_id: str, account: GatewayAccount) -> str:
    """Return the code of an account of a gateway configuration."""
    return f"gateway/{gateway_id}/{account}"


def gateway_receivable(gateway_id: str) -> str:
    """What a gateway holds for us: captured there and not refunded there, less what it has settled."""
    return gateway_account(gateway_id, GatewayAccount.RECEIVABLE)


def fx_position(merchant_id: str) -> str:
    """What was exchanged for a merchant, in each currency."""
    return f"merchant/{merchant_id}/fx_position"


def fx_rounding(merchant_id: str) -> str:
    """The differences between exact conversions and amounts that gateways can express."""
    return f"merchant/{merchant_id}/fx_rounding"


def capture(capture_id: str, merchant_id: str, gateway_id: str, money: Money) -> LedgerTransaction:
    """The gateway took money from the customer."""
    return _move(LedgerKind.CAPTURE, capture_id, money, gateway_receivable(gateway_id), merchant_payable(merchant_id))


def refund_reserved(refund_id: str, merchant_id: str, money: Money) -> LedgerTransaction:
    """A refund was promised; the money can no longer be refunded a second time."""
    return _move(
        LedgerKind.REFUND_RESERVED, refund_id, money, merchant_payable(merchant_id), refunds_in_transit(merchant_id)
    )


def refund_processed(
    refund_id: str, merchant_id: str, gateway_id: str, promised: Money, moved: Money
) -> LedgerTransaction:
    """The gateway paid the refund out: `moved`, which is not `promised` only after a review."""
    lines = [
        LedgerEntry(refunds_in_transit(merchant_id), promised.amount_minor),
        LedgerEntry(gateway_receivable(gateway_id), -moved.amount_minor),
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


def refund_reversed(refund_id: str, merchant_id: str, gateway_id: str, money: Money) -> LedgerTransaction:
    """The gateway took back what it had paid out; the money is the merchant's again."""
    return _move(
        LedgerKind.REFUND_REVERSED, refund_id, money, gateway_receivable(gateway_id), merchant_payable(merchant_id)
    )


@dataclass(frozen=True, slots=True)
class SettledAmounts:
    """The signed amounts of a balance row. customer: the same movement in another currency, if that one settles."""

    currency: str
    gross_minor: int
    fee_minor: int
    customer_minor: int | None = None
    customer_currency: str | None = None

    @property
    def is_converted(self) -> bool:
        """Whether the customer paid in another currency."""
        return self.customer_currency is not None and self.customer_currency != self.currency

    @property
    def moved(self) -> tuple[int, str]:
        """The gross amount in the currency of the customer."""
        if self.is_converted and self.customer_minor is not None and self.customer_currency is not None:
            return self.customer_minor, self.customer_currency
        return self.gross_minor, self.currency


def settled(gateway_id: str, row_id: str, amounts: SettledAmounts, against: GatewayAccount) -> list[LedgerTransaction]:
    """Book a balance row. against: the account that its gross amount leaves."""
    reference = f"{gateway_id}/{row_id}"
    if not amounts.is_converted:
        lines = _settled_lines(gateway_id, amounts, against)
        return _transaction(LedgerKind.SETTLED, reference, amounts.currency, lines)
    assert amounts.customer_currency is not None
    assert amounts.customer_minor is not None
    customer = {against: -amounts.customer_minor, GatewayAccount.FX: amounts.customer_minor}
    return [
        *_transaction(LedgerKind.CONVERTED, reference, amounts.customer_currency, _named(gateway_id, customer)),
        *_transaction(
            LedgerKind.SETTLED, reference, amounts.currency, _settled_lines(gateway_id, amounts, GatewayAccount.FX)
        ),
    ]


def matched(gateway_id: str, row_id: str, amount_minor: int, currency: str) -> list[LedgerTransaction]:
    """Move a row that was booked as unmatched to the receivable it settles. amount_minor: its signed gross."""
    moved = {GatewayAccount.UNMATCHED: amount_minor, GatewayAccount.RECEIVABLE: -amount_minor}
    return _transaction(LedgerKind.MATCHED, f"{gateway_id}/{row_id}", currency, _named(gateway_id, moved))


def paid_in(gateway_id: str, line_id: str, amount_minor: int, currency: str) -> list[LedgerTransaction]:
    """Book a bank line that is a payout."""
    moved = {GatewayAccount.BANK: amount_minor, GatewayAccount.PAYOUTS_IN_TRANSIT: -amount_minor}
    return _transaction(LedgerKind.PAID_IN, f"{gateway_id}/{line_id}", currency, _named(gateway_id, moved))


def written_off(
    gateway_id: str, item_id: str, amount_minor: int, currency: str, against: GatewayAccount
) -> list[LedgerTransaction]:
    """Give up a difference. amount_minor: signed, as it stands on the account `against`."""
    moved = {GatewayAccount.WRITTEN_OFF: amount_minor, against: -amount_minor}
    return _transaction(LedgerKind.WRITTEN_OFF, item_id, currency, _named(gateway_id, moved))


def _settled_lines(gateway_id: str, amounts: SettledAmounts, against: GatewayAccount) -> list[LedgerEntry]:
    net_minor = amounts.gross_minor - amounts.fee_minor
    if against is GatewayAccount.FEES:  # a fee of its own: gross is the fee, negative
        moved = {GatewayAccount.SETTLEMENT: net_minor, GatewayAccount.FEES: -net_minor}
    else:
        moved = {
            GatewayAccount.SETTLEMENT: net_minor,
            GatewayAccount.FEES: amounts.fee_minor,
            against: -amounts.gross_minor,
        }
    return _named(gateway_id, moved)


def _named(gateway_id: str, moved: Mapping[GatewayAccount, int]) -> list[LedgerEntry]:
    return [LedgerEntry(gateway_account(gateway_id, account), amount) for account, amount in moved.items() if amount]


def _transaction(
    kind: LedgerKind, subject: str, currency: str, lines: Sequence[LedgerEntry]
) -> list[LedgerTransaction]:
    """Return the transaction; none when nothing moves."""
    return [LedgerTransaction(kind, f"{kind}/{subject}", currency, tuple(lines))] if lines else []


def _move(kind: LedgerKind, subject: str, money: Money, debit: str, credit: str) -> LedgerTransaction:
    entries = (LedgerEntry(debit, money.amount_minor), LedgerEntry(credit, -money.amount_minor))
    return LedgerTransaction(kind, f"{kind}/{subject}", money.currency, entries)
