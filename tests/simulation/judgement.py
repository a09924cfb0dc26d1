"""What the witnesses say of one payment, for the invariants of `tests.support.invariants` to judge."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, select

from clearway.db.tables import captures, events, ledger_entries, ledger_transactions, orders, payments, refunds
from clearway.domain.payment import NewPayment
from tests.support.durable import Durable
from tests.support.evidence import Evidence, Record
from tests.support.invariants import quiet, violations

PATIENCE_S: Final = 3.0


async def violations_of(durable: Durable, payment: NewPayment) -> list[str]:
    """Return every invariant that this payment breaks, in words; what is not quiet gets a moment for its last step."""
    deadline = time.monotonic() + PATIENCE_S
    while any(quiet(evidence := await _evidence(durable, payment))) and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    return violations(evidence)


async def _evidence(durable: Durable, payment: NewPayment) -> Evidence:
    async def rows(table: Table, condition: ColumnElement[bool]) -> list[Record]:
        return await _rows(durable, select(table).where(condition))

    told = ledger_transactions.c
    booked = (
        select(ledger_entries, told.kind, told.reference, told.payment_id, told.refund_id)
        .join(ledger_transactions, told.id == ledger_entries.c.transaction_id)
        .where(told.payment_id == payment.id)
    )
    return Evidence(
        orders=await rows(orders, orders.c.id == payment.order_id),
        payments=await rows(payments, payments.c.id == payment.id),
        captures=await rows(captures, captures.c.payment_id == payment.id),
        refunds=await rows(refunds, refunds.c.payment_id == payment.id),
        events=await rows(events, events.c.payment_id == payment.id),
        ledger=await _rows(durable, booked),
        journal=await durable.simulator.effects(payment.id),
    )


async def _rows(durable: Durable, query: Any) -> list[Record]:
    async with durable.engine.connect() as connection:
        return [dict(row) for row in (await connection.execute(query)).mappings()]
