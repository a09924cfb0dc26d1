"""A run of reconciliation over Square's stand-in: it books fees and payouts, and finds what was planted."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from clearway.db.tables import gateway_configs
from clearway.domain import ids
from clearway.domain.gateway import credentials_context
from clearway.domain.ids import GATEWAY
from clearway.domain.payment import NewPayment
from clearway.reconciliation import days
from clearway.recovery.books import Missing, compare
from clearway.recovery.taking_up import Recovery
from tests.services.gateways.square_account import Seller
from tests.services.reconciliation.bench import DAY, Bench, Till
from tests.support.forgetting import forget_payment

FEE = 50_000 * 29 // 1_000 + 30
LATER = timedelta(days=6)
"""When a run judges: after the next payout, whatever the day of the week."""


@pytest.fixture(scope="module")
def simulator_settings() -> dict[str, Any]:
    """Settle at once, and pay out every second."""
    return {
        "test_payment_success": True,
        "simulator_settlement_lag_s": 0,
        "simulator_payout_every_s": 1,
        "simulator_square_list_lag_s": 0,
    }


@pytest.fixture
async def till(bench: Bench) -> Till:
    """Open the till of a fresh merchant with a location of Square."""
    durable = bench.durable
    merchant_id, gateway_id = await durable.merchant(), ids.new_id(GATEWAY)
    seller = Seller(durable.simulator, gateway_id)
    settings = {
        "location_id": await seller.location(),
        "currency": "USD",
        "api_base": f"{durable.simulator.url}/square",
    }
    await seller.aclose()
    credentials = json.dumps({"access_token": seller.token})
    values = {
        "id": gateway_id,
        "merchant_id": merchant_id,
        "kind": "square",
        "name": "Square",
        "settings": settings,
        "sealed_credentials": durable.cipher.encrypt(credentials, credentials_context(gateway_id)),
    }
    async with durable.engine.begin() as connection:
        await connection.execute(insert(gateway_configs).values(values))
    return Till(bench, merchant_id, gateway_id)


async def paid(till: Till) -> NewPayment:
    """Carry a payment of 500.00 USD at Square through to its success, and wait for its payout."""
    asked = {"method": "card", "gateway_id": till.gateway_id, "gateway": "square", "instrument": "cnon:card-nonce-ok"}
    payment = await till.paid(**asked)
    await till.bench.paid_out()
    return payment


async def test_a_day_at_square_without_differences(bench: Bench, till: Till) -> None:
    """Fees are booked and what Square owed is paid out; a second run books nothing again."""
    await paid(till)
    run = await till.reconcile(LATER)
    assert (run.status, await till.items()) == ("completed", [])
    assert (run.counts["operations_compared"], run.counts["matched"], run.counts["payouts_compared"]) == (1, 1, 1)
    balances = {("payouts_in_transit", "USD"): 50_000 - FEE, ("fees", "USD"): FEE}
    assert await till.balances() == balances
    again = await till.reconcile(LATER)
    assert (again.counts.get("rows_booked", 0), await till.balances()) == (0, balances)


async def test_a_refund_is_matched_by_its_id(bench: Bench, till: Till) -> None:
    """An entry has no key of Clearway; Square's id of the refund names it."""
    payment = await paid(till)
    _, handle = await bench.durable.refund(payment, 20_000)
    await bench.durable.ended(handle)
    await paid(till)  # so that the next payout is above zero
    run = await till.reconcile(LATER)
    assert (run.counts["matched"], await till.items()) == (3, [])
    assert await till.balances() == {("payouts_in_transit", "USD"): 80_000 - 2 * FEE, ("fees", "USD"): 2 * FEE}


@pytest.mark.parametrize(
    ("fault", "kind", "risk"),
    [
        ("row_missing", "missing_at_gateway", 50_000),
        ("row_wrong_amount", "amount_differs", 100),
        ("row_twice", "duplicate_at_gateway", 50_000),
        ("row_unreadable", "missing_at_gateway", 50_000),
    ],
)
async def test_a_planted_difference_is_found(bench: Bench, till: Till, fault: str, kind: str, risk: int) -> None:
    """Each fault of a balance row becomes its item, with the money at risk."""
    await till.plant(fault)
    await paid(till)
    await till.reconcile(LATER)
    found = {item.kind: item.at_risk_minor for item in await till.items(comparison="balance")}
    assert found.pop(kind) == risk
    assert set(found) == ({"data_unreadable"} if fault == "row_unreadable" else set())


async def test_a_short_payout_is_found(bench: Bench, till: Till) -> None:
    """A payout that is less than the sum of its entries is an item."""
    await till.plant("payout_short")
    await paid(till)
    await till.reconcile(LATER)
    (item,) = await till.items()
    assert (item.kind, item.at_risk_minor) == ("payout_short", 100)


async def test_each_list_is_compared_by_its_own_lag(bench: Bench, till: Till) -> None:
    """Operations of yesterday are compared today, and the balance row of the same payment days later."""
    payment = await paid(till)
    tomorrow = datetime.now(UTC) + DAY
    found = [each async for each in days.due(bench.reconciler(), tomorrow + timedelta(hours=2), 50)]
    (period,) = [period for gateway_id, _, period in found if gateway_id == till.gateway_id]
    assert period.until > tomorrow - DAY, "the last whole day is due"
    await forget_payment(bench.durable.settings.database_url, payment.id, payment.order_id)
    await till.reconcile(timedelta(days=2))
    assert (await till.kinds("operations"), await till.kinds()) == (["missing_with_us"], [])
    assert await bench.rows(till) == [], "Square shows a movement with its payout, days later"
    await till.reconcile(LATER)
    assert await till.kinds() == ["missing_with_us"]


async def test_a_charge_that_nobody_recorded_is_found(bench: Bench, till: Till) -> None:
    """A charge without a row with us is found by its operation and by its entry, and `recover` lists it."""
    payment = await paid(till)
    await forget_payment(bench.durable.settings.database_url, payment.id, payment.order_id)
    gateway = (await bench.gateways.get(till.gateway_id)).gateway
    recovery = Recovery(bench.durable.engine, bench.durable.client, bench.durable.settings)
    since, until = datetime.now(UTC) - timedelta(minutes=5), datetime.now(UTC) + timedelta(minutes=5)
    compared = await compare(recovery, {"square": gateway}, since, until, dry_run=True)
    assert [(one.payment_id, one.missing) for one in compared.unrecorded] == [(payment.id, Missing.ROW)]
    await till.reconcile(LATER)
    assert await till.kinds("operations") == ["missing_with_us"]
    assert await till.kinds() == ["missing_with_us"]
