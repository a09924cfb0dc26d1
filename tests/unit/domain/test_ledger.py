"""The books: every transaction balances, and each movement has one name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.domain import ledger
from clearway.domain.ledger import LedgerEntry, LedgerKind, LedgerTransaction
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
    assert {transaction.kind for transaction in _all(Money(1, "INR"))} == set(LedgerKind)


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
