"""Payouts are compared with their rows, and with imported lines of the bank account."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from clearway.db.tables import payouts
from clearway.domain.ids import SETTLEMENT_IMPORT, new_id
from clearway.domain.reconciliation import ItemState
from clearway.reconciliation import commands, importing
from clearway.reconciliation.csv_files import ColumnMap, Target
from clearway.reconciliation.importing import Owner
from tests.services.reconciliation.bench import Bench, Till

COLUMNS = ColumnMap(date="date", gross="amount", currency="currency", gateway_id="id", source="text")


@pytest.fixture(scope="module")
def simulator_settings() -> dict[str, Any]:
    """Pay out every second."""
    return {"test_payment_success": True, "simulator_settlement_lag_s": 0, "simulator_payout_every_s": 1}


async def paid_out(bench: Bench, till: Till, fault: str | None = None) -> Any:
    """Take a payment, wait for its payout, reconcile, and return the payout."""
    if fault is not None:
        await till.plant(fault)
    await till.paid()
    await bench.paid_out()
    await till.reconcile()
    (payout,) = await bench.fetch(select(payouts).where(payouts.c.gateway_id == till.gateway_id))
    return payout


async def bank_line(bench: Bench, till: Till, text: str, amount: str) -> None:
    """Import one line of the bank account."""
    content = f"id,date,amount,currency,text\n{new_id('line')},2026-11-25,{amount},USD,{text}\n"
    found = importing.check(content, Target.BANK_LINES, COLUMNS, 2)
    importing.refuse_problems(found)
    async with bench.durable.engine.begin() as connection:
        await importing.store(
            connection,
            till.actor,
            Owner(till.gateway_id, till.merchant_id),
            new_id(SETTLEMENT_IMPORT),
            found,
            target=Target.BANK_LINES,
            columns=COLUMNS,
            now=datetime.now(UTC),
        )


def written(minor: int) -> str:
    """Return an amount as banks write it."""
    return str(Decimal(minor) / 100)


async def test_a_payout_is_the_sum_of_its_rows(bench: Bench, till: Till) -> None:
    """Money that is paid out leaves the balance and is in transit; there is no item."""
    payout = await paid_out(bench, till)
    assert await till.items() == []
    balances = await till.balances()
    assert balances["payouts_in_transit", "USD"] == payout.amount_minor
    assert ("settlement", "USD") not in balances


@pytest.mark.parametrize(("fault", "kind"), [("payout_short", "payout_short"), ("payout_over", "payout_over")])
async def test_a_payout_that_is_not_its_rows(bench: Bench, till: Till, fault: str, kind: str) -> None:
    """A payout of another amount is an item, and writing it off takes the difference off the balance."""
    await paid_out(bench, till, fault)
    (item,) = await till.items()
    assert (item.kind, item.comparison, item.at_risk_minor, item.currency) == (kind, "payouts", 100, "USD")
    async with bench.durable.engine.begin() as connection:
        await commands.resolve(
            connection, till.actor, item.id, ItemState.WRITTEN_OFF, "agreed with the gateway", now=datetime.now(UTC)
        )
    assert ("settlement", "USD") not in await till.balances()


async def test_a_bank_line_ends_the_transit(bench: Bench, till: Till) -> None:
    """A line that names the payout is booked once: what was in transit is at the bank."""
    payout = await paid_out(bench, till)
    await bank_line(bench, till, f"SEPA {payout.bank_reference} thank you", written(payout.amount_minor))
    for _ in range(2):
        await till.reconcile()
    balances = await till.balances()
    assert balances["bank", "USD"] == payout.amount_minor
    assert ("payouts_in_transit", "USD") not in balances
    assert await till.items() == []


async def test_a_short_bank_line_is_found(bench: Bench, till: Till) -> None:
    """Less at the bank than was paid out is an item, and the rest stays in transit."""
    payout = await paid_out(bench, till)
    await bank_line(bench, till, payout.bank_reference, written(payout.amount_minor - 250))
    await till.reconcile()
    (item,) = await till.items()
    assert (item.kind, item.at_risk_minor) == ("payout_short", 250)
    assert (await till.balances())["payouts_in_transit", "USD"] == 250


async def test_a_bank_line_of_nobody_is_found(bench: Bench, till: Till) -> None:
    """A line that fits no payout is an item, and books nothing."""
    await paid_out(bench, till)
    await bank_line(bench, till, "rent", "12.00")
    await till.reconcile()
    (item,) = await till.items()
    assert (item.kind, item.at_risk_minor, item.reference) == ("unmatched_bank_line", 1_200, "rent")
    assert ("bank", "USD") not in await till.balances()
