"""Each kind of difference is planted at the gateway, and found with its money at risk."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from time_machine import Traveller

from clearway.db.tables import gateway_operations
from clearway.domain.ids import PAYMENT, new_id
from clearway.domain.reconciliation import ItemState
from clearway.domain.retry import RetryPolicy
from clearway.reconciliation import commands
from clearway.recovery.books import compare
from tests.services.gateways.running import LONG_S
from tests.services.reconciliation.bench import DAY, Bench, Till
from tests.support.forgetting import forget_payment

UNIT = 100
FEE = 50_000 * 29 // 1_000 + 30


@pytest.mark.parametrize(
    ("fault", "kind", "at_risk"),
    [
        ("row_missing", "missing_at_gateway", 50_000),
        ("row_twice", "duplicate_at_gateway", 50_000),
        ("row_wrong_amount", "amount_differs", UNIT),
        ("row_wrong_currency", "currency_differs", 50_000),
        ("row_disputed", "dispute_unbooked", 50_000),
        ("row_reversed", "reversed_payment", 50_000),
        ("row_unreadable", "data_unreadable", 0),
    ],
)
async def test_each_fault_of_a_row_is_found(bench: Bench, till: Till, fault: str, kind: str, at_risk: int) -> None:
    """The payment with the fault has one item of its kind, and the other payment none."""
    spoilt, good = await till.paid(), await till.paid()
    await till.plant(fault, spoilt)
    await till.reconcile()
    items = await till.items(comparison="balance", kind=kind)
    assert [(item.at_risk_minor, item.state) for item in items] == [(at_risk, "open")]
    assert items[0].payment_id == (None if kind == "data_unreadable" else spoilt.id)
    assert good.id not in {item.payment_id for item in await till.items()}


async def test_a_wrong_rate_is_outside_the_tolerance(bench: Bench, till: Till) -> None:
    """A conversion that does not fit the row's own rate is an item; the right one, rounded, is none."""
    spoilt = await till.paid(amount_minor=10_000, currency="EUR")
    await till.paid(amount_minor=10_001, currency="EUR")
    await till.plant("row_wrong_rate", spoilt)
    await till.reconcile()
    (item,) = await till.items()
    assert (item.kind, item.payment_id, item.currency, item.at_risk_minor) == (
        "fx_outside_tolerance",
        spoilt.id,
        "USD",
        540,
    )


async def test_a_fee_is_judged_by_what_the_gateway_expects(bench: Bench, till: Till) -> None:
    """With an expected fee in the settings, a higher one is an item; within the tolerance it is none."""
    spoilt = await till.paid()
    await till.paid(amount_minor=50_017)
    await till.set_settings(expected_fee={"percent": "2.9", "fixed": 30, "tolerance": 1})
    await till.plant("row_wrong_fee", spoilt)
    await till.reconcile()
    (item,) = await till.items()
    assert (item.kind, item.payment_id, item.expected_minor, item.found_minor) == (
        "fee_unexpected",
        spoilt.id,
        FEE,
        FEE + UNIT,
    )


async def test_what_is_too_young_is_not_missing(bench: Bench, till: Till) -> None:
    """Within the gateway's lag a payment without a row is too early; a later run finds it missing."""
    payment = await till.paid()
    await till.plant("row_missing", payment)
    run_id = await bench.start(till)
    while (await bench.advance(till, run_id, ahead=timedelta(0))).status == "running":
        pass
    assert await till.kinds() == ["too_early"]
    await till.reconcile()
    assert await till.kinds() == ["missing_at_gateway"]
    (early,) = await till.items(kind="too_early", comparison="balance")
    assert early.state == "explained"


async def test_a_row_that_comes_late_closes_the_item(bench: Bench, till: Till, clock: Traveller) -> None:
    """A row after its lag is missing at first. When it comes, that item is closed, and the delay is an item."""
    payment = await till.paid()
    await till.plant("row_late", payment, delay_s=LONG_S)
    await till.reconcile()
    assert await till.kinds() == ["missing_at_gateway"]
    clock.shift(LONG_S)
    await till.reconcile()
    assert await till.kinds() == ["late"]
    (missing,) = await till.items(kind="missing_at_gateway")
    (correction,) = await till.corrections(missing.id)
    assert (missing.state, correction.outcome, correction.actor) == ("explained", "explained", "clearway")


