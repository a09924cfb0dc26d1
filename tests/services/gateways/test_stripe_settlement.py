"""What Stripe lists: operations, balance transactions and payouts; the stand-in is true to the official schemas."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from clearway.domain.settlement import BalanceKind
from clearway.gateways.contract import (
    BalanceLister,
    BalanceRow,
    GatewayUnavailableError,
    OperationKind,
    OperationLister,
    OutcomeKind,
    PayoutLister,
)
from clearway.gateways.stripe import paging
from tests.services.gateways.asking import MANUAL, follow_up
from tests.services.gateways.running import Simulator, running_simulator
from tests.services.gateways.stripe_account import Account
from tests.services.gateways.stripe_bench import Stripe, connected
from tests.support.receiver import Receiver

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LATER = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
async def settling(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    """Run a simulator that settles at once."""
    state = tmp_path_factory.mktemp("settling") / "sim.sqlite3"
    async with running_simulator(state, simulator_settlement_lag_s=0, simulator_payout_every_s=1) as running:
        yield running


@pytest.fixture
async def stripe(settling: Simulator, receiver: Receiver, request: pytest.FixtureRequest) -> AsyncIterator[Stripe]:
    """Connect to a fresh account."""
    account = Account(settling, f"settled_{abs(hash(request.node.name))}")
    async with connected(account, receiver) as connection:
        yield connection
    await account.aclose()


async def rows_of(stripe: Stripe) -> list[BalanceRow]:
    """Return the rows of the account, without those of payouts, oldest first."""
    page = await stripe.gateway.list_balance_rows(since=LONG_AGO, until=LATER)
    return [row for row in reversed(page.rows) if row.kind is not BalanceKind.PAYOUT]


async def test_a_charge_and_its_refund_name_our_operations(stripe: Stripe) -> None:
    """Rows carry our key, the payment and the charge, by the source that Stripe expands."""
    asked, outcome = await stripe.paid(amount_minor=10_000)
    refund = follow_up(asked, outcome, "refund", 4_000)
    refunded = await stripe.gateway.refund(refund)
    charge, back = await rows_of(stripe)
    assert (charge.kind, charge.gross_minor, charge.fee_minor) == (BalanceKind.CHARGE, 10_000, 320)
    assert (charge.key, charge.payment_id, charge.payment_reference) == (
        asked.key,
        asked.payment_id,
        outcome.references["payment"],
    )
    assert (back.kind, back.gross_minor, back.key, back.source) == (
        BalanceKind.REFUND,
        -4_000,
        refund.key,
        refunded.reference,
    )


async def test_a_partial_capture_has_two_rows_that_sum_to_it(stripe: Stripe) -> None:
    """Stripe reports the whole authorisation and the part that was not captured: together they are the capture."""
    asked, outcome = await stripe.paid(amount_minor=10_000, capture_method=MANUAL)
    captured = await stripe.gateway.capture(replace(follow_up(asked, outcome, "capture", 6_000), final=True))
    assert captured.kind is OutcomeKind.APPROVED, captured
    rows = await rows_of(stripe)
    assert [row.gross_minor for row in rows] == [10_000, -4_000]
    assert {row.kind for row in rows} == {BalanceKind.CHARGE}
    assert sum(row.fee_minor for row in rows) == 6_000 * 29 // 1_000 + 30
    assert {row.payment_id for row in rows} == {asked.payment_id}


async def test_operations_are_listed_with_their_captures(stripe: Stripe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Intents come with the captures that their marks name, then refunds, over pages."""
    monkeypatch.setattr(paging, "LISTED_AT_ONCE", 1)
    began = datetime.now(UTC)
    asked, outcome = await stripe.paid(amount_minor=10_000, capture_method=MANUAL)
    capture = replace(follow_up(asked, outcome, "capture", 6_000), final=True)
    await stripe.gateway.capture(capture)
    refund = follow_up(asked, outcome, "refund", 1_000)
    await stripe.gateway.refund(refund)
    declined, _ = await stripe.paid("pm_card_visa_chargeDeclined")
    found, cursor = {}, None
    while True:
        page = await stripe.gateway.list_operations(since=began, cursor=cursor)
        found |= {one.key: one for one in page.operations}
        cursor = page.cursor
        if cursor is None:
            break
    assert {key: (one.kind, one.outcome.kind) for key, one in found.items()} == {
        asked.key: (OperationKind.AUTHORISE, OutcomeKind.APPROVED),
        capture.key: (OperationKind.CAPTURE, OutcomeKind.APPROVED),
        refund.key: (OperationKind.REFUND, OutcomeKind.APPROVED),
        declined.key: (OperationKind.AUTHORISE, OutcomeKind.DECLINED),
    }
    assert found[capture.key].outcome.amount_minor == 6_000
    assert {one.payment_id for one in found.values()} == {asked.payment_id, declined.payment_id}


async def test_payouts_and_their_rows(stripe: Stripe) -> None:
    """A payout is the sum of the rows that it pays."""
    await stripe.paid(amount_minor=10_000)
    await rows_of(stripe)
    payouts = ()
    while not payouts:
        payouts = (await stripe.gateway.list_payouts(since=LONG_AGO, until=LATER)).payouts
    (payout,) = payouts
    paid = await stripe.gateway.list_payout_rows(payout.id)
    rows = {row.id: row for row in await rows_of(stripe)}
    assert payout.amount_minor == sum(rows[row_id].net_minor for row_id in paid.row_ids) == 9_680


async def test_another_accounts_payout_is_not_found(stripe: Stripe, settling: Simulator, receiver: Receiver) -> None:
    """Stripe refuses to list the rows of a payout of another account, and the error says what it answered."""
    await stripe.paid(amount_minor=10_000)
    await rows_of(stripe)
    payouts = ()
    while not payouts:
        payouts = (await stripe.gateway.list_payouts(since=LONG_AGO, until=LATER)).payouts
    account = Account(settling, "settled_stranger")
    async with connected(account, receiver) as stranger:
        with pytest.raises(GatewayUnavailableError, match=f"No such payout: '{payouts[0].id}'"):
            await stranger.gateway.list_payout_rows(payouts[0].id)
    await account.aclose()


async def test_stripe_declares_its_lists(stripe: Stripe) -> None:
    """The optional parts of the contract are recognised, and each list has a lag."""
    for part in (OperationLister, BalanceLister, PayoutLister):
        assert isinstance(stripe.gateway, part)
    assert stripe.gateway.abilities.lists.balance_lag_s == 3_600
