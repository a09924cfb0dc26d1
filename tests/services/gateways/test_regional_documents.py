"""The example documents on their stand-ins: what each becomes, what it believes, and what it never does twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest

from clearway.gateways.contract import (
    Executed,
    Inbound,
    InboundRequest,
    Operation,
    OperationKind,
    OutcomeKind,
    PreparingRefunds,
    SignatureInvalidError,
    Trust,
    find_out,
)
from tests.services.gateways.asking import MANUAL
from tests.services.gateways.document_bench import AtWork, change, connected
from tests.services.gateways.hosted_shop import Shop
from tests.services.gateways.running import Simulator
from tests.support.receiver import Delivery, Receiver, Reply, running_receiver

BANKS = ("ameriabank", "arca")
OK = Reply(body=b"OK")


@pytest.fixture
async def reports() -> AsyncIterator[Receiver]:
    """Receive what the gateways report, and answer OK."""
    async with running_receiver(usual=OK) as receiver:
        yield receiver


@pytest.fixture(params=BANKS)
async def bank(simulator: Simulator, request: pytest.FixtureRequest) -> AsyncIterator[AtWork]:
    """Connect a bank; Ameriabank with a terminal of two stages."""
    shop = Shop(simulator, request.param)
    await shop.register(two_stage=shop.gateway == "ameriabank")
    async with connected(shop) as at_work:
        yield at_work


@pytest.fixture
async def fastshift(simulator: Simulator, reports: Receiver) -> AsyncIterator[AtWork]:
    """Connect FastShift."""
    async with connected(Shop(simulator, "fastshift"), callback_url=reports.url) as at_work:
        yield at_work


async def reporting(simulator: Simulator, gateway: str, reports: Receiver, **account: Any) -> Shop:
    """Return an account at a gateway that reports to us."""
    shop = Shop(simulator, gateway)
    await shop.register(result_url=reports.url, **account)
    return shop


def arrived(delivery: Delivery, method: str = "POST") -> InboundRequest:
    """Return a report as Clearway receives it."""
    url, _, query = f"http://127.0.0.1{delivery.path}".partition("?")
    fields = dict(parse_qsl(query, keep_blank_values=True))
    return InboundRequest(method, f"{url}?{query}", delivery.headers, delivery.body, datetime.now(UTC), fields)


async def with_baseline(bank: AtWork, refund: Operation) -> Operation:
    """Read what is refunded before a refund is sent, as Clearway does."""
    assert isinstance(bank.gateway, PreparingRefunds)
    read = await bank.gateway.prepare_refund(refund)
    assert read.kind is OutcomeKind.PREPARED
    return replace(refund, baseline=read.state)


async def heard(at_work: AtWork, delivery: Delivery, method: str = "POST") -> Inbound:
    """Read a report by the connector."""
    return await at_work.gateway.read_inbound(arrived(delivery, method))


@pytest.mark.parametrize(("method", "plain"), [("POST", False), ("POST", True), ("GET", False), ("GET", True)])
async def test_telcell_reports_what_was_paid(
    simulator: Simulator, reports: Receiver, method: str, *, plain: bool
) -> None:
    """By either method, with either form of the id: the report is proven, and names the attempt and the amount."""
    shop = await reporting(simulator, "telcell", reports, callback_method=method, plain_ids=plain)
    async with connected(shop) as telcell:
        asked = await telcell.visited()
        await reports.until(1)
        [event] = (await heard(telcell, reports.received[0], method)).events
        assert (event.trust, event.outcome.kind, event.outcome.captured) == (Trust.PROVEN, OutcomeKind.APPROVED, True)
        assert (event.outcome.amount_minor, event.outcome.currency) == (190_000, "AMD")
        assert event.references == {"payment": asked.key}


async def test_telcell_is_not_asked_and_is_forgotten(simulator: Simulator) -> None:
    """A void ends nothing at Telcell: it is said to be approved, and the customer may still pay."""
    async with connected(Shop(simulator, "telcell")) as telcell:
        asked = await telcell.begun()
        page, outcome = await telcell.page(asked), await telcell.gateway.authorise(asked)
        voided = await telcell.gateway.void(change(replace(asked, references=outcome.references), "void"))
        assert voided.kind is OutcomeKind.APPROVED
        await telcell.shop.press(page, "pay")
        assert await telcell.effects(asked) == ["authorised", "captured"]


@pytest.mark.parametrize(("gateway", "field"), [("telcell", "sum"), ("idram", "EDP_AMOUNT")])
async def test_a_changed_report_is_refused(simulator: Simulator, reports: Receiver, gateway: str, field: str) -> None:
    """What a checksum covers cannot be changed; the genuine report is taken."""
    shop = await reporting(simulator, gateway, reports)
    async with connected(shop) as at_work:
        await at_work.visited()
        await reports.until(2 if gateway == "idram" else 1)
        genuine = reports.received[-1]
        [event] = (await heard(at_work, genuine)).events
        assert event.outcome.kind is OutcomeKind.APPROVED
        forged = genuine.body.replace(f"{field}=1900".encode(), f"{field}=1901".encode())
        assert forged != genuine.body
        with pytest.raises(SignatureInvalidError):
            await heard(at_work, replace(genuine, body=forged))


async def test_idram_asks_before_it_takes(simulator: Simulator, reports: Receiver) -> None:
    """The precheck names the bill and the amount, proves nothing, and has both answers; then comes the confirmation."""
    shop = await reporting(simulator, "idram", reports)
    async with connected(shop) as idram:
        asked = await idram.begun()
        bill = (await idram.gateway.authorise(asked)).references["payment"]
        await shop.press(await idram.page(asked), "pay")
        await reports.until(2)
        first, second = [await heard(idram, delivery) for delivery in reports.received]
        assert first.precheck is not None
        assert (first.precheck.payment, first.precheck.amount_minor, first.events) == (bill, 190_000, ())
        assert first.answer is not None
        assert (first.answer.body, first.precheck.refusal.body) == (b"OK", b"This payment is not open.")
        [event] = second.events
        assert (event.trust, event.references["payment"]) == (Trust.PROVEN, bill)
        assert second.answer is not None
        assert second.answer.body == b"OK"


async def test_fastshift_is_asked_after_a_webhook(fastshift: AtWork, reports: Receiver) -> None:
    """The webhook names the order and is a hint, whatever it says; the look-up has the outcome and the amount."""
    asked = await fastshift.visited()
    await reports.until(1)
    [event] = (await heard(fastshift, reports.received[0])).events
    assert (event.trust, event.outcome.kind) == (Trust.HINT, OutcomeKind.UNKNOWN)
    assert event.references == {"payment": asked.references["payment"]}
    outcome = await fastshift.gateway.recover(asked)
    assert (outcome.kind, outcome.captured, outcome.amount_minor) == (OutcomeKind.APPROVED, True, 190_000)


@pytest.mark.parametrize(("button", "kind"), [("decline", OutcomeKind.DECLINED), ("leave", OutcomeKind.NEEDS_ACTION)])
async def test_fastshift_says_what_became_of_a_page(fastshift: AtWork, button: str, kind: OutcomeKind) -> None:
    """A declined order is a decline; one that is left open still waits for its customer."""
    asked = await fastshift.visited(button)
    assert (await fastshift.gateway.recover(asked)).kind is kind
    assert await fastshift.effects(asked) == []


async def test_not_found_is_not_believed_at_once(fastshift: AtWork) -> None:
    """While FastShift may not show an order yet, "not found" is unknown; later it is believed."""
    asked = await fastshift.visited()
    await fastshift.shop.simulator.switch(operation="look_up", fault="not_found_yet")
    now = datetime.now(UTC)
    sent = replace(asked, first_sent_at=now, last_sent_at=now)
    assert (await find_out(fastshift.gateway, sent, now)).kind is OutcomeKind.UNKNOWN
    later = await find_out(fastshift.gateway, sent, now + timedelta(minutes=5))
    assert later.kind is OutcomeKind.NOT_FOUND


@pytest.mark.parametrize("fault", ["executed_then_dropped", "error_after_charge", "malformed", "executed_then_timeout"])
@pytest.mark.parametrize("gateway", ["fastshift", *BANKS])
async def test_a_registration_without_an_answer(simulator: Simulator, gateway: str, fault: str) -> None:
    """It is unknown; a repeat is refused, because the number is taken, and surely no money can move."""
    shop = Shop(simulator, gateway)
    async with connected(shop, timeout_s=2) as hasty, connected(shop) as at_work:
        await simulator.switch(operation="prepare", fault=fault, times=1, match={"gateway": gateway})
        asked = at_work.asked()
        sender = hasty if fault == "executed_then_timeout" else at_work
        first, second = await sender.gateway.prepare(asked), await at_work.gateway.prepare(asked)
        assert (first.kind, first.executed) == (OutcomeKind.UNKNOWN, Executed.MAYBE)
        assert (second.kind, second.executed) == (OutcomeKind.DECLINED, Executed.NO)


@pytest.mark.parametrize("fault", ["error_before", "rate_limited"])
async def test_a_registration_that_was_refused_may_be_sent_again(bank: AtWork, fault: str) -> None:
    """A 503 and a 429 come before anything is done."""
    await bank.shop.simulator.switch(operation="prepare", fault=fault, times=1, match={"gateway": bank.shop.gateway})
    asked = bank.asked()
    outcomes = [await bank.gateway.prepare(asked) for _ in range(2)]
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.RETRYABLE, OutcomeKind.PREPARED]


@pytest.mark.parametrize(("button", "code"), [("decline", "card_declined"), ("empty", "insufficient_funds")])
async def test_a_bank_declines(bank: AtWork, button: str, code: str) -> None:
    """The bank's code becomes a unified one."""
    asked = await bank.visited(button)
    outcome = await bank.gateway.recover(asked)
    assert (outcome.kind, outcome.error_code) == (OutcomeKind.DECLINED, code)
    assert await bank.effects(asked) == []


