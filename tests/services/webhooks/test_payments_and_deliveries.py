"""Deliveries of real payments: started once, to every endpoint, and never delaying a payment."""

from __future__ import annotations

import asyncio

from activities.payment import PaymentActivities, RecordInput
from clearway.crypto.encryption import Cipher
from clearway.domain.events import EventType
from tests.services.webhooks.conftest import DurableShop
from tests.support.receiver import PATIENCE_S, Receiver, Reply, running_receiver, verify

HANGING = 40


async def test_every_event_of_a_payment_reaches_every_endpoint(durable_shop: DurableShop, front: Receiver) -> None:
    """A payment's events arrive at each endpoint that wants them, signed with its secret, once."""
    async with running_receiver() as second:
        first_endpoint = await durable_shop.endpoint(front.url)
        second_endpoint = await durable_shop.endpoint(second.url, event_types=["payment.success"])
        payment = await durable_shop.durable.paid(merchant_id=durable_shop.id)
        await front.until(2)
        await second.until(1)

        assert front.types() == ["payment.created", "payment.success"]
        assert second.types() == ["payment.success"]
        for shopfront, endpoint in ((front, first_endpoint), (second, second_endpoint)):
            for delivery in shopfront.received:
                verify(delivery, endpoint["secret"])
        assert {delivery.event["data"]["id"] for delivery in front.received} == {payment.id}


async def test_recording_twice_delivers_once(durable_shop: DurableShop, front: Receiver) -> None:
    """The recording activity, run again after a crash, starts the deliveries of its event again, and each goes once."""
    await durable_shop.endpoint(front.url)
    new = await durable_shop.durable.new_payment(durable_shop.id)
    cipher = Cipher.from_settings(durable_shop.settings.secret_keys.get_secret_value())
    recording = PaymentActivities(durable_shop.engine, durable_shop.starter, cipher)

    await recording.record(RecordInput(new))
    await front.until(1)
    await recording.record(RecordInput(new))

    (listed,) = (await durable_shop.get("/webhooks"))["data"]
    async with asyncio.timeout(PATIENCE_S):
        while (await durable_shop.row(listed["id"])).status != "delivered":
            await asyncio.sleep(0.01)
    assert front.types() == ["payment.created"]
    assert (await durable_shop.row(listed["id"])).attempt_count == 1


async def test_a_merchant_that_hangs_does_not_delay_a_payment(durable_shop: DurableShop, front: Receiver) -> None:
    """While dozens of deliveries to a merchant hang, that merchant's next payment is recorded and succeeds."""
    answered = asyncio.Event()
    front.usual, front.before_reply = Reply(500), answered.wait
    endpoint = await durable_shop.endpoint(front.url, retry_intervals_s=[1] * 10)
    due = [delivery for _ in range(HANGING) for delivery in await durable_shop.record(EventType.REFUND_CREATED)]
    await durable_shop.starter.start(due)
    await front.until(HANGING)

    payment = await durable_shop.durable.new_payment(durable_shop.id)
    await durable_shop.durable.start(payment)
    await durable_shop.durable.until_status(payment.id, "success")

    assert {(await durable_shop.row(delivery.delivery_id)).status for delivery in due} == {"pending"}
    await durable_shop.http.delete(f"/webhook_endpoints/{endpoint['id']}")
    answered.set()
    results = await durable_shop.all_delivered(due)
    assert {result.status for result in results} == {"cancelled"}
