"""A payment at PayPal from its recording to its end: workflow, activities, connector and stand-in, all of them real."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import insert, select
from temporalio.client import WorkflowUpdateFailedError

from clearway.db.engine import each_for_itself
from clearway.db.refunds import recording
from clearway.db.tables import captures, gateway_configs
from clearway.domain import ids
from clearway.domain.gateway import credentials_context
from clearway.domain.ids import GATEWAY
from clearway.domain.payment import NewPayment
from clearway.domain.refund import NewRefund
from clearway.gateways.contract import GatewayOutcome, Operation
from clearway.gateways.paypal.client import PayPalGateway
from tests.services.workflows.test_attempts import attempts
from tests.support.durable import Durable


async def paypal_payment(durable: Durable, **fields: Any) -> NewPayment:
    """Connect a PayPal account to a new merchant, and describe a payment of 500.00 USD with it."""
    merchant_id = await durable.merchant()
    gateway_id = ids.new_id(GATEWAY)
    credentials = json.dumps({"client_id": f"client_{gateway_id}", "client_secret": f"secret_{gateway_id}"})
    values = {
        "id": gateway_id,
        "merchant_id": merchant_id,
        "kind": "paypal",
        "name": "PayPal",
        "settings": {"api_base": str(durable.simulator.http.base_url).rstrip("/") + "/paypal"},
        "sealed_credentials": durable.cipher.encrypt(credentials, credentials_context(gateway_id)),
    }
    async with durable.engine.begin() as connection:
        await connection.execute(insert(gateway_configs).values(values))
    order_id = await durable.order(merchant_id, currency="USD")
    asked = {"method": "wallet", "currency": "USD", "gateway_id": gateway_id, "gateway": "paypal", "order_id": order_id}
    return await durable.new_payment(merchant_id, instrument="paypal", **(asked | fields))


async def click(durable: Durable, payment: NewPayment, button: str) -> None:
    """Press a button of PayPal's page, which the payment sends its customer to."""
    await durable.until_status(payment.id, "requires_action")
    url = (await durable.row(payment.id)).action_url
    order_id = url.partition("token=")[2]
    answer = await durable.simulator.http.post(f"/paypal/checkoutnow/{order_id}/{button}")
    assert answer.status_code == 303, answer.text


async def effects(durable: Durable, payment: NewPayment) -> list[str]:
    """Return what the gateway's journal says was done."""
    return [effect["type"] for effect in await durable.simulator.effects(payment.id)]


async def test_a_customer_approves_and_the_money_is_taken(durable: Durable) -> None:
    """The order's id is recorded first; after the approval the next question has the workflow take the money."""
    payment = await paypal_payment(durable)
    _, handle = await durable.start(payment)
    await click(durable, payment, "approve/balance")
    assert await effects(durable, payment) == []
    assert (await durable.ended(handle)).status == "success"
    assert await effects(durable, payment) == ["authorised", "captured"]
    [attempt] = await attempts(durable, payment.id)
    assert (attempt.gateway, attempt.status) == ("paypal", "succeeded")
    assert {"payment", "capture"} <= set(attempt.gateway_references)


@pytest.mark.parametrize("fault", ["executed_then_dropped", "error_after_charge", "error_before", "dropped_before"])
async def test_a_capture_whose_answer_is_lost_charges_once(durable: Durable, fault: str) -> None:
    """For every fault of the capture's answer, the customer is charged once, and the payment is a success."""
    payment = await paypal_payment(durable)
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "requires_action")
    await durable.faults({"operation": "authorise", "fault": fault, "times": 2})
    await click(durable, payment, "approve/balance")
    assert (await durable.ended(handle)).status == "success"
    assert await effects(durable, payment) == ["authorised", "captured"]


@pytest.mark.parametrize(("button", "code"), [("declined", "payment_declined"), ("empty", "insufficient_funds")])
async def test_a_decline_after_the_approval_fails_the_payment(durable: Durable, button: str, code: str) -> None:
    """PayPal's issue becomes a unified code; nothing was taken."""
    payment = await paypal_payment(durable)
    _, handle = await durable.start(payment)
    await click(durable, payment, f"approve/{button}")
    assert (await durable.ended(handle)).status == "failed"
    assert (await durable.row(payment.id)).error_code == code
    assert await effects(durable, payment) == []


async def test_manual_captures_in_parts_and_a_refund(durable: Durable) -> None:
    """An authorised payment is captured in two parts, and one of them is given back."""
    payment = await paypal_payment(durable, capture_method="manual")
    _, handle = await durable.start(payment)
    await click(durable, payment, "approve/balance")
    await durable.skip_until_status(payment.id, "authorized")
    for number, amount in ((1, 20_000), (2, 30_000)):
        asked = {"capture_id": ids.new_id(ids.CAPTURE), "amount_minor": amount, "final": number == 2}
        await handle.execute_update("capture", asked, id=asked["capture_id"])
    assert (await durable.ended(handle)).status == "success"
    _, refund = await durable.refund(payment, 10_000)
    assert (await durable.ended(refund)).status == "processed"
    assert await effects(durable, payment) == ["authorised", "captured", "captured", "refunded"]