async def test_a_hold_is_captured_once(bank: AtWork) -> None:
    """A repeat of a capture is unknown, and the look-up says that it was made: there is one."""
    asked = await bank.visited(capture_method=MANUAL)
    held = await bank.gateway.recover(asked)
    assert (held.kind, held.captured, held.amount_minor) == (OutcomeKind.APPROVED, False, 190_000)
    capture = change(asked, "capture", 150_000)
    assert (await bank.gateway.capture(capture)).kind is OutcomeKind.APPROVED
    assert (await bank.gateway.capture(capture)).kind is OutcomeKind.UNKNOWN
    assert (await bank.gateway.recover(capture)).kind is OutcomeKind.APPROVED
    assert (await bank.gateway.recover(replace(capture, amount_minor=1_000))).kind is OutcomeKind.DECLINED
    assert await bank.effects(asked) == ["authorised", "captured", "voided"]


@pytest.mark.parametrize("kind", ["capture", "void", "refund"])
@pytest.mark.parametrize("fault", ["executed_then_dropped", "error_after_charge", "malformed"])
async def test_an_answer_that_is_lost_is_found(bank: AtWork, kind: str, fault: str) -> None:
    """A change whose answer is lost is unknown, and the details say that it was made."""
    asked = await bank.visited(capture_method=MANUAL)
    if kind == "refund":
        await bank.gateway.capture(change(asked, "capture"))
    made = change(asked, kind)
    if kind == "refund":
        made = await with_baseline(bank, made)
    await bank.shop.simulator.switch(operation=kind, fault=fault, match={"payment_id": asked.payment_id})
    assert (await getattr(bank.gateway, kind)(made)).kind is OutcomeKind.UNKNOWN
    assert (await bank.gateway.recover(made)).kind is OutcomeKind.APPROVED


