"""Runs of reconciliation, judged as of a later day, so that nothing is too early unless a test wants it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from clearway.db.engine import each_for_itself
from clearway.db.tables import (
    gateway_configs,
    ledger_entries,
    ledger_transactions,
    reconciliation_corrections,
    reconciliation_items,
    reconciliations,
    settlement_rows,
)
from clearway.domain.actor import Actor
from clearway.domain.gateway import first_gateway_id
from clearway.domain.ids import RECONCILIATION, new_id
from clearway.domain.payment import NewPayment
from clearway.domain.reconciliation import RunStatus
from clearway.gateways.connections import GatewayConnections
from clearway.reconciliation import commands
from clearway.reconciliation.commands import Period
from clearway.reconciliation.running import Progress, Reconciler, advance
from clearway.reconciliation.steps import STEPS
from clearway.recovery.taking_up import Recovery
from tests.support.durable import Durable

DAY = timedelta(days=1)
PAGES_MAX = 200


@dataclass
class Till:
    """A merchant, its gateway, and its payments of 500.00 USD."""

    bench: Bench
    merchant_id: str
    gateway_id: str

    async def paid(self, **fields: Any) -> NewPayment:
        """Carry a payment through to its success."""
        fields = {"amount_minor": 50_000, "currency": "USD"} | fields
        order_id = await self.bench.durable.order(self.merchant_id, fields["amount_minor"], fields["currency"])
        return await self.bench.durable.paid(merchant_id=self.merchant_id, order_id=order_id, **fields)

    async def plant(self, fault: str, payment: NewPayment | None = None, **rule: Any) -> None:
        """Switch a fault of a row on, of one payment or of all."""
        match = {"payment_id": payment.id} if payment else {}
        await self.bench.durable.faults({"operation": "settlement", "fault": fault, "match": match} | rule)

    async def reconcile(self, ahead: timedelta = DAY, **period: Any) -> Any:
        """Run a reconciliation to its end, and return its row. ahead: of the real time, when it is judged."""
        run_id = await self.bench.start(self, **period)
        while (await self.bench.advance(self, run_id, ahead)).status is RunStatus.RUNNING:
            pass
        return await self.bench.row(run_id)

    async def items(self, **values: Any) -> list[Any]:
        """Return the items of this gateway with these values, oldest first."""
        query = select(reconciliation_items).where(reconciliation_items.c.gateway_id == self.gateway_id)
        for name, value in values.items():
            query = query.where(reconciliation_items.c[name] == value)
        return await self.bench.fetch(query.order_by(reconciliation_items.c.id))

    async def kinds(self, comparison: str = "balance") -> list[str]:
        """Return the kinds of the open items of a comparison."""
        return [item.kind for item in await self.items(state="open", comparison=comparison)]

    async def balances(self) -> dict[tuple[str, str], int]:
        """Return the balances of the gateway's accounts that are not zero, by account and currency."""
        prefix = f"gateway/{self.gateway_id}/"
        column = ledger_entries.c
        query = select(column.account, column.currency, func.sum(column.amount_minor).label("sum"))
        query = query.where(column.account.startswith(prefix)).group_by(column.account, column.currency)
        found = await self.bench.fetch(query)
        return {(row.account.removeprefix(prefix), row.currency): int(row.sum) for row in found if row.sum}

    async def corrections(self, item_id: str) -> list[Any]:
        """Return the corrections of an item."""
        return await self.bench.fetch(
            select(reconciliation_corrections).where(reconciliation_corrections.c.item_id == item_id)
        )

    async def set_settings(self, **settings: Any) -> None:
        """Change the settings of the gateway."""
        async with self.bench.durable.engine.begin() as connection:
            statement = update(gateway_configs).where(gateway_configs.c.id == self.gateway_id)
            await connection.execute(statement.values(settings=settings, version=gateway_configs.c.version + 1))

    @property
    def actor(self) -> Actor:
        """Somebody who acts for the merchant."""
        return Actor("operator:test", self.merchant_id)


@dataclass
class Bench:
    """The services that runs need, with a clock one day ahead."""

    durable: Durable
    gateways: GatewayConnections

    def reconciler(self, ahead: timedelta = DAY) -> Reconciler:
        """Return what carries runs on. ahead: of the real time."""
        recovery = Recovery(self.durable.engine, self.durable.client, self.durable.settings)
        return Reconciler(self.durable.engine, self.gateways, recovery, lambda: datetime.now(UTC) + ahead)

    async def till(self) -> Till:
        """Make a merchant."""
        merchant_id = await self.durable.merchant()
        return Till(self, merchant_id, first_gateway_id(merchant_id))

    async def start(self, till: Till, *, since: datetime | None = None, until: datetime | None = None) -> str:
        """Record a run of the last day and the next hours."""
        now = datetime.now(UTC)
        period = Period(since or now - DAY, until or now + timedelta(hours=6))
        run_id = new_id(RECONCILIATION)
        async with self.durable.engine.begin() as connection:
            await commands.start(connection, till.actor, till.gateway_id, run_id, period, now=now)
        return run_id

    async def advance(self, till: Till, run_id: str, ahead: timedelta = DAY) -> Progress:
        """Carry a run on by one page."""
        return await advance(self.reconciler(ahead), till.merchant_id, run_id, STEPS)

    async def row(self, run_id: str) -> Any:
        """Return a run."""
        (found,) = await self.fetch(select(reconciliations).where(reconciliations.c.id == run_id))
        return found

    async def rows(self, till: Till) -> list[Any]:
        """Return the stored balance rows of a gateway."""
        query = select(settlement_rows).where(settlement_rows.c.gateway_id == till.gateway_id)
        return await self.fetch(query.order_by(settlement_rows.c.created_at, settlement_rows.c.id))

    async def settled_times(self, till: Till) -> int:
        """Count the ledger transactions that book rows of this gateway."""
        query = select(func.count().label("n")).where(
            ledger_transactions.c.reference.like(f"%/{till.gateway_id}/%"), ledger_transactions.c.kind == "settled"
        )
        (found,) = await self.fetch(query)
        return int(found.n)

    async def fetch(self, query: Any) -> list[Any]:
        """Return the rows of a query."""
        async with each_for_itself(self.durable.engine).connect() as connection:
            return list((await connection.execute(query)).all())

    async def paid_out(self) -> None:
        """Wait until the simulator's payout interval has passed."""
        await asyncio.sleep(1.2)
