"""Every value that docs/testing-values.md names does what it says there, over the real HTTP service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clearway.domain.errors import DECLINE_CODES
from clearway.gateways.contract import CardRefusedError, GatewayOutcome, OutcomeKind
from clearway.gateways.simulator.client import SimulatorGateway
from clearway.settings import DEVELOPMENT_SIMULATOR_SECRET
from clearway.simulator.fault_kinds import FaultKind
from clearway.simulator.scenarios import BANKS, CARDS, UPI_AMOUNTS, VPAS, WALLETS
from tests.services.gateways.asking import card, card_order, follow_up, order, outcome_when
from tests.services.gateways.running import PATIENCE_S, Simulator, running_simulator

DOCUMENT = Path(__file__).parents[3] / "docs" / "testing-values.md"


def _tables() -> dict[str, list[list[str]]]:
    """Return the rows of every table of the document, by the first heading cell."""
    tables: dict[str, list[list[str]]] = {}
    previous: list[str] | None = None
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else None
        if cells is not None and previous is None:
            rows = tables.setdefault(cells[0] + ("/" + cells[1] if cells[0] == "VPA" else ""), [])
        elif cells is not None and set(line) - set("|-"):
            rows.append(cells)
        previous = cells
    return tables


TABLES = _tables()


@pytest.fixture(scope="module")
async def certain(tmp_path_factory) -> AsyncIterator[Simulator]:
    """Run a simulator that fails every payment without a test value, so that an unknown value is found."""
    path = tmp_path_factory.mktemp("values") / "sim.sqlite3"
    async with running_simulator(path, test_payment_success=False) as running:
        yield running


@asynccontextmanager
async def hasty(simulator: Simulator, first: str) -> AsyncIterator[SimulatorGateway]:
    """Give a connector that gives up soon, where the first request has no answer: only that one may fail for it."""
    timeout_s = 2.0 if first.startswith("no answer") else PATIENCE_S
    gateway = SimulatorGateway(simulator.url, DEVELOPMENT_SIMULATOR_SECRET, timeout_s=timeout_s)
    try:
        yield gateway
    finally:
        await gateway.aclose()


async def _check(simulator: Simulator, asked, result: str, code: str) -> None:
    outcome = await simulator.gateway.authorise(asked)
    if result.startswith("page, then "):
        assert outcome.kind is OutcomeKind.NEEDS_ACTION
        assert (await simulator.http.get(outcome.action.url)).status_code == 200
        assert (await simulator.http.post(f"{outcome.action.url}/complete")).status_code == 200
        outcome = await simulator.gateway.recover(asked)
        result = result.removeprefix("page, then ")
    _check_end(outcome, result, code)
    assert await simulator.charges(asked.payment_id) == (result == "approved")


def _check_end(outcome: GatewayOutcome, result: str, code: str) -> None:
    assert outcome.kind.value == result
    assert outcome.error_code == (code or None)
    assert outcome.captured is (result == "approved")
    assert code == "" or code in DECLINE_CODES


@pytest.mark.parametrize("row", TABLES["Number"], ids=lambda row: row[0])
async def test_card(certain: Simulator, row: list[str]) -> None:
    """Each card number has the documented result and code, even when the settings force another."""
    number, result, code, _ = row
    if result == "refused":
        with pytest.raises(CardRefusedError) as refusal:
            await certain.gateway.tokenise(card(number))
        assert refusal.value.code == code
    else:
        await _check(certain, await card_order(certain.gateway, number), result, code)


@pytest.mark.parametrize("row", TABLES["Field"], ids=lambda row: f"{row[0]} {row[1]}")
async def test_card_field(certain: Simulator, row: list[str]) -> None:
    """A bad expiry or security code is refused before there is a payment, with the documented code."""
    name, value, _, code = row
    wrong = {
        "expiry month": card(month=int(value)),
        "expiry year": card(year=int(value)),
        "security code": card(cvv=value),
    }
    with pytest.raises(CardRefusedError) as refusal:
        await certain.gateway.tokenise(wrong[name])
    assert refusal.value.code == code


@pytest.mark.parametrize("row", TABLES["VPA/Result"], ids=lambda row: row[0])
async def test_vpa(certain: Simulator, row: list[str]) -> None:
    """Each UPI address has the documented result and code, in capital letters too."""
    vpa, result, code, _ = row
    await _check(certain, order(vpa), result, code)
    await _check(certain, order(vpa.upper()), result, code)


@pytest.mark.parametrize("row", TABLES["Amount (paise)"], ids=lambda row: row[0])
async def test_upi_amount(certain: Simulator, row: list[str]) -> None:
    """Each UPI amount has the documented code, unless the address has a meaning of its own."""
    amount, result, code, _ = row
    await _check(certain, order("someone@bank", amount_minor=int(amount)), result, code)
    await _check(certain, order("success@razorpay", amount_minor=int(amount)), "approved", "")


@pytest.mark.parametrize("row", TABLES["Bank"], ids=lambda row: row[0])
async def test_bank(certain: Simulator, row: list[str]) -> None:
    """Each bank code has the documented result and code."""
    await _check(certain, order(row[0], "netbanking"), row[1], row[2])


@pytest.mark.parametrize("row", TABLES["Wallet"], ids=lambda row: row[0])
async def test_wallet(certain: Simulator, row: list[str]) -> None:
    """Each wallet code has the documented result and code."""
    await _check(certain, order(row[0], "wallet"), row[1], row[2])


REFUND_COURSES = {
    "pending, then succeeded": (OutcomeKind.PENDING, OutcomeKind.APPROVED, ["refunded"]),
    "succeeded, then failed": (OutcomeKind.APPROVED, OutcomeKind.DECLINED, ["refunded", "refund_reversed"]),
    "failed": (OutcomeKind.DECLINED, OutcomeKind.DECLINED, []),
    "no answer, and succeeded": (OutcomeKind.UNKNOWN, OutcomeKind.APPROVED, ["refunded"]),
}


@pytest.mark.parametrize("row", TABLES["Value"], ids=lambda row: row[0])
async def test_refund_value(certain: Simulator, row: list[str]) -> None:
    """Refunds of each value go the documented way, and the journal shows what really happened."""
    first, last, effects = REFUND_COURSES[row[1]]
    asked = order(row[0]) if "@" in row[0] else await card_order(certain.gateway, row[0])
    paid = await certain.gateway.authorise(asked)
    refund = follow_up(asked, paid, "refund", 400)
    async with hasty(certain, row[1]) as gateway:
        assert (await gateway.refund(refund)).kind is first
    ended = await outcome_when(certain.gateway, refund, last)
    assert ended.error_code == ("refund_failed" if last is OutcomeKind.DECLINED else None)
    after = await certain.effects(asked.payment_id)
    assert [effect["type"] for effect in after] == ["authorised", "captured", *effects]
    payment = (await certain.http.get(f"/v1/payments/{paid.reference}")).json()
    assert payment["amount_refunded"] == (400 if effects == ["refunded"] else 0)


FIRST_ANSWERS = {"no answer": OutcomeKind.UNKNOWN, "try again": OutcomeKind.RETRYABLE, "approved": OutcomeKind.APPROVED}


@pytest.mark.parametrize("row", [row for row in TABLES["VPA/At first"] if "slow" not in row[0]], ids=lambda row: row[0])
async def test_misbehaving_vpa(certain: Simulator, row: list[str]) -> None:
    """Asking again with the same key gets through each misbehaviour, and there is exactly one charge."""
    asked = order(row[0])
    async with hasty(certain, row[1]) as gateway:
        outcome = await gateway.authorise(asked)
    assert outcome.kind is FIRST_ANSWERS[row[1]]
    if row[1] == "try again":
        assert (await certain.gateway.recover(asked)).kind is OutcomeKind.NOT_FOUND
        assert (await certain.gateway.authorise(asked)).kind is OutcomeKind.RETRYABLE
        assert (await certain.gateway.authorise(asked)).kind is OutcomeKind.APPROVED
    elif row[0].startswith("unknown"):
        assert [(await certain.gateway.recover(asked)).kind for _ in range(2)] == [OutcomeKind.NOT_FOUND] * 2
    assert (await certain.gateway.recover(asked)).kind is OutcomeKind.APPROVED
    assert (await certain.gateway.authorise(asked)).kind is OutcomeKind.APPROVED
    assert await certain.charges(asked.payment_id) == 1


def test_document_is_complete() -> None:
    """No test value and no fault is known to the simulator and missing from the document."""
    documented = {row[0].strip("`") for rows in TABLES.values() for row in rows}
    known = {*CARDS, *VPAS, *BANKS, *WALLETS, *map(str, UPI_AMOUNTS), *(kind.value for kind in FaultKind)}
    assert known - documented == set()