async def test_a_charge_of_nobody_is_missing_with_us(bench: Bench, till: Till) -> None:
    """Money that the gateway took and we did not record is booked as unmatched, and is an item of both comparisons."""
    await _charge_at_the_gateway(bench, till, new_id(PAYMENT), "dashboard-1")
    await till.reconcile()
    assert await till.kinds() == ["missing_with_us"]
    assert await till.kinds("operations") == ["missing_with_us"]
    (item,) = await till.items(comparison="balance")
    assert (item.severity, item.at_risk_minor, item.currency) == ("high", 7_000, "USD")
    fee = 7_000 * 29 // 1_000 + 30
    assert await till.balances() == {
        ("settlement", "USD"): 7_000 - fee,
        ("fees", "USD"): fee,
        ("unmatched", "USD"): -7_000,
    }
    settled = await till.balances()
    await till.reconcile()
    assert await till.balances() == settled, "a row of nobody is booked once, however often it is looked at"


async def test_a_closed_attempt_differs_from_nothing(bench: Bench, till: Till) -> None:
    """The failed attempt of a payment that is retrying is voided at its gateway, and no item says that this differs."""
    policy = RetryPolicy(scheduled=0, first_wait_s=3_600, within_s=30 * 86_400)
    retrying = await bench.durable.new_payment(till.merchant_id, instrument="lowfunds@clearway", retries=asdict(policy))
    await bench.durable.start(retrying)
    await bench.durable.until_status(retrying.id, "retrying")
    await till.reconcile()
    listed = select(gateway_operations.c.operation_key).where(gateway_operations.c.payment_id == retrying.id)
    assert f"{retrying.id}:close:1" in [row.operation_key for row in await bench.fetch(listed)]
    assert await till.kinds("operations") == []


async def test_a_payment_that_the_database_lost_is_recorded_again(bench: Bench, till: Till) -> None:
    """A lost payment is recorded again by recovery. The next run matches its row, and closes the items."""
    payment = await till.paid()
    await forget_payment(bench.durable.settings.database_url, payment.id)
    await till.reconcile()
    assert await till.kinds() == ["missing_with_us"]
    (lost,) = await till.items(comparison="operations")
    assert "recorded again" in lost.detail["recovery"] or "new workflow run" in lost.detail["recovery"]
    await _until_recorded(bench, payment.id)
    await till.reconcile()
    assert (await till.kinds(), await till.kinds("operations")) == ([], [])
    assert await till.balances() == {("settlement", "USD"): 50_000 - FEE, ("fees", "USD"): FEE}


async def test_a_difference_that_is_back_is_an_item_again(bench: Bench, till: Till) -> None:
    """A run closes an item when its difference is gone. When the difference is back, it is an item again."""
    payment = await till.paid()
    await forget_payment(bench.durable.settings.database_url, payment.id)
    await till.reconcile()
    await _until_recorded(bench, payment.id)
    await till.reconcile()
    assert await till.kinds("operations") == []
    await forget_payment(bench.durable.settings.database_url, payment.id)
    await till.reconcile()
    assert await till.kinds("operations") == ["missing_with_us"]


async def test_recovery_does_not_list_what_a_person_settled(bench: Bench, till: Till) -> None:
    """An unrecorded charge whose item a person closed is only counted by recovery."""
    payment_id = new_id(PAYMENT)
    await _charge_at_the_gateway(bench, till, payment_id, f"{payment_id}:authorise:1")
    await till.reconcile()
    assert await _unrecorded(bench, till, payment_id) == (1, 0)
    (item,) = await till.items(comparison="operations")
    await _resolve(bench, till, item.id, ItemState.EXPLAINED)
    assert await _unrecorded(bench, till, payment_id) == (0, 1)


async def _unrecorded(bench: Bench, till: Till, payment_id: str) -> tuple[int, int]:
    """Return how many operations of a payment recovery lists, and how many of the gateway's are settled."""
    gateways = {till.gateway_id: (await bench.gateways.get(till.gateway_id)).gateway}
    now = datetime.now(UTC)
    compared = await compare(bench.reconciler().recovery, gateways, now - DAY, now + DAY, dry_run=True)
    return sum(each.payment_id == payment_id for each in compared.unrecorded), compared.settled


