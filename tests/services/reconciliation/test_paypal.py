"""A run of reconciliation over PayPal's stand-in: it books fees and finds what was planted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clearway.domain.payment import NewPayment
from clearway.recovery.books import Missing, compare
from clearway.recovery.taking_up import Recovery
from tests.services.reconciliation.bench import Bench, Till
from tests.services.workflows.test_paypal_payment import click, paypal_payment
from tests.support.forgetting import forget_payment

FEE = 50_000 * 29 // 1_000 + 30


@pytest.fixture
async def till(bench: Bench) -> Till:
    """Open the till of a fresh merchant with a PayPal account."""
    first = await paypal_payment(bench.durable)
    return Till(bench, first.merchant_id, first.gateway_id)


async def paid(till: Till) -> NewPayment:
    """Carry a payment of 500.00 USD at PayPal through to its success."""
    durable = till.bench.durable
    order_id = await durable.order(till.merchant_id, currency="USD")
    asked = {"method": "wallet", "currency": "USD", "gateway_id": till.gateway_id, "gateway": "paypal"}
    payment = await durable.new_payment(till.merchant_id, instrument="paypal", order_id=order_id, **asked)
    _, handle = await durable.start(payment)
    await click(durable, payment, "approve/balance")
    assert (await durable.ended(handle)).status == "success"
    return payment


async def test_a_day_at_paypal_without_differences(bench: Bench, till: Till) -> None:
    """Fees are booked and what PayPal owed is settled; a second run books nothing again."""
    payment = await paid(till)
    _, handle = await bench.durable.refund(payment, 20_000)
    await bench.durable.ended(handle)
    run = await till.reconcile()
    assert (run.status, await till.items()) == ("completed", [])
    assert run.counts["operations_compared"] == run.counts["matched"] == 2
    balances = {("settlement", "USD"): 30_000 - FEE, ("fees", "USD"): FEE}
    assert await till.balances() == balances
    again = await till.reconcile()
    assert (again.counts.get("rows_booked", 0), await till.balances()) == (0, balances)


@pytest.mark.parametrize(
    ("fault", "kind", "risk"),
    [
        ("row_missing", "missing_at_gateway", 50_000),
        ("row_wrong_amount", "amount_differs", 100),
        ("row_twice", "duplicate_at_gateway", 50_000),
        ("row_wrong_fee", "fee_unexpected", 100),
        ("row_disputed", "dispute_unbooked", 50_000),
        ("row_reversed", "reversed_payment", 50_000),
        ("row_unreadable", "missing_at_gateway", 50_000),
    ],
)
async def test_a_planted_difference_is_found(bench: Bench, till: Till, fault: str, kind: str, risk: int) -> None:
    """Each fault of a balance row becomes its item, with the money at risk."""
    if kind == "fee_unexpected":
        agreed = {"percent": "2.9", "fixed": 30, "tolerance": 1}
        await till.set_settings(api_base=f"{bench.durable.simulator.url}/paypal", expected_fee=agreed)
    await till.plant(fault)
    await paid(till)
    run = await till.reconcile()
    assert run.status == "completed"
    found = {item.kind: item.at_risk_minor for item in await till.items(comparison="balance")}
    assert found.pop(kind) == risk
    assert set(found) <= {"data_unreadable"}
    assert ("data_unreadable" in found) == (fault == "row_unreadable")


async def test_a_charge_that_nobody_recorded_is_found(bench: Bench, till: Till) -> None:
    """A charge without a row with us is found by its operation and by its balance row, and `recover` lists it."""
    payment = await paid(till)
    await forget_payment(bench.durable.settings.database_url, payment.id, payment.order_id)
    gateway = (await bench.gateways.get(till.gateway_id)).gateway
    recovery = Recovery(bench.durable.engine, bench.durable.client, bench.durable.settings)
    now = datetime.now(UTC)
    since, until = now - timedelta(minutes=5), now + timedelta(minutes=5)
    compared = await compare(recovery, {"paypal": gateway}, since, until, dry_run=True)
    assert [(one.payment_id, one.missing) for one in compared.unrecorded] == [(payment.id, Missing.ROW)]
    await till.reconcile()
    assert await till.kinds("operations") == ["missing_with_us"]
    assert await till.kinds() == ["missing_with_us"]


async def test_a_young_charge_is_too_early(bench: Bench, till: Till) -> None:
    """PayPal's reports are three hours late: what is younger is not called missing."""
    await till.plant("row_missing")
    await paid(till)
    run_id = await bench.start(till, since=datetime.now(UTC) - timedelta(hours=1))
    while (await bench.advance(till, run_id, timedelta(hours=2))).status == "running":
        pass
    assert await till.kinds() == ["too_early"]
