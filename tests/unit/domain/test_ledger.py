"""The books: every transaction balances, and each movement has one name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.domain import ledger
from clearway.domain.exchange import Settlement
from clearway.domain.ledger import GatewayAccount, LedgerEntry, LedgerKind, LedgerTransaction
from clearway.domain.limits import AMOUNT_MINOR_MAX
from clearway.domain.money import Money

moneys = st.builds(Money, st.integers(1, AMOUNT_MINOR_MAX), st.sampled_from(["INR", "USD", "JPY", "KWD"]))


def _all(money: Money) -> list[LedgerTransaction]:
    return [
        ledger.capture("cap_1", "mer_1", "simulator", money),
        ledger.refund_reserved("rfnd_1", "mer_1", money),
        ledger.refund_processed("rfnd_1", "mer_1", "simulator", money, money),
        ledger.refund_failed("rfnd_1", "mer_1", money),
        ledger.refund_reversed("rfnd_1", "mer_1", "simulator", money),
    ]


def _settling(gross: int, fee: int) -> list[LedgerTransaction]:
    """Return the transactions of a balance row in another currency, and of what may follow."""
    amounts = ledger.SettledAmounts("USD", gross, fee, customer_minor=gross * 2, customer_currency="EUR")
    return [
        *ledger.settled("gw_1", "row_1", amounts, GatewayAccount.RECEIVABLE),
        *ledger.matched("gw_1", "row_1", gross, "USD"),
        *ledger.paid_in("gw_1", "line_1", gross, "USD"),
        *ledger.written_off("gw_1", "rci_1", gross, "USD", GatewayAccount.RECEIVABLE),
    ]


@given(moneys)
def test_every_transaction_balances(money: Money) -> None:
    """Debits equal credits, in the currency of the movement and of its amount."""
    for transaction in _all(money):
        amounts = [entry.amount_minor for entry in transaction.entries]
        assert sum(amounts) == 0
        assert sorted(amounts) == [-money.amount_minor, money.amount_minor]
        assert transaction.currency == money.currency


def test_every_kind_of_movement_is_booked() -> None:
    """There is a transaction for each kind."""
    by_quote = Settlement("mer_1", 100, "JPY", 100, 1, "USD")
    made = [*_all(Money(1, "INR")), *_settling(100, 3)]
    made += [*by_quote.captured("cap_1", 0, 100), *by_quote.refunded("rfnd_1/1", 100, 1)]
    assert {transaction.kind for transaction in made} == set(LedgerKind)


@given(st.integers(-(10**12), 10**12).filter(bool), st.integers(-(10**6), 10**6))
def test_every_settled_row_balances(gross: int, fee: int) -> None:
    """Each transaction of a balance row sums to zero in its own currency, whatever the signs are."""
    for against in set(GatewayAccount) - {GatewayAccount.SETTLEMENT, GatewayAccount.FX}:
        for currency in ("USD", "EUR"):
            amounts = ledger.SettledAmounts("USD", gross, fee, gross * 3, currency)
            for transaction in ledger.settled("gw_1", "row_1", amounts, against):
                assert sum(entry.amount_minor for entry in transaction.entries) == 0


def test_a_movement_has_one_name() -> None:
    """The reference names the kind and the subject, so the database can refuse to book a movement twice."""
    assert [transaction.reference for transaction in _all(Money(1, "INR"))] == [
        "capture/cap_1",
        "refund_reserved/rfnd_1",
        "refund_processed/rfnd_1",
        "refund_failed/rfnd_1",
        "refund_reversed/rfnd_1",
    ]


@pytest.mark.parametrize("amounts", [(), (0,), (100,), (100, -99), (100, 100)])
def test_what_does_not_balance_is_not_made(amounts: tuple[int, ...]) -> None:
    """A transaction without two sides, or whose sides differ, is a programmer's error."""
    entries = tuple(LedgerEntry(f"account/{number}", amount) for number, amount in enumerate(amounts))
    with pytest.raises(AssertionError):
        LedgerTransaction(LedgerKind.CAPTURE, "capture/cap_1", "INR", entries)


@given(moneys)
def test_a_refund_undoes_its_capture(money: Money) -> None:
    """Capture, reservation and processing leave every account at zero; so does a refund that failed or came back."""
    capture, reserved, processed, failed, came_back = _all(money)
    for movements in ([capture, reserved, processed], [reserved, failed], [reserved, processed, came_back]):
        balances: dict[str, int] = {}
        for entry in (entry for movement in movements for entry in movement.entries):
            balances[entry.account] = balances.get(entry.account, 0) + entry.amount_minor
        assert set(balances.values()) == {0}
