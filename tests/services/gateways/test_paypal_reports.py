"""What PayPal's reports list: operations, and balance rows with their fees; the stand-in is true to the schemas."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

import httpx
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
    PayoutLister,
)
from clearway.gateways.paypal import listing
from clearway.gateways.paypal.client import PayPalGateway
from clearway.gateways.paypal.exchange import PayPalCredentials
from clearway.simulator.facades.paypal import reporting
from tests.services.gateways.asking import MANUAL, follow_up
from tests.services.gateways.listing import all_operations, all_rows
from tests.services.gateways.paypal_account import Account
from tests.services.gateways.paypal_bench import PayPal, connected
from tests.services.gateways.running import Simulator, running_simulator
from tests.support.receiver import Receiver

LATER = timedelta(minutes=5)
LONG = timedelta(days=80)


@pytest.fixture(scope="module")
async def settling(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    """Run a simulator that settles at once, EUR in USD."""
    state = tmp_path_factory.mktemp("settling") / "sim.sqlite3"
    rates = {"simulator_settlement_currency": "USD", "simulator_exchange_rates": {"EUR": Decimal("1.08")}}
    async with running_simulator(state, simulator_settlement_lag_s=0, **rates) as running:
        yield running


@pytest.fixture
async def paypal(settling: Simulator, receiver: Receiver, request: pytest.FixtureRequest) -> AsyncIterator[PayPal]:
    """Connect to a fresh account."""
    (await settling.http.put("/faults", json=[])).raise_for_status()
    async with connected(Account(settling, f"reports_{abs(hash(request.node.name))}"), receiver) as connection:
        yield connection


async def rows_of(paypal: PayPal, back: timedelta = LATER) -> list[BalanceRow]:
    """Return the rows of the account, oldest first."""
    now = datetime.now(UTC)
    return await all_rows(paypal.gateway, now - back, now + LATER)


async def operations_of(paypal: PayPal) -> dict[str | None, ListedOperation]:
    """Return the operations of the account, by our key."""
    return await all_operations(paypal.gateway, datetime.now(UTC) - LATER)


async def test_a_charge_and_its_refund_name_our_operations(paypal: PayPal) -> None:
    """Rows carry our key, our payment and PayPal's ids; the fee, a negative amount there, is what PayPal kept."""
    asked, outcome = await paypal.paid(amount_minor=10_000)
    refund = follow_up(asked, outcome, "refund", 4_000)
    refunded = await paypal.gateway.refund(refund)
    charge, back = await rows_of(paypal)
    assert (charge.kind, charge.gross_minor, charge.fee_minor) == (BalanceKind.CHARGE, 10_000, 320)
    assert (charge.key, charge.payment_id, charge.source) == (
        asked.key,
        asked.payment_id,
        outcome.references["capture"],
    )
    assert (back.kind, back.gross_minor, back.fee_minor) == (BalanceKind.REFUND, -4_000, 0)
    assert (back.key, back.source) == (refund.key, refunded.reference)
    assert back.payment_reference == outcome.references["capture"]