async def test_a_refund_in_the_dashboard_is_found(bench: Bench, till: Till) -> None:
    """A refund that was made at the gateway itself is missing with us, and names the payment."""
    payment = await till.paid()
    reference = (await bench.durable.row(payment.id)).gateway_reference
    answer = await bench.durable.simulator.http.post(
        f"/v1/payments/{reference}/refunds",
        json={"amount": 1_000, "currency": "USD"},
        headers={"idempotency-key": f"dashboard-{payment.id}"},
    )
    assert answer.status_code == 201, answer.text
    await till.reconcile()
    (item,) = await till.items(comparison="balance")
    assert (item.kind, item.payment_id, item.at_risk_minor) == ("missing_with_us", payment.id, 1_000)


async def test_an_operation_that_is_not_listed_is_missing_at_the_gateway(bench: Bench, till: Till) -> None:
    """A payment of ours that the gateway's list does not have is an item; once it is listed, the item is closed."""
    payment = await till.paid()
    await bench.durable.faults({"operation": "listing", "fault": "row_missing", "match": {"payment_id": payment.id}})
    await till.reconcile()
    assert await till.kinds("operations") == ["missing_at_gateway"]
    await bench.durable.faults()
    await till.reconcile()
    assert await till.kinds("operations") == []


async def test_a_failed_payment_that_the_gateway_charged_differs_in_state(bench: Bench, till: Till) -> None:
    """The gateway has the money of a payment that ended failed with us: a late success is found by the list."""
    order_id = await bench.durable.order(till.merchant_id, 50_000, "USD")
    payment = await bench.durable.new_payment(
        till.merchant_id, order_id=order_id, instrument="lowfunds@clearway", currency="USD"
    )
    _, handle = await bench.durable.start(payment)
    assert (await bench.durable.ended(handle)).status == "failed"
    await _charge_at_the_gateway(bench, till, payment.id, f"{payment.id}:authorise:2")
    await till.reconcile()
    assert await till.kinds("operations") == ["state_differs"]
    assert await till.kinds() == ["state_differs"]


async def test_another_merchants_gateway_is_not_touched(bench: Bench, till: Till) -> None:
    """A run compares one gateway: rows, items and books of another one stay as they are."""
    other = await bench.till()
    await other.paid()
    await till.paid()
    await till.plant("row_missing")
    await till.reconcile()
    assert await other.items() == []
    assert await bench.rows(other) == []


async def test_a_written_off_difference_leaves_the_account(bench: Bench, till: Till) -> None:
    """Writing off books the difference once, by a further transaction, and the item is closed for good."""
    payment = await till.paid()
    await till.plant("row_wrong_amount", payment)
    await till.reconcile()
    assert (await till.balances())["receivable", "USD"] == UNIT
    (item,) = await till.items()
    await _resolve(bench, till, item.id, ItemState.WRITTEN_OFF)
    balances = await till.balances()
    assert ("receivable", "USD") not in balances
    assert balances["written_off", "USD"] == UNIT
    (correction,) = await till.corrections(item.id)
    assert correction.ledger_reference == f"written_off/{item.id}"
    with pytest.raises(Exception, match="already"):
        await _resolve(bench, till, item.id, ItemState.EXPLAINED)
    await till.reconcile()
    assert await till.kinds() == [], "a difference that a person closed is not opened again"


async def _resolve(bench: Bench, till: Till, item_id: str, outcome: ItemState) -> None:
    async with bench.durable.engine.begin() as connection:
        await commands.resolve(
            connection, till.actor, item_id, outcome, "the gateway confirmed it", now=datetime.now(UTC)
        )


async def _charge_at_the_gateway(bench: Bench, till: Till, payment_id: str, key: str) -> None:
    """Take money at the gateway without Clearway."""
    body: dict[str, Any] = {
        "merchant_reference": payment_id,
        "amount": 7_000,
        "currency": "USD",
        "method": "upi",
        "instrument": "success@razorpay",
        "account": till.gateway_id,
    }
    answer = await bench.durable.simulator.http.post(
        "/v1/payments", json=body, headers={"idempotency-key": f"{key}" if ":" in key else f"{key}-{payment_id}"}
    )
    assert answer.status_code == 201, answer.text


async def _until_recorded(bench: Bench, payment_id: str) -> None:
    await bench.durable.skip_until_status(payment_id, "success")
