"""A run of reconciliation: what it stores and books, and that it does so once, whatever happens to it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from clearway.domain.errors import ConflictError
from clearway.domain.reconciliation import RunStatus
from clearway.durable.messages import ReconciliationInput, reconciliation_workflow_id
from clearway.durable.reconciliation import start_reconciliation
from clearway.gateways.simulator import client
from clearway.reconciliation import booking, judging, operations, running
from tests.services.reconciliation.bench import Bench, Till


async def test_a_day_without_differences(bench: Bench, till: Till) -> None:
    """Fees are booked, what the gateway owed is settled, and there is no item."""
    payment = await till.paid()
    _, handle = await bench.durable.refund(payment, 20_000)
    await bench.durable.ended(handle)
    run = await till.reconcile()
    assert (run.status, await till.items()) == ("completed", [])
    fee = 50_000 * 29 // 1_000 + 30
    assert await till.balances() == {("settlement", "USD"): 30_000 - fee, ("fees", "USD"): fee}
    assert run.counts["matched"] == run.counts["compared"] == 2
    assert run.counts["rows_booked"] == 2


async def test_another_currency_is_booked_with_both_sides(bench: Bench, till: Till) -> None:
    """The customer's EUR leave the receivable, the balance gets USD, and `fx` holds both sides."""
    await till.paid(amount_minor=10_000, currency="EUR")
    run = await till.reconcile()
    assert (run.status, await till.items()) == ("completed", [])
    fee = 10_800 * 29 // 1_000 + 30
    assert await till.balances() == {
        ("fx", "EUR"): 10_000,
        ("fx", "USD"): -10_800,
        ("settlement", "USD"): 10_800 - fee,
        ("fees", "USD"): fee,
    }


async def test_a_second_run_books_nothing_again(bench: Bench, till: Till) -> None:
    """A period that is compared twice has each row once, in the tables and in the ledger."""
    await till.paid()
    await till.reconcile()
    balances, times = await till.balances(), await bench.settled_times(till)
    again = await till.reconcile()
    assert again.counts.get("rows_booked", 0) == 0
    assert (await till.balances(), await bench.settled_times(till)) == (balances, times)


async def test_two_workers_on_one_run_book_once(bench: Bench, till: Till) -> None:
    """Each page is written once, also when several workers carry the same run on at the same time."""
    for _ in range(3):
        await till.paid()
    run_id = await bench.start(till)

    async def carry_on() -> None:
        while (await bench.advance(till, run_id)).status is RunStatus.RUNNING:
            pass

    await asyncio.gather(*(carry_on() for _ in range(4)))
    run = await bench.row(run_id)
    assert (run.status, run.counts["rows_booked"], run.counts["compared"]) == ("completed", 3, 3)
    assert await bench.settled_times(till) == 3


async def test_one_run_of_a_gateway_at_a_time(bench: Bench, till: Till) -> None:
    """A second run of a gateway is refused while one is under way; of another gateway it is not."""
    await bench.start(till)
    with pytest.raises(ConflictError) as refused:
        await bench.start(till)
    assert refused.value.code == "reconciliation_running"
    await bench.start(await bench.till())


async def test_small_pages_compare_everything_once(bench: Bench, till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run in many pages compares, matches and books as one in one page does."""
    for module in (running, booking, judging, operations):
        monkeypatch.setattr(module, "PAGE", 2)
    monkeypatch.setattr(client, "LISTED_AT_ONCE", 2)
    for _ in range(5):
        await till.paid()
    run = await till.reconcile()
    assert (run.counts["matched"], run.counts["rows_booked"], await till.items()) == (5, 5, [])
    assert run.pages > 10


async def test_the_workflow_carries_a_run_to_its_end(bench: Bench, till: Till) -> None:
    """The workflow works through all steps, and a workflow that is started again finds nothing to do."""
    await till.paid()
    now = datetime.now(UTC)
    run_id = await bench.start(till, until=now - timedelta(seconds=1), since=now - timedelta(days=1))
    temporal = bench.durable.client
    for _ in range(2):
        await start_reconciliation(temporal, ReconciliationInput(run_id, till.merchant_id))
        handle = temporal.get_workflow_handle(reconciliation_workflow_id(run_id))
        assert (await bench.durable.ended(handle))["status"] == "completed"
    assert (await bench.row(run_id)).status == "completed"
