"""What Square lists: operations, entries of payouts as balance rows, and payouts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from clearway.domain.settlement import BalanceKind
from clearway.gateways.contract import (
    BalanceLister,
    BalanceRow,
    GatewayUnavailableError,
    ListedOperation,
    OperationKind,
    OperationLister,
    OutcomeKind,
    Payout,
    PayoutLister,
)
from clearway.gateways.square import listing
from tests.services.gateways.asking import MANUAL, follow_up
from tests.services.gateways.listing import all_operations, all_rows
from tests.services.gateways.running import Simulator, running_simulator
from tests.services.gateways.square_account import Seller
from tests.services.gateways.square_bench import Square, connected
from tests.support.receiver import Receiver

BACK = timedelta(minutes=5)


@pytest.fixture(scope="module")
async def settling(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    """Run a simulator that settles at once, and pays out every second."""
    state = tmp_path_factory.mktemp("settling") / "sim.sqlite3"
    at_once = {"simulator_settlement_lag_s": 0, "simulator_payout_every_s": 1, "simulator_square_list_lag_s": 0}
    async with running_simulator(state, **at_once) as running:
        yield running


@pytest.fixture
async def square(settling: Simulator, receiver: Receiver, request: pytest.FixtureRequest) -> AsyncIterator[Square]:
    """Connect to a fresh seller."""
    (await settling.http.put("/faults", json=[])).raise_for_status()
    seller = Seller(settling, f"payouts_{abs(hash(request.node.name))}")
    async with connected(seller, receiver) as connection:
        yield connection
    await seller.aclose()


async def payouts_of(square: Square) -> list[Payout]:
    """Wait for the next payout, and return all."""
    await asyncio.sleep(1.2)
    now = datetime.now(UTC)
    return list((await square.gateway.list_payouts(since=now - BACK, until=now + BACK)).payouts)


async def rows_of(square: Square) -> list[BalanceRow]:
    """Return the rows of the seller."""
    now = datetime.now(UTC)
    return await all_rows(square.gateway, now - BACK, now + BACK)


async def operations_of(square: Square) -> dict[str | None, ListedOperation]:
    """Return the operations of the seller, by our key."""
    return await all_operations(square.gateway, datetime.now(UTC) - BACK)


async def test_a_payout_its_entries_and_its_own_row(square: Square, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry names its payment or refund, and the fee; the payout is their sum, and a row of its own."""
    monkeypatch.setattr(listing, "LISTED_AT_ONCE", 1)
    asked, outcome = await square.paid(amount_minor=10_000)
    refund = follow_up(asked, outcome, "refund", 4_000)
    refunded = await square.gateway.refund(refund)
    payouts = await payouts_of(square)
    rows = {(row.kind, row.gross_minor): row for row in await rows_of(square)}
    charge = rows[BalanceKind.CHARGE, 10_000]
    assert (charge.fee_minor, charge.source, charge.currency) == (320, outcome.references["payment"], "USD")
    back = rows[BalanceKind.REFUND, -4_000]
    assert (back.fee_minor, back.source) == (0, refunded.reference)
    assert back.payment_reference == outcome.references["payment"]
    entries: dict[str, list[str]] = {payout.id: [] for payout in payouts}
    for payout in payouts:
        cursor = None
        while True:
            page = await square.gateway.list_payout_rows(payout.id, cursor=cursor)
            entries[payout.id] += page.row_ids
            cursor = page.cursor
            if cursor is None:
                break
        paid = [row.net_minor for row in rows.values() if row.id in entries[payout.id]]
        assert sum(paid) == payout.amount_minor == -rows[BalanceKind.PAYOUT, -payout.amount_minor].gross_minor
    assert sum(payout.amount_minor for payout in payouts) == 10_000 - 320 - 4_000


async def test_operations_show_what_was_captured(square: Square, monkeypatch: pytest.MonkeyPatch) -> None:
    """A payment is one operation, with what was captured of it; refunds follow, over pages."""
    monkeypatch.setattr(listing, "LISTED_AT_ONCE", 1)
    asked, outcome = await square.paid(amount_minor=10_000, capture_method=MANUAL)
    capture = replace(follow_up(asked, outcome, "capture", 6_000), final=True)
    await square.gateway.capture(capture)
    refund = follow_up(asked, outcome, "refund", 1_000)
    await square.gateway.refund(refund)
    held, _ = await square.paid(amount_minor=5_000, capture_method=MANUAL)
    declined, _ = await square.paid("cnon:card-nonce-declined")
    found = await operations_of(square)
    assert {
        key: (one.kind, one.outcome.kind, one.outcome.captured, one.outcome.amount_minor) for key, one in found.items()
    } == {
        asked.key: (OperationKind.AUTHORISE, OutcomeKind.APPROVED, True, 6_000),
        held.key: (OperationKind.AUTHORISE, OutcomeKind.APPROVED, False, 5_000),
        declined.key: (OperationKind.AUTHORISE, OutcomeKind.DECLINED, False, None),
        refund.key: (OperationKind.REFUND, OutcomeKind.APPROVED, False, 1_000),
    }
    assert found[asked.key].payment_id == asked.payment_id


async def test_another_sellers_payout_is_not_found(square: Square, settling: Simulator, receiver: Receiver) -> None:
    """Square refuses to list the entries of a payout of another seller, and the error says what it answered."""
    await square.paid(amount_minor=10_000)
    payouts = await payouts_of(square)
    seller = Seller(settling, "payouts_stranger")
    async with connected(seller, receiver) as stranger:
        assert await payouts_of(stranger) == []
        assert await rows_of(stranger) == []
        with pytest.raises(GatewayUnavailableError, match="NOT_FOUND"):
            await stranger.gateway.list_payout_rows(payouts[0].id)
    await seller.aclose()


async def test_what_the_stand_in_lists_has_squares_shape(square: Square) -> None:
    """Payouts and entries are valid by Square's own document."""
    await square.paid(amount_minor=10_000)
    (payout,) = await payouts_of(square)
    assert (await square.seller.send("GET", "/payouts")).json()["payouts"][0]["id"] == payout.id
    entries = await square.seller.send("GET", f"/payouts/{payout.id}/payout-entries")
    assert entries.json()["payout_entries"][0]["type"] == "CHARGE"


async def test_square_declares_its_lists(square: Square) -> None:
    """All three lists are recognised; rows come with the payout, days later."""
    for part in (OperationLister, BalanceLister, PayoutLister):
        assert isinstance(square.gateway, part)
    lists = square.gateway.abilities.lists
    assert (lists.operations_lag_s, lists.balance_lag_s, lists.payouts_lag_s) == (60, 4 * 86_400, 3_600)