@pytest.mark.parametrize("fault", ["executed_then_dropped", "error_after_charge", "error_before", "dropped_before"])
async def test_the_growth_of_the_refunded_amount_decides(bank: AtWork, fault: str) -> None:
    """Unchanged: it may be sent again. Grown by exactly this refund: done. By anything else: unknown."""
    asked = await bank.visited(capture_method=MANUAL)
    await bank.gateway.capture(change(asked, "capture"))
    first = await with_baseline(bank, change(asked, "refund", 40_000))
    assert (await bank.gateway.recover(first)).kind is OutcomeKind.NOT_FOUND
    assert (await bank.gateway.refund(first)).kind is OutcomeKind.APPROVED
    second = await with_baseline(bank, change(asked, "refund", 30_000))
    assert (first.baseline, second.baseline) == ("0", "40000")
    await bank.shop.simulator.switch(operation="refund", fault=fault, times=1, match={"payment_id": asked.payment_id})
    assert (await bank.gateway.refund(second)).kind in {OutcomeKind.UNKNOWN, OutcomeKind.RETRYABLE}
    was_made = fault in {"executed_then_dropped", "error_after_charge"}
    wanted = OutcomeKind.APPROVED if was_made else OutcomeKind.NOT_FOUND
    assert (await bank.gateway.recover(second)).kind is wanted
    assert (await bank.gateway.recover(replace(second, amount_minor=20_000))).kind is not OutcomeKind.APPROVED
    assert (await bank.gateway.recover(replace(second, baseline="5000"))).kind is OutcomeKind.UNKNOWN
    assert (await bank.gateway.recover(replace(second, baseline=None))).kind is OutcomeKind.UNKNOWN


