"""Reading a merchant's refunds: one by its id, and pages of them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db.pages import PageRequest, Rows, fetch_page
from clearway.db.refunds.rows import resource_of
from clearway.db.tables import refunds
from clearway.domain.resources import RefundResource


async def find_refund(connection: AsyncConnection, merchant_id: str, refund_id: str) -> RefundResource | None:
    """Return the merchant's refund, or None."""
    query = select(refunds).where(refunds.c.id == refund_id, refunds.c.merchant_id == merchant_id)
    row = (await connection.execute(query)).one_or_none()
    return resource_of(row) if row else None


async def list_refunds(
    connection: AsyncConnection,
    merchant_id: str,
    page: PageRequest,
    *,
    payment_id: str | None = None,
    status: str | None = None,
) -> Rows:
    """Return one page of the merchant's refunds, newest first."""
    query = select(refunds).where(refunds.c.merchant_id == merchant_id)
    if payment_id is not None:
        query = query.where(refunds.c.payment_id == payment_id)
    if status is not None:
        query = query.where(refunds.c.status == status)
    return await fetch_page(connection, query, refunds.c.id, page)
