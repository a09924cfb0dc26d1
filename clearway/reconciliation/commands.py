"""Start a run, end one that cannot go on, and resolve an item. The caller checks permissions.

The row is the record: its workflow can be started again at any time and continues from the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import audit, ledger
from clearway.db.events import DueDelivery
from clearway.db.reconciliation import items, runs
from clearway.db.writing import write
from clearway.domain import ledger as books
from clearway.domain.actor import Actor
from clearway.domain.errors import ConflictError, NotFoundError, UnprocessableError
from clearway.domain.ledger import GatewayAccount, LedgerTransaction
from clearway.domain.limits import OPERATOR_TEXT_LENGTH_MAX
from clearway.domain.reconciliation import Comparison, ItemKind, ItemState, RunStatus, Step
from clearway.domain.text import storable
from clearway.reconciliation import telling

PERIOD_MAX: Final = timedelta(days=92)
BOOKED_AGAINST: Final = {
    ItemKind.MISSING_AT_GATEWAY: GatewayAccount.RECEIVABLE,
    ItemKind.AMOUNT_DIFFERS: GatewayAccount.RECEIVABLE,
    ItemKind.DUPLICATE_AT_GATEWAY: GatewayAccount.RECEIVABLE,
    ItemKind.STATE_DIFFERS: GatewayAccount.RECEIVABLE,
    ItemKind.MISSING_WITH_US: GatewayAccount.UNMATCHED,
    ItemKind.DISPUTE_UNBOOKED: GatewayAccount.DISPUTES,
    ItemKind.REVERSED_PAYMENT: GatewayAccount.DISPUTES,
    ItemKind.PAYOUT_SHORT: GatewayAccount.SETTLEMENT,
    ItemKind.PAYOUT_OVER: GatewayAccount.SETTLEMENT,
}
"""The account on which the difference of each kind stands. Kinds that are not here move no money when written off."""
BANK_LINE: Final = "bank_line"
"""The detail of a payout's item that a bank line led to: its difference is still in transit."""


@dataclass(frozen=True, slots=True)
class Period:
    """The period of a run: [since, until)."""

    since: datetime
    until: datetime

    def check(self, now: datetime) -> None:
        """Refuse a period that cannot be compared. Raises UnprocessableError."""
        if not self.since < self.until <= now or self.until - self.since > PERIOD_MAX:
            detail = (
                f"The period must begin before it ends, end by now, and be at most {PERIOD_MAX.days} days long. "
                "Nothing was started."
            )
            raise UnprocessableError("reconciliation_period_invalid", detail)


async def start(
    connection: AsyncConnection, actor: Actor, gateway_id: str, run_id: str, period: Period, *, now: datetime
) -> Row[Any]:
    """Insert a run with its audit row, and return it. Repeating it with the same id changes nothing.

    Raises ConflictError when another run of this gateway is under way.
    """
    values = {
        "id": run_id,
        "gateway_id": gateway_id,
        "merchant_id": actor.merchant_id,
        "since": period.since,
        "until": period.until,
        "status": RunStatus.RUNNING.value,
        "step": next(iter(Step)).value,
        "created_by": actor.name,
        "started_at": now,
        "updated_at": now,
    }
    if await runs.start(connection, values):
        detail = {"gateway_id": gateway_id, "since": period.since.isoformat(), "until": period.until.isoformat()}
        await audit.record(connection, actor, "reconciliation.start", run_id, detail)
    found = await runs.find(connection, actor.merchant_id, run_id)
    if found is None:
        raise ConflictError(
            "reconciliation_running",
            f"A reconciliation of {gateway_id} is running. Nothing was started. Wait until it has ended.",
        )
    return found


async def fail(
    connection: AsyncConnection, merchant_id: str, run_id: str, reason: str, now: datetime
) -> Sequence[DueDelivery]:
    """End a run that cannot go on, with its event. Nothing if it has ended."""
    failed = await runs.fail(connection, merchant_id, run_id, storable(reason, OPERATOR_TEXT_LENGTH_MAX), now)
    return await telling.completed(connection, failed) if failed is not None else []


async def resolve(
    connection: AsyncConnection, actor: Actor, item_id: str, outcome: ItemState, reason: str, *, now: datetime
) -> Row[Any]:
    """Close an item with its correction and audit row. Written off: the difference is booked, by a further entry.

    Raises NotFoundError and ConflictError.
    """
    item = await find_item(connection, actor.merchant_id, item_id)
    transactions = _write_off(item) if outcome is ItemState.WRITTEN_OFF else []
    text = storable(reason, OPERATOR_TEXT_LENGTH_MAX)
    reference = transactions[0].reference if transactions else None
    closed = await items.close(connection, item, outcome, text, actor.name, now=now, ledger_reference=reference)
    if not closed:
        raise ConflictError("reconciliation_item_closed", f"{item_id} is {item.state} already. Nothing was changed.")
    await write(connection, ledger.bookings(transactions, payment_id=None, now=now))
    detail = {"outcome": outcome.value, "reason": text, "kind": item.kind, "at_risk": item.at_risk_minor}
    await audit.record(connection, actor, "reconciliation_item.resolve", item_id, detail)
    return await find_item(connection, actor.merchant_id, item_id)


async def find_item(connection: AsyncConnection, merchant_id: str, item_id: str) -> Row[Any]:
    """Return an item. Raises NotFoundError."""
    item = await items.find(connection, merchant_id, item_id)
    if item is None:
        raise NotFoundError("reconciliation_item_not_found", f"You have no reconciliation item {item_id!r}.")
    return item


def _write_off(item: Row[Any]) -> list[LedgerTransaction]:
    """Return the entry that takes the difference off the account on which it stands.

    What we expected and did not find is a claim on the account, so it is positive. Operations alone are not booked, so
    their items move nothing.
    """
    against = BOOKED_AGAINST.get(ItemKind(item.kind))
    difference = (item.expected_minor or 0) - (item.found_minor or 0)
    booked = item.comparison != Comparison.OPERATIONS.value
    if against is None or not booked or not difference or item.currency is None:
        return []
    if BANK_LINE in item.detail:
        against = GatewayAccount.PAYOUTS_IN_TRANSIT
    return books.written_off(item.gateway_id, item.id, difference, item.currency, against)