async def test_a_baseline_that_is_not_read_lets_nothing_be_sent(bank: AtWork) -> None:
    """A question without an answer, and an answer about another payment, are no baseline."""
    asked = await bank.visited(capture_method=MANUAL)
    await bank.gateway.capture(change(asked, "capture"))
    refund = change(asked, "refund", 40_000)
    assert isinstance(bank.gateway, PreparingRefunds)
    await bank.shop.simulator.switch(operation="look_up", fault="malformed", match={"payment_id": asked.payment_id})
    assert (await bank.gateway.prepare_refund(refund)).kind is OutcomeKind.UNKNOWN
    lost = replace(refund, references={"payment": "00000000-0000-4000-8000-000000000000"})
    assert (await bank.gateway.prepare_refund(lost)).kind is OutcomeKind.UNKNOWN


async def test_the_rest_of_a_captured_hold_is_not_given_back(bank: AtWork) -> None:
    """A capture releases the rest. A void of it is done without a call, which would give back what was captured."""
    asked = await bank.visited(capture_method=MANUAL)
    assert (await bank.gateway.capture(change(asked, "capture", 150_000))).kind is OutcomeKind.APPROVED
    assert (await bank.gateway.void(change(asked, "void", 40_000))).kind is OutcomeKind.APPROVED
    assert await bank.effects(asked) == ["authorised", "captured", "voided"]
    assert (await bank.gateway.void(change(asked, "void"))).kind is OutcomeKind.DECLINED


async def test_an_open_page_cannot_be_called_off(bank: AtWork) -> None:
    """A void of a payment that waits for its customer is not approved: the customer may still pay."""
    asked = await bank.begun()
    void = change(asked, "void")
    outcome = await bank.gateway.void(void)
    assert (outcome.kind, outcome.executed) == (OutcomeKind.DECLINED, Executed.NO)


async def test_a_released_hold(bank: AtWork) -> None:
    """A void releases the hold; the authorisation is over, and can no longer be captured."""
    asked = await bank.visited(capture_method=MANUAL)
    void = change(asked, "void")
    assert (await bank.gateway.void(void)).kind is OutcomeKind.APPROVED
    assert (await bank.gateway.recover(void)).kind is OutcomeKind.APPROVED
    assert (await bank.gateway.recover(asked)).kind is OutcomeKind.DECLINED
    capture = replace(void, kind=OperationKind.CAPTURE)
    assert (await bank.gateway.recover(capture)).kind is OutcomeKind.DECLINED
    assert await bank.effects(asked) == ["authorised", "voided"]


async def test_a_bank_refuses_a_payment_that_it_does_not_have(bank: AtWork) -> None:
    """A capture or refund of an unknown payment is surely not made. A void asks first, and is unknown."""
    asked = await bank.visited(capture_method=MANUAL)
    lost = replace(asked, references={"payment": "00000000-0000-4000-8000-000000000000"})
    assert (await bank.gateway.void(change(lost, "void", 100))).kind is OutcomeKind.UNKNOWN
    for kind in ("capture", "refund"):
        outcome = await getattr(bank.gateway, kind)(change(lost, kind, 100))
        assert (outcome.kind, outcome.executed) == (OutcomeKind.DECLINED, Executed.NO)
    assert (await bank.gateway.recover(lost)).kind is OutcomeKind.NOT_FOUND


@pytest.mark.parametrize("seed", range(6))
async def test_the_types_of_ameriabank_vary(simulator: Simulator, seed: int) -> None:
    """Numbers that are texts and codes with words mean the same: order numbers are odd and even."""
    shop = Shop(simulator, "ameriabank")
    async with connected(shop) as bank:
        asked = await bank.visited(payment_id=f"pay_0000000000000000000000010{seed}")
        outcome = await bank.gateway.recover(asked)
        assert (outcome.kind, outcome.captured, outcome.amount_minor) == (OutcomeKind.APPROVED, True, 190_000)
