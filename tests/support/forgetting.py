"""A database restored to before a payment or refund was made: its rows are gone, Temporal and the gateway know more."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

OF_PAYMENT: Final = ("webhook_deliveries", "payment_attempts", "payment_commands", "captures", "events", "refunds")


async def forget_payment(owner_url: str, payment_id: str, order_id: str | None = None) -> None:
    """Delete the rows of a payment, and of its order if that is named."""
    booked = "SELECT id FROM ledger_transactions WHERE payment_id = :id"
    engine = create_async_engine(owner_url)
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in (
            f"DELETE FROM ledger_entries WHERE transaction_id IN ({booked})",  # noqa: S608 - names are ours
            "DELETE FROM ledger_transactions WHERE payment_id = :id",
            *(f"DELETE FROM {table} WHERE payment_id = :id" for table in OF_PAYMENT),  # noqa: S608 - names are ours
            "DELETE FROM payments WHERE id = :id",
        ):
            await connection.execute(text(statement), {"id": payment_id})
        if order_id is not None:
            await connection.execute(text("DELETE FROM orders WHERE id = :id"), {"id": order_id})
    await engine.dispose()


async def forget_refund(owner_url: str, refund_id: str) -> None:
    """Delete the rows of the only refund of a payment."""
    of = "SELECT payment_id FROM refunds WHERE id = :id"
    booked = "SELECT id FROM ledger_transactions WHERE refund_id = :id"
    engine = create_async_engine(owner_url)
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in (
            f"UPDATE payments SET refunded_minor = 0, refund_pending_minor = 0 WHERE id = ({of})",  # noqa: S608
            f"DELETE FROM ledger_entries WHERE transaction_id IN ({booked})",  # noqa: S608
            "DELETE FROM ledger_transactions WHERE refund_id = :id",
            "DELETE FROM webhook_deliveries WHERE event_id IN (SELECT id FROM events WHERE subject_id = :id)",
            "DELETE FROM events WHERE subject_id = :id",
            "DELETE FROM refunds WHERE id = :id",
        ):
            await connection.execute(text(statement), {"id": refund_id})
    await engine.dispose()
