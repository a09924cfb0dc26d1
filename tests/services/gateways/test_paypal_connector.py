"""PayPal's connector on its stand-in: what each operation comes to, and what it believes when an answer is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from time_machine import Traveller

from clearway.gateways.contract import Executed, Operation, OutcomeKind
from clearway.gateways.paypal.client import PayPalGateway
from clearway.gateways.paypal.exchange import PayPalCredentials
from clearway.gateways.paypal.mapping import outcome_of_order
from clearway.gateways.tokens import Token
from tests.services.gateways.asking import MANUAL, follow_up, order, outcome_when
from tests.services.gateways.paypal_account import Account
from tests.services.gateways.paypal_bench import RETURN_URL, PayPal, connected
from tests.services.gateways.running import LONG_S, running_simulator
from tests.support.paypal_shapes import assert_is
from tests.support.receiver import Receiver

AFTER = ["executed_then_dropped", "error_after_charge", "malformed"]


@pytest.fixture
async def bench(paypal: Account, receiver: Receiver) -> AsyncIterator[PayPal]:
    """Connect to an account that no other test has."""
    async with connected(paypal, receiver) as running:
        yield running


async def test_the_customer_approves_and_we_capture(bench: PayPal) -> None:
    """The order moves nothing; the customer is sent to PayPal's page; once they approved, asking says to go on."""
    asked = await bench.prepared()
    waiting = await bench.gateway.authorise(asked)
    assert (waiting.kind, waiting.executed) == (OutcomeKind.NEEDS_ACTION, Executed.NO)
    assert waiting.action is not None
    assert (await bench.gateway.recover(asked)).kind is OutcomeKind.NEEDS_ACTION
    assert (await bench.account.simulator.http.get(waiting.action.url)).status_code == 200
    await bench.account.simulator.http.post(f"/paypal/checkoutnow/{asked.payment_reference}/approve/balance")
    assert (await bench.gateway.recover(asked)).kind is OutcomeKind.PREPARED
    assert await bench.effects(asked) == []
    paid = await bench.gateway.authorise(asked)
    assert (paid.kind, paid.captured, paid.amount_minor, paid.currency) == (OutcomeKind.APPROVED, True, 1_000, "USD")
    assert list(paid.references) == ["payment", "capture"]
    assert await bench.gateway.authorise(asked) == paid
    assert await bench.gateway.recover(asked) == paid
    assert await bench.effects(asked) == ["authorised", "captured"]


async def test_what_is_sent_is_what_paypal_takes(bench: PayPal) -> None:
    """The order carries our ids where PayPal repeats them, and is valid by PayPal's own schema."""
    asked = await bench.prepared(capture_method=MANUAL)
    shown = (await bench.account.send("GET", f"/v2/checkout/orders/{asked.payment_reference}")).json()
    [unit] = shown["purchase_units"]
    assert (shown["intent"], unit["custom_id"], unit["invoice_id"]) == ("AUTHORIZE", asked.payment_id, asked.key)
    assert_is("orders", "order", shown)


async def test_preparing_again_makes_no_second_order(bench: PayPal) -> None:
    """The same key gives the same order, and its answer may be lost on the way."""
    asked = order("paypal", "wallet", currency="USD", return_url=RETURN_URL)
    await bench.switch(operation="prepare", fault="executed_then_dropped", times=1)
    assert (await bench.gateway.prepare(asked)).kind is OutcomeKind.UNKNOWN
    first, second = [await bench.gateway.prepare(asked) for _ in range(2)]
    assert (first.kind, first.references) == (OutcomeKind.PREPARED, second.references)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"currency": "KWD"}, "does not take KWD"),
        ({"currency": "HUF", "amount_minor": 1_050}, "without decimals"),
        ({"return_url": None}, "page to which"),
    ],
)
async def test_what_paypal_cannot_express_is_not_sent(bench: PayPal, fields: dict[str, object], said: str) -> None:
    """An amount or a payment that PayPal has no words for is refused before anything is sent."""
    asked = order("paypal", "wallet", **{"currency": "USD", "return_url": RETURN_URL, **fields})
    refused = await bench.gateway.prepare(asked)
    assert (refused.kind, refused.executed) == (OutcomeKind.DECLINED, Executed.NO)
    assert said in (refused.error_description or "")