async def captured_in_parts(durable: Durable, *amounts: int) -> NewPayment:
    """Carry a payment through in several captures, the last of them final."""
    payment = await paypal_payment(durable, capture_method="manual")
    _, handle = await durable.start(payment)
    await click(durable, payment, "approve/balance")
    await durable.skip_until_status(payment.id, "authorized")
    for amount in amounts:
        asked = {"capture_id": ids.new_id(ids.CAPTURE), "amount_minor": amount, "final": amount == amounts[-1]}
        await handle.execute_update("capture", asked, id=asked["capture_id"])
    await durable.ended(handle)
    return payment


async def captures_of(durable: Durable, payment: NewPayment) -> list[Any]:
    """Return the rows of a payment's captures, oldest first."""
    query = select(captures).where(captures.c.payment_id == payment.id).order_by(captures.c.created_at)
    async with durable.engine.connect() as connection:
        return list(await connection.execute(query))


async def test_each_refund_is_sent_with_the_capture_it_gives_back(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refund is of the oldest capture that has enough left, and is sent and asked about with its reference."""
    payment = await captured_in_parts(durable, 20_000, 30_000)
    first, second = await captures_of(durable, payment)
    named: list[tuple[int, str]] = []
    send = PayPalGateway.refund

    async def refund(self: PayPalGateway, operation: Operation) -> GatewayOutcome:
        named.append((operation.amount_minor, operation.references["capture"]))
        return await send(self, operation)

    monkeypatch.setattr(PayPalGateway, "refund", refund)
    given_back = []
    for amount in (15_000, 6_000, 5_000):
        reserved, handle = await durable.refund(payment, amount, of_one_capture=True)
        assert (await durable.ended(handle)).status == "processed"
        given_back.append((amount, (await durable.refund_row(reserved["id"])).capture_id))
    assert given_back == [(15_000, first.id), (6_000, second.id), (5_000, first.id)]
    by_id = {each.id: each.gateway_references["capture"] for each in (first, second)}
    assert named == [(amount, by_id[capture_id]) for amount, capture_id in given_back]


async def test_a_refund_larger_than_a_capture_is_refused(durable: Durable) -> None:
    """PayPal refunds captures: what no single capture has left is refused before anything is promised."""
    payment = await captured_in_parts(durable, 20_000, 30_000)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await durable.refund(payment, 30_001, of_one_capture=True)
    assert "at most USD 300.00 is left of one capture" in str(refused.value.cause)
    assert (await durable.row(payment.id)).refund_pending_minor == 0


async def test_a_refund_taken_up_from_its_row_names_its_capture(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that starts from the refund's row asks about the same capture that the reservation chose."""
    payment = await captured_in_parts(durable, 20_000, 30_000)
    new = NewRefund(await durable.new_id(ids.REFUND), payment.merchant_id, payment.id, 25_000, of_one_capture=True)
    async with each_for_itself(durable.engine).connect() as connection:
        await recording.reserve(connection, new, now=await durable.environment.get_current_time())
    asked: list[str] = []
    recover = PayPalGateway.recover

    async def recorded(self: PayPalGateway, operation: Operation) -> GatewayOutcome:
        asked.append(operation.references["capture"])
        return await recover(self, operation)

    monkeypatch.setattr(PayPalGateway, "recover", recorded)
    assert (await durable.ended(await durable.take_up_refund(new))).status == "processed"
    assert (await effects(durable, payment)).count("refunded") == 1
    assert asked == [(await captures_of(durable, payment))[1].gateway_references["capture"]]


async def test_a_customer_who_never_approves_is_never_charged(durable: Durable) -> None:
    """The deadline ends the payment: an order that we do not capture takes no money, also when it is approved later."""
    payment = await paypal_payment(durable)
    _, handle = await durable.start(payment)
    await durable.until_status(payment.id, "requires_action")
    assert (await durable.ended(handle)).status == "expired"
    await durable.simulator.http.post(
        f"/paypal/checkoutnow/{(await durable.row(payment.id)).gateway_reference}/approve/balance"
    )
    assert await effects(durable, payment) == []


async def test_a_final_capture_releases_what_is_left(durable: Durable) -> None:
    """The last capture of less than all ends the payment, and the rest is released at PayPal."""
    payment = await paypal_payment(durable, capture_method="manual")
    _, handle = await durable.start(payment)
    await click(durable, payment, "approve/balance")
    await durable.skip_until_status(payment.id, "authorized")
    capture_id = ids.new_id(ids.CAPTURE)
    await handle.execute_update("capture", {"capture_id": capture_id, "amount_minor": 20_000}, id=capture_id)
    assert (await durable.ended(handle)).captured_minor == 20_000
    assert await effects(durable, payment) == ["authorised", "captured", "voided"]


async def test_a_cancelled_authorisation_is_released(durable: Durable) -> None:
    """A cancellation releases what PayPal holds; one that comes before the approval needs nothing there."""
    payment = await paypal_payment(durable, capture_method="manual")
    _, handle = await durable.start(payment)
    await click(durable, payment, "approve/balance")
    await durable.skip_until_status(payment.id, "authorized")
    await handle.execute_update("cancel", {"reason": "sold out"}, id=f"cxl_{payment.id}")
    assert (await durable.ended(handle)).status == "cancelled"
    assert await effects(durable, payment) == ["authorised", "voided"]
    early = await paypal_payment(durable)
    _, handle = await durable.start(early)
    await durable.until_status(early.id, "requires_action")
    await handle.execute_update("cancel", {"reason": "sold out"}, id=f"cxl_{early.id}")
    assert (await durable.ended(handle)).status == "cancelled"
    assert await effects(durable, early) == []
