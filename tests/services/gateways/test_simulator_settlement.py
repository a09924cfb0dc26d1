"""The settlement of the simulator: balance rows with fees and rates, payouts, and the fault of each exception."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from time_machine import Traveller

from clearway.domain.settlement import BalanceKind, PayoutStatus
from clearway.gateways.contract import BalanceLister, BalanceRow, PayoutLister
from clearway.gateways.simulator import client
from tests.services.gateways.asking import MANUAL, follow_up, order
from tests.services.gateways.listing import all_operations
from tests.services.gateways.running import LONG_S, Simulator, running_simulator

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LATER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
async def bank_server(tmp_path_factory) -> AsyncIterator[Simulator]:
    """Run a simulator that lists rows at once, pays out every second and settles EUR in USD."""
    settling = {
        "simulator_settlement_lag_s": 0,
        "simulator_payout_every_s": 1,
        "simulator_settlement_currency": "USD",
        "simulator_exchange_rates": {"EUR": Decimal("1.08")},
    }
    async with running_simulator(tmp_path_factory.mktemp("bank") / "sim.sqlite3", **settling) as running:
        yield running


@pytest.fixture
async def bank(bank_server: Simulator) -> AsyncIterator[Simulator]:
    """Use it without fault rules."""
    yield bank_server
    await bank_server.http.delete("/faults")


async def rows_of(simulator: Simulator, payment_id: str) -> list[BalanceRow]:
    """Return the rows of a payment."""
    page = await simulator.gateway.list_balance_rows(since=LONG_AGO, until=LATER)
    return [row for row in page.rows if row.payment_id == payment_id]


async def test_a_capture_and_its_refund_have_rows_with_fee_and_net(bank: Simulator) -> None:
    """A capture costs 2.9 % and 30, a refund nothing, and each row carries our key."""
    asked = order("success@razorpay", amount_minor=10_000, currency="USD")
    approved = await bank.gateway.authorise(asked)
    refund = follow_up(asked, approved, "refund", 4_000)
    await bank.gateway.refund(refund)
    charge, back = await rows_of(bank, asked.payment_id)
    assert (charge.kind, charge.gross_minor, charge.fee_minor, charge.net_minor) == (
        BalanceKind.CHARGE,
        10_000,
        320,
        9_680,
    )
    assert (back.kind, back.gross_minor, back.fee_minor) == (BalanceKind.REFUND, -4_000, 0)
    assert (charge.key, back.key) == (asked.key, refund.key)


async def test_another_currency_is_converted_with_the_rate_on_the_row(bank: Simulator) -> None:
    """What customers pay in EUR settles in USD, and the row says both amounts and the rate."""
    asked = order("success@razorpay", amount_minor=1_000, currency="EUR")
    await bank.gateway.authorise(asked)
    (row,) = await rows_of(bank, asked.payment_id)
    assert (row.currency, row.gross_minor, row.customer_minor, row.customer_currency, row.exchange_rate) == (
        "USD",
        1_080,
        1_000,
        "EUR",
        Decimal("1.08"),
    )


async def test_payouts_pay_the_net_of_their_rows(bank: Simulator, clock: Traveller) -> None:
    """What is available is paid out after the interval: a payout is the sum of its rows, and has a row of its own."""
    asked = order("success@razorpay", amount_minor=5_000, currency="USD")
    await bank.gateway.authorise(asked)
    await bank.gateway.list_balance_rows(since=LONG_AGO, until=LATER)
    clock.shift(1)
    payouts = (await bank.gateway.list_payouts(since=LONG_AGO, until=LATER)).payouts
    rows = {row.id: row for row in (await bank.gateway.list_balance_rows(since=LONG_AGO, until=LATER)).rows}
    paid = [await bank.gateway.list_payout_rows(payout.id) for payout in payouts]
    (row,) = [row for row in rows.values() if row.payment_id == asked.payment_id]
    assert sum(row.id in each.row_ids for each in paid) == 1, "each row is paid out once"
    for payout, of_payout in zip(payouts, paid, strict=True):
        assert payout.status is PayoutStatus.PAID
        assert payout.amount_minor == sum(rows[row_id].net_minor for row_id in of_payout.row_ids)
    assert {-row.gross_minor for row in rows.values() if row.kind is BalanceKind.PAYOUT} >= {
        payout.amount_minor for payout in payouts
    }


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("row_missing", []),
        ("row_twice", [("charge", 10_000, 320), ("charge", 10_000, 320)]),
        ("row_wrong_amount", [("charge", 9_900, 320)]),
        ("row_wrong_fee", [("charge", 10_000, 420)]),
        ("row_disputed", [("charge", 10_000, 320), ("dispute", -10_000, 1_500)]),
        ("row_reversed", [("charge", 10_000, 320), ("reversal", -10_000, 0)]),
        ("row_late", []),
    ],
)
async def test_each_fault_of_a_row(bank: Simulator, fault: str, expected: list[tuple[str, int, int]]) -> None:
    """A fault spoils the row of its payment alone."""
    asked, other = (order("success@razorpay", amount_minor=10_000, currency="USD") for _ in range(2))
    await bank.switch(operation="settlement", fault=fault, match={"payment_id": asked.payment_id})
    for each in (asked, other):
        await bank.gateway.authorise(each)
    found = await rows_of(bank, asked.payment_id)
    assert [(row.kind, row.gross_minor, row.fee_minor) for row in found] == expected
    assert [row.gross_minor for row in await rows_of(bank, other.payment_id)] == [10_000]


async def test_an_unreadable_row_does_not_hide_the_others(bank: Simulator) -> None:
    """A row without a usable amount is reported by its id, and the page is read all the same."""
    asked, other = (order("success@razorpay", amount_minor=10_000, currency="USD") for _ in range(2))
    await bank.switch(operation="settlement", fault="row_unreadable", match={"payment_id": asked.payment_id})
    for each in (asked, other):
        await bank.gateway.authorise(each)
    page = await bank.gateway.list_balance_rows(since=LONG_AGO, until=LATER)
    assert len(page.unreadable) == 1
    assert page.unreadable[0].id.startswith("bal_")
    assert await rows_of(bank, other.payment_id)


async def test_a_late_row_comes_after_its_delay(bank: Simulator, clock: Traveller) -> None:
    """A late row is not listed at first, and is there later as if it had always been."""
    asked = order("success@razorpay", amount_minor=10_000, currency="USD")
    await bank.switch(operation="settlement", fault="row_late", delay_s=LONG_S, match={"payment_id": asked.payment_id})
    await bank.gateway.authorise(asked)
    assert await rows_of(bank, asked.payment_id) == []
    clock.shift(LONG_S)
    assert len(await rows_of(bank, asked.payment_id)) == 1


async def test_pages_of_rows_follow_each_other(bank: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long list comes in pages, and no row is left out or comes twice."""
    began = datetime.now(UTC) - timedelta(seconds=1)
    asked = [order("success@razorpay", amount_minor=100 + number, currency="USD") for number in range(5)]
    for each in asked:
        await bank.gateway.authorise(each)
    monkeypatch.setattr(client, "LISTED_AT_ONCE", 2)
    listed: list[str | None] = []
    cursor = None
    while True:
        page = await bank.gateway.list_balance_rows(since=began, until=LATER, cursor=cursor)
        listed += [row.key for row in page.rows if row.kind is BalanceKind.CHARGE]
        cursor = page.cursor
        if cursor is None:
            break
    assert [key for key in listed if key in {each.key for each in asked}] == [each.key for each in asked]


async def test_a_hidden_operation_is_not_listed(bank: Simulator) -> None:
    """`listing` hides an operation from the list, as a gateway that lost it would."""
    began, asked = datetime.now(UTC), order("success@razorpay", capture_method=MANUAL)
    await bank.gateway.authorise(asked)
    await bank.switch(operation="listing", fault="row_missing", match={"payment_id": asked.payment_id})
    assert asked.key not in await all_operations(bank.gateway, began)


async def test_faults_of_rows_are_refused_for_other_operations(bank: Simulator) -> None:
    """A rule that could never apply is refused, so that no test relies on it."""
    for rule in (
        {"operation": "authorise", "fault": "row_missing"},
        {"operation": "settlement", "fault": "slow"},
    ):
        assert (await bank.http.put("/faults", json=[rule])).status_code == 400


async def test_the_simulator_declares_what_it_lists(bank: Simulator) -> None:
    """The optional parts of the contract are recognised, and each list has its declared lag."""
    assert isinstance(bank.gateway, BalanceLister)
    assert isinstance(bank.gateway, PayoutLister)
    lists = bank.gateway.abilities.lists
    assert None not in {lists.operations_lag_s, lists.balance_lag_s, lists.payouts_lag_s}