async def test_a_conversion_is_two_rows_of_their_own(paypal: PayPal) -> None:
    """The charge is in the customer's currency; the two sides of the conversion move its net to the other balance."""
    await paypal.paid(amount_minor=10_000, currency="EUR")
    rows = {(row.kind, row.currency): row for row in await rows_of(paypal)}
    charge = rows[BalanceKind.CHARGE, "EUR"]
    assert charge.gross_minor == 10_000
    assert rows[BalanceKind.CONVERSION, "EUR"].gross_minor == -charge.net_minor
    assert rows[BalanceKind.CONVERSION, "USD"].gross_minor == 10_800 - (10_800 * 29 // 1_000 + 30)


async def test_what_waits_is_no_row_and_is_an_operation(paypal: PayPal) -> None:
    """A payment under review moved no balance yet; its operation is pending."""
    asked, _ = await paypal.paid("approve/review")
    assert await rows_of(paypal) == []
    assert (await operations_of(paypal))[asked.key].outcome.kind is OutcomeKind.PENDING


async def test_operations_are_listed_with_their_captures(paypal: PayPal, monkeypatch: pytest.MonkeyPatch) -> None:
    """An authorization, its capture and its refund are told apart by the key that each carries, over pages."""
    monkeypatch.setattr(listing, "LISTED_AT_ONCE", 1)
    asked, outcome = await paypal.paid(amount_minor=10_000, capture_method=MANUAL)
    capture = replace(follow_up(asked, outcome, "capture", 6_000), final=True)
    captured = await paypal.gateway.capture(capture)
    refund = follow_up(asked, outcome, "refund", 6_000)
    await paypal.gateway.refund(refund)
    found = await operations_of(paypal)
    assert {key: (one.kind, one.outcome.kind, one.outcome.amount_minor) for key, one in found.items()} == {
        asked.key: (OperationKind.AUTHORISE, OutcomeKind.APPROVED, 10_000),
        capture.key: (OperationKind.CAPTURE, OutcomeKind.APPROVED, 6_000),
        refund.key: (OperationKind.REFUND, OutcomeKind.APPROVED, 6_000),
    }
    assert found[capture.key].outcome.reference == captured.reference
    assert not found[asked.key].outcome.captured
    assert {one.payment_id for one in found.values()} == {asked.payment_id}


async def test_a_long_period_is_read_in_months_and_a_full_one_in_halves(
    paypal: PayPal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PayPal refuses more than 31 days, and too many transactions at once: each row is listed all the same."""
    monkeypatch.setattr(reporting, "RESULTS_MAX", 2)
    keys = []
    for _ in range(3):
        asked, _outcome = await paypal.paid(amount_minor=1_000)
        keys.append(asked.key)
        await asyncio.sleep(1.05)  # halves are whole seconds
    assert list(dict.fromkeys(row.key for row in await rows_of(paypal, LONG))) == keys


async def test_a_dispute_has_its_fee_as_a_row(paypal: PayPal) -> None:
    """A chargeback takes the amount, and its fee is one more row."""
    await paypal.switch(operation="settlement", fault="row_disputed")
    await paypal.paid(amount_minor=10_000)
    found = {(row.kind, row.gross_minor) for row in await rows_of(paypal)}
    assert found == {(BalanceKind.CHARGE, 10_000), (BalanceKind.DISPUTE, -10_000), (BalanceKind.FEE, -1_500)}


async def test_the_stand_in_refuses_what_paypal_refuses(paypal: PayPal) -> None:
    """Too long a period, and a page that is too large, are refused; what is listed has PayPal's shape."""
    await paypal.paid(amount_minor=10_000)
    now = datetime.now(UTC)
    asked = {"start_date": (now - LATER).isoformat(), "end_date": (now + LATER).isoformat(), "fields": "all"}
    wrong = {"start_date": (now - LONG).isoformat()}, {"page_size": "501"}, {"start_date": "yesterday"}
    for change in wrong:
        refused = await paypal.account.send("GET", f"/v1/reporting/transactions?{urlencode(asked | change)}")
        assert (refused.status_code, refused.json()["name"]) == (400, "INVALID_REQUEST"), refused.text
    found = await paypal.account.send("GET", f"/v1/reporting/transactions?{urlencode(asked)}")
    assert found.json()["total_items"] == 1


@pytest.mark.parametrize(("status", "said"), [(403, "Transaction search"), (400, "not available"), (500, "not answer")])
async def test_a_refusal_says_why(status: int, said: str) -> None:
    """The error has what PayPal answered, or what to switch on; a server error is no answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            return httpx.Response(200, json={"access_token": "A21", "expires_in": 900})
        issue = {"field": "start_date", "issue": "Data for the given start date is not available."}
        return httpx.Response(status, json={"name": "X", "details": [issue]} if status == 400 else {})

    gateway = PayPalGateway(PayPalCredentials("client", "secret"), timeout_s=5, transport=httpx.MockTransport(answer))
    with pytest.raises(GatewayUnavailableError, match=said):
        await gateway.list_balance_rows(since=datetime.now(UTC) - LATER, until=datetime.now(UTC))
    await gateway.aclose()


async def test_paypal_declares_its_lists(paypal: PayPal) -> None:
    """It lists operations and rows, three hours late at most, and no payouts."""
    assert isinstance(paypal.gateway, OperationLister)
    assert isinstance(paypal.gateway, BalanceLister)
    assert not isinstance(paypal.gateway, PayoutLister)
    lists = paypal.gateway.abilities.lists
    assert (lists.operations_lag_s, lists.balance_lag_s, lists.payouts_lag_s) == (10_800, 10_800, None)