@pytest.mark.parametrize(
    ("button", "code", "raw"),
    [("declined", "payment_declined", "INSTRUMENT_DECLINED"), ("empty", "insufficient_funds", "PAYER_CANNOT_PAY")],
)
async def test_declines(bench: PayPal, button: str, code: str, raw: str) -> None:
    """A decline is classified by its issue, never by the name of the error; nothing was taken."""
    asked, outcome = await bench.paid(f"approve/{button}")
    assert (outcome.kind, outcome.error_code, outcome.raw_code) == (OutcomeKind.DECLINED, code, raw)
    assert await bench.effects(asked) == []
    # The order stays open at PayPal, but only we can capture it.
    assert (await bench.gateway.recover(asked)).kind is OutcomeKind.NEEDS_ACTION


@pytest.mark.parametrize(
    ("button", "kind"), [("review", OutcomeKind.APPROVED), ("review-declined", OutcomeKind.DECLINED)]
)
async def test_completed_is_not_paid(bench: PayPal, button: str, kind: OutcomeKind) -> None:
    """An order that is COMPLETED has a capture that may be pending: only its end is believed."""
    asked, outcome = await bench.paid(f"approve/{button}")
    assert outcome.kind is OutcomeKind.PENDING
    assert (await outcome_when(bench.gateway, asked, kind)).kind is kind


async def test_an_authorisation_is_captured_in_parts_and_refunded(bench: PayPal) -> None:
    """Each capture has its own reference; the last releases the rest; a refund is of one capture."""
    asked, outcome = await bench.paid(capture_method=MANUAL)
    assert (outcome.kind, outcome.captured) == (OutcomeKind.APPROVED, False)
    first = follow_up(asked, outcome, "capture", 300)
    last = replace(follow_up(asked, outcome, "capture", 500, n=2), final=True)
    captured = [await bench.gateway.capture(one) for one in (first, last)]
    assert [(one.kind, one.amount_minor) for one in captured] == [
        (OutcomeKind.APPROVED, 300),
        (OutcomeKind.APPROVED, 500),
    ]
    assert captured[0].reference != captured[1].reference
    assert [await bench.gateway.capture(one) for one in (first, last)] == captured
    assert [await bench.gateway.recover(one) for one in (first, last)] == captured
    refund = follow_up(asked, outcome, "refund", 400)
    refunded = await bench.gateway.refund(refund)
    assert (refunded.kind, refunded.amount_minor) == (OutcomeKind.APPROVED, 400)
    assert await bench.gateway.refund(refund) == refunded
    assert await bench.gateway.recover(refund) == refunded
    spread = await bench.gateway.refund(follow_up(asked, outcome, "refund", 350))
    assert (spread.kind, spread.executed, spread.error_code) == (OutcomeKind.DECLINED, Executed.NO, "refund_failed")
    assert await bench.effects(asked) == ["authorised", "captured", "captured", "voided", "refunded"]


async def test_voids(bench: PayPal) -> None:
    """An authorisation is released once; what is captured is not; an order that was not captured needs nothing."""
    asked, outcome = await bench.paid(capture_method=MANUAL)
    void = follow_up(asked, outcome, "void", 1_000)
    assert (await bench.gateway.recover(void)).kind is OutcomeKind.NOT_FOUND
    voided = await bench.gateway.void(void)
    assert voided.kind is OutcomeKind.APPROVED
    assert (await bench.gateway.void(void), await bench.gateway.recover(void)) == (voided, voided)
    assert await bench.effects(asked) == ["authorised", "voided"]
    late = await bench.gateway.capture(follow_up(asked, outcome, "capture", 100))
    assert (late.kind, late.executed) == (OutcomeKind.DECLINED, Executed.NO)
    taken, paid = await bench.paid()
    refused = await bench.gateway.void(follow_up(taken, paid, "void", 1_000))
    assert (refused.kind, refused.executed) == (OutcomeKind.DECLINED, Executed.NO)
    waiting = await bench.prepared()
    called_off = await bench.gateway.void(follow_up(waiting, await bench.gateway.authorise(waiting), "void", 1_000))
    assert called_off.kind is OutcomeKind.APPROVED


