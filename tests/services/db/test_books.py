"""Books, amounts and statuses agree after any sequence of steps, accepted and refused ones alike."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.refunds.recording import AmountNotRefundableError
from clearway.db.tables import captures, events, ledger_entries, refunds
from clearway.domain.payment import MoveRefusedError, PaymentStatus
from clearway.domain.refund import RefundStatus
from tests.support.shop import Shop, captured

CURRENCIES = ("INR", "JPY")
PAYMENTS = 3

moves = st.tuples(
    st.just("move"),
    st.integers(0, PAYMENTS - 1),
    st.sampled_from(PaymentStatus),
    st.none() | st.integers(1, 1_200),
)
reservations = st.tuples(st.just("reserve"), st.integers(0, PAYMENTS - 1), st.none() | st.integers(1, 1_200), st.none())
settlements = st.tuples(st.just("settle"), st.integers(0, 9), st.sampled_from(RefundStatus), st.none())
# A payment that is taken first makes refunds likely; the rest is chance.
histories = st.lists(moves | reservations | settlements, min_size=1, max_size=25)


@dataclass
class Trade:
    """A shop with some payments, and the refunds that were reserved along the way."""

    shop: Shop
    payment_ids: list[str]
    refund_ids: list[str] = field(default_factory=list)

    async def play(self, kind: str, number: int, what: Any, amount_minor: int | None) -> None:
        """Take one step; what is refused must change nothing, and the checks at the end would see it."""
        with suppress(MoveRefusedError, AmountNotRefundableError):
            if kind == "move":
                capture = captured(amount_minor) if amount_minor else None
                await self.shop.move(self.payment_ids[number], what, capture=capture)
            elif kind == "reserve":
                self.refund_ids.append((await self.shop.reserve(self.payment_ids[number], what)).refund.id)
            elif number < len(self.refund_ids):
                await self.shop.settle(self.refund_ids[number], what)


async def _total(shop: Shop, column: Any, *conditions: Any) -> int:
    async with shop.engine.connect() as connection:
        return int(await connection.scalar(select(func.coalesce(func.sum(column), 0)).where(*conditions)) or 0)


async def _check_payment(shop: Shop, payment_id: str) -> None:
    row = await shop.row(payment_id)
    of_payment = refunds.c.payment_id == payment_id
    under_way = refunds.c.status.in_(["pending", "needs_review"])

    assert row.captured_minor == await _total(shop, captures.c.amount_minor, captures.c.payment_id == payment_id)
    assert row.refunded_minor == await _total(
        shop, refunds.c.amount_minor, of_payment, refunds.c.status == RefundStatus.PROCESSED.value
    )
    assert row.refund_pending_minor == await _total(shop, refunds.c.amount_minor, of_payment, under_way)
    assert row.refunded_minor + row.refund_pending_minor <= row.captured_minor <= row.amount_minor
    async with shop.engine.connect() as connection:
        mine = (events.c.subject_id == payment_id,)
        query = select(events.c.to_status).where(*mine).order_by(events.c.created_at.desc(), events.c.id.desc())
        assert (await connection.execute(query)).scalars().first() == row.status


async def _check_books(shop: Shop, payment_ids: list[str]) -> None:
    for currency in CURRENCIES:
        rows = [row for row in [await shop.row(payment_id) for payment_id in payment_ids] if row.currency == currency]
        captured_minor = sum(row.captured_minor for row in rows)
        promised_minor = sum(row.refund_pending_minor for row in rows)
        refunded_minor = sum(row.refunded_minor for row in rows)
        assert await shop.books(currency) == {
            "payable": -(captured_minor - refunded_minor - promised_minor),
            "refunds_in_transit": -promised_minor,
        }


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, taken=st.sets(st.integers(0, PAYMENTS - 1)))
async def test_books_agree_after_any_history(engine: AsyncEngine, history: list[Any], taken: set[int]) -> None:
    """The ledger is the sum of captures and refunds, the payments' amounts too, and all of it sums to zero."""
    shop = await Shop.open(engine)
    payment_ids = [
        await shop.recorded(amount_minor=1_000, currency=CURRENCIES[number % 2], capture_method="manual")
        for number in range(PAYMENTS)
    ]
    trade = Trade(shop, payment_ids)
    for number in taken:
        await shop.move(payment_ids[number], PaymentStatus.SUCCESS, capture=captured(1_000))
    for step in history:
        await trade.play(*step)

    for payment_id in payment_ids:
        await _check_payment(shop, payment_id)
    await _check_books(shop, payment_ids)
    for currency in CURRENCIES:
        assert await _total(shop, ledger_entries.c.amount_minor, ledger_entries.c.currency == currency) == 0
