"""Imports of files: booked and compared by the next run, once, however often a file comes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clearway.domain.errors import UnprocessableError
from clearway.domain.ids import SETTLEMENT_IMPORT, new_id
from clearway.domain.payment import NewPayment
from clearway.reconciliation import importing
from clearway.reconciliation.csv_files import ColumnMap, Target
from clearway.reconciliation.importing import Imported, Owner
from tests.services.reconciliation.bench import Bench, Till

COLUMNS = ColumnMap(date="date", gross="gross", currency="currency", gateway_id="id", our_id="order", fee="fee")


def content_of(*payments: NewPayment, gross: str = "500.00") -> str:
    """Return the portal's export of payments."""
    at = datetime.now(UTC).isoformat()
    rows = "".join(f"tx-{each.id},{at},{each.id},{gross},5.00,USD\n" for each in payments)
    return f"id,date,order,gross,fee,currency\n{rows}"


async def store(bench: Bench, till: Till, content: str) -> Imported:
    """Import a file."""
    found = importing.check(content, Target.BALANCE_ROWS, COLUMNS, 2)
    importing.refuse_problems(found)
    async with bench.durable.engine.begin() as connection:
        return await importing.store(
            connection,
            till.actor,
            Owner(till.gateway_id, till.merchant_id),
            new_id(SETTLEMENT_IMPORT),
            found,
            target=Target.BALANCE_ROWS,
            columns=COLUMNS,
            now=datetime.now(UTC),
        )


async def test_the_same_file_twice_books_nothing_twice(bench: Bench, till: Till) -> None:
    """A file is known by its bytes, and a row by its id: a longer file with the same rows adds only what is new."""
    await till.plant("row_missing")  # the gateway lists none, as one without lists
    first, second = await till.paid(), await till.paid()
    content = content_of(first)
    assert (await store(bench, till, content)).added == 1
    again = await store(bench, till, content)
    assert (again.added, again.again) == (1, True)
    longer = content + content_of(second).partition("\n")[2]
    assert (await store(bench, till, longer)).added == 1
    for _ in range(2):
        await till.reconcile()
    assert await till.items() == []
    assert await bench.settled_times(till) == 2
    assert await till.balances() == {("settlement", "USD"): 99_000, ("fees", "USD"): 1_000}


async def test_an_imported_amount_that_differs_is_found(bench: Bench, till: Till) -> None:
    """Rows of a file are compared as listed ones are."""
    payment = await till.paid()
    await till.plant("row_missing")
    await store(bench, till, content_of(payment, gross="499.00"))
    await till.reconcile()
    (item,) = await till.items()
    assert (item.kind, item.payment_id, item.at_risk_minor) == ("amount_differs", payment.id, 100)


async def test_a_row_that_a_later_file_changes_stays(bench: Bench, till: Till) -> None:
    """A row that comes again with other values is named, and stays as it was booked."""
    payment = await till.paid()
    await store(bench, till, content_of(payment))
    changed = await store(bench, till, content_of(payment, gross="400.00"))
    assert (changed.added, changed.changed) == (0, (f"tx-{payment.id}",))


async def test_a_file_with_a_problem_is_refused_whole(bench: Bench, till: Till) -> None:
    """One bad row refuses the file, with its number, and nothing is stored."""
    payment = await till.paid()
    with pytest.raises(UnprocessableError, match="Row 3"):
        await store(bench, till, content_of(payment) + "tx-2,yesterday,pay_x,1.00,0,USD\n")
    assert [row for row in await bench.rows(till) if row.import_id] == []