async def test_a_refund_that_fails(bench: PayPal) -> None:
    """A refund that PayPal could not pay is declined as `refund_failed`."""
    asked, outcome = await bench.paid("approve/refund-fails")
    refused = await bench.gateway.refund(follow_up(asked, outcome, "refund", 400))
    assert (refused.kind, refused.error_code) == (OutcomeKind.DECLINED, "refund_failed")


@pytest.mark.parametrize("fault", AFTER)
@pytest.mark.parametrize("operation", ["authorise", "capture", "refund", "void"])
async def test_a_lost_answer_is_unknown_and_found_out(bench: PayPal, operation: str, fault: str) -> None:
    """A call that may have been executed is UNKNOWN; the look-up finds the result; a repeat has no second effect."""
    asked, acts = await _about_to(bench, operation)
    await bench.switch(operation=operation, fault=fault, times=1)
    lost = await getattr(bench.gateway, operation)(acts)
    assert (lost.kind, lost.executed) == (OutcomeKind.UNKNOWN, Executed.MAYBE)
    found = await bench.gateway.recover(acts)
    assert found.kind is OutcomeKind.APPROVED
    before = await bench.effects(asked)
    assert await getattr(bench.gateway, operation)(acts) == found
    assert await bench.effects(asked) == before


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("rate_limited", OutcomeKind.RETRYABLE),
        ("error_before", OutcomeKind.UNKNOWN),
        ("dropped_before", OutcomeKind.UNKNOWN),
    ],
)
@pytest.mark.parametrize("operation", ["authorise", "capture", "refund", "void"])
async def test_what_was_not_executed_is_found_out(bench: PayPal, operation: str, fault: str, kind: OutcomeKind) -> None:
    """A 429 surely did nothing; a 503 or a lost connection may have; asking shows no trace, and a repeat does it."""
    asked, acts = await _about_to(bench, operation)
    before = await bench.effects(asked)
    await bench.switch(operation=operation, fault=fault, times=1)
    assert (await getattr(bench.gateway, operation)(acts)).kind is kind
    found = (await bench.gateway.recover(acts)).kind
    assert found is (OutcomeKind.PREPARED if operation == "authorise" else OutcomeKind.NOT_FOUND)
    assert await bench.effects(asked) == before
    assert (await getattr(bench.gateway, operation)(acts)).kind is OutcomeKind.APPROVED


async def test_a_timeout_is_unknown_and_a_look_up_that_finds_nothing_is_not_believed(
    paypal: Account, receiver: Receiver
) -> None:
    """Past the deadline nobody knows; a 404 about an order that we made says nothing."""
    async with connected(paypal, receiver, timeout_s=2.0) as hasty, connected(paypal, receiver) as bench:
        asked = await bench.approved()
        await bench.switch(operation="authorise", fault="executed_then_timeout", times=1)
        assert (await hasty.gateway.authorise(asked)).kind is OutcomeKind.UNKNOWN
        await bench.switch(operation="look_up", fault="not_found_yet", times=1)
        assert (await bench.gateway.recover(asked)).kind is OutcomeKind.UNKNOWN
        assert (await bench.gateway.recover(asked)).kind is OutcomeKind.APPROVED
        assert await bench.effects(asked) == ["authorised", "captured"]


async def test_a_wrong_amount_is_reported(bench: PayPal) -> None:
    """What PayPal says it took is passed on as it is, for the workflow to compare."""
    asked = await bench.approved()
    await bench.switch(operation="authorise", fault="wrong_amount", times=1)
    assert (await bench.gateway.authorise(asked)).amount_minor == 999


