"""Pages of filtered lists: however the filters fit, a page reads a bounded number of rows, and none is left out."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert

from clearway.db import walks
from clearway.db.engine import each_for_itself
from clearway.db.pages import PageRequest
from clearway.db.payments.reading import PaymentFilter, list_payments
from clearway.db.refunds.reading import RefundFilter, list_refunds
from clearway.db.tables import orders, payments, refunds
from clearway.domain.ids import ORDER, PAYMENT, REFUND, new_id
from tests.services.api.rows import order_row, payment_row, refund_row
from tests.support.shop import Shop

COUNT = 90
FILTERS: list[dict[str, Any]] = [
    {},
    {"statuses": ["failed"]},
    {"statuses": ["failed", "expired", "failed"]},
    {"statuses": ["needs_review"]},
    {"method": "card", "currency": "EUR"},
    {"statuses": ["failed", "success"], "method": "wallet", "currency": "INR"},
    {"amount_min": 300, "amount_max": 600},
    {"currency": "INR", "amount_min": 300},
    {"statuses": ["failed"], "method": "upi", "amount_max": 450},
    {"amount_min": 10_000},
    {"customer": "often"},
    {"customer": "often", "statuses": ["failed"], "amount_min": 500},
    {"customer": "often@shop.example", "method": "card"},
    {"search": "often@shop.example", "currency": "EUR"},
]


async def fill(shop: Shop) -> list[dict[str, Any]]:
    """Write payments of all kinds; return their rows, newest first."""
    chance = random.Random(11)  # noqa: S311 - repeatable, not secret
    rows = []
    for _ in range(COUNT):
        currency = chance.choice(["INR", "INR", "EUR"])
        amount, status = chance.randint(1, 1_000), chance.choice(["success", "failed", "expired"])
        row = payment_row(new_id(PAYMENT), shop.merchant_id, new_id(ORDER), currency=currency, amount_minor=amount)
        row |= {"method": chance.choice(["upi", "card", "wallet"]), "status": status}
        row |= {"captured_minor": amount if status == "success" else 0}
        often = {"id": "often", "email": "often@shop.example"}
        rows.append(row | {"customer": chance.choice([often, {"id": "often"}, {"email": "once@shop.example"}])})
    async with shop.engine.begin() as connection:
        await connection.execute(
            insert(orders), [order_row(row["order_id"], shop.merchant_id, currency=row["currency"]) for row in rows]
        )
        await connection.execute(insert(payments), rows)
    return rows[::-1]


def fits(row: dict[str, Any], wanted: PaymentFilter) -> bool:
    """Say whether a list with this filter shows the row."""
    named = wanted.customer or wanted.search
    return (
        (not wanted.statuses or row["status"] in wanted.statuses)
        and wanted.method in {None, row["method"]}
        and wanted.currency in {None, row["currency"]}
        and (wanted.amount_min or 0) <= row["amount_minor"] <= (wanted.amount_max or row["amount_minor"])
        and (named is None or named in row["customer"].values())
    )


@pytest.mark.parametrize("looked_at_max", [walks.LOOKED_AT_MAX, 12])
@pytest.mark.parametrize("rare_max", [2_000, 5])
async def test_following_the_cursor_shows_every_row_that_fits_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, looked_at_max: int, rare_max: int
) -> None:
    """However few rows a page may look at, its cursor leads to the next that fits, and each is shown once, in order."""
    monkeypatch.setattr(walks, "LOOKED_AT_MAX", looked_at_max)
    monkeypatch.setattr(walks, "SCATTERED_MAX", looked_at_max)
    monkeypatch.setattr(walks, "OF_PART_MAX", looked_at_max)
    monkeypatch.setattr("clearway.db.payments.reading.RARE_MAX", rare_max)
    rows = await fill(shop)
    async with each_for_itself(shop.engine).connect() as connection:
        for fields in FILTERS:
            wanted = replace(PaymentFilter(), **fields)
            shown: list[str] = []
            page: PageRequest | None = PageRequest(4)
            while page is not None:
                found = await list_payments(connection, shop.merchant_id, wanted, page)
                assert len(found.rows) <= 4
                shown += [row.id for row in found.rows]
                page = None if found.next_cursor is None else PageRequest(4, found.next_cursor)
            assert shown == [row["id"] for row in rows if fits(row, wanted)], fields


async def test_a_walk_that_found_nothing_says_how_far_it_came(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page may be empty and have a cursor: the id of the last row that was looked at."""
    rows = await fill(shop)
    paid = [row for row in rows if row["status"] == "success"]
    written = [
        refund_row(new_id(REFUND), shop.merchant_id, row["id"], currency=row["currency"], amount_minor=1)
        for row in reversed(paid)
    ]
    async with shop.engine.begin() as connection:
        await connection.execute(insert(refunds), written)
    monkeypatch.setattr(walks, "LOOKED_AT_MAX", 5)
    async with each_for_itself(shop.engine).connect() as connection:
        found = await list_refunds(connection, shop.merchant_id, RefundFilter(amount_min=2), PageRequest(1))
    assert [*found.rows] == []
    assert found.next_cursor == written[-5]["id"]
