"""A database restored to before a payment was made: its rows are gone, Temporal and the gateway know more."""

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