async def test_two_at_once_charge_once(bench: PayPal) -> None:
    """The same authorisation sent twice at once charges once; the second call is refused, and reads the result."""
    asked = await bench.approved()
    await bench.switch(operation="authorise", fault="slow", times=1, delay_s=LONG_S)
    first = asyncio.create_task(bench.gateway.authorise(asked))
    await bench.account.simulator.until_met()
    assert (await bench.gateway.authorise(asked)).kind is OutcomeKind.APPROVED
    await bench.account.simulator.release()
    assert (await first).kind is OutcomeKind.APPROVED
    assert await bench.effects(asked) == ["authorised", "captured"]


async def test_after_the_life_of_a_key_the_order_is_read(tmp_path, receiver: Receiver, clock: Traveller) -> None:
    """A capture whose request id is forgotten answers ORDER_ALREADY_CAPTURED: the order is read, and nothing moves."""
    async with (
        running_simulator(tmp_path / "sim.sqlite3", simulator_paypal_order_key_life_s=LONG_S) as simulator,
        connected(Account(simulator, "lives"), receiver) as bench,
    ):
        asked = await bench.approved()
        await bench.switch(operation="authorise", fault="executed_then_dropped", times=1)
        assert (await bench.gateway.authorise(asked)).kind is OutcomeKind.UNKNOWN
        path = f"/v2/checkout/orders/{asked.payment_reference}/capture"
        clock.shift(LONG_S)
        again = await bench.gateway._change(asked, outcome_of_order, path, {})
        assert (again.kind, again.captured) == (OutcomeKind.APPROVED, True)
        assert await bench.effects(asked) == ["authorised", "captured"]


async def test_tokens_are_renewed(bench: PayPal) -> None:
    """A token that PayPal no longer takes is renewed once, and the request is sent again with the same id."""
    asked = await bench.approved()
    _revoke(bench)
    assert (await bench.gateway.authorise(asked)).kind is OutcomeKind.APPROVED
    await bench.switch(operation="token", fault="error_before", times=1)
    _revoke(bench)
    assert (await bench.gateway.authorise(asked)).kind is OutcomeKind.RETRYABLE


async def test_wrong_credentials_are_reported(bench: PayPal) -> None:
    """Nothing is sent with credentials that PayPal does not know, and the test of the connection says what to do."""
    api_base = str(bench.account.simulator.http.base_url).rstrip("/") + "/paypal"
    assert await bench.gateway.check() is None
    for secret, webhook_id, said in (("wrong", None, "client id and secret"), (None, "5NOSUCH", "webhook id")):
        given = PayPalCredentials(bench.account.client_id, secret or bench.account.secret, webhook_id)
        other = PayPalGateway(given, api_base=api_base, timeout_s=5)
        assert said in (await other.check() or "")
        if secret:
            asked = order("paypal", "wallet", currency="USD", return_url=RETURN_URL)
            refused = await other.prepare(asked)
            assert (refused.kind, refused.executed) == (OutcomeKind.DECLINED, Executed.NO)
        await other.aclose()


async def test_a_gateway_that_is_not_there(bench: PayPal) -> None:
    """A refused connection surely sent nothing."""
    gone = PayPalGateway(PayPalCredentials("client_gone1", "secret_gone1"), api_base="http://127.0.0.1:9", timeout_s=5)
    asked = order("paypal", "wallet", currency="USD", return_url=RETURN_URL)
    assert (await gone.prepare(asked)).kind is OutcomeKind.RETRYABLE
    assert (await gone.recover(replace(asked, references={"payment": "X"}))).kind is OutcomeKind.UNKNOWN
    await gone.aclose()
    assert await bench.effects(asked) == []


async def _about_to(bench: PayPal, operation: str) -> tuple[Operation, Operation]:
    """Return a payment, and an operation of it that is about to be sent."""
    if operation == "authorise":
        asked = await bench.approved()
        return asked, asked
    asked, outcome = await bench.paid(**({} if operation == "refund" else {"capture_method": MANUAL}))
    return asked, follow_up(asked, outcome, operation, 1_000 if operation == "void" else 400)


def _revoke(bench: PayPal) -> None:
    """Have the connector hold a token that PayPal does not take, as after a revocation."""
    tokens = bench.gateway._exchange._tokens
    assert tokens._token is not None
    tokens._token = Token("revoked", 1_000)
