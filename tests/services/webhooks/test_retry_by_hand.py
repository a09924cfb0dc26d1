"""Sending again because somebody asks: by the API, while a delivery waits and after it has ended."""

from __future__ import annotations

import asyncio

from sqlalchemy import update

from activities.webhook_delivery import AttemptInput, WebhookDeliveryActivities
from clearway.crypto.encryption import Cipher
from clearway.db.events import DueDelivery
from clearway.db.tables import webhook_deliveries
from clearway.egress import EgressPolicy, WebhookSender
from tests.services.webhooks.conftest import DurableShop, Shop
from tests.services.webhooks.receiving import PATIENCE_S, Reply, Shopfront


async def retry(shop: Shop, due: DueDelivery, **headers: str) -> int:
    """Ask for an attempt now; return the status of the answer."""
    return (await shop.http.post(f"/webhooks/{due.delivery_id}/retry", headers=headers)).status_code


async def until_attempts(shop: Shop, due: DueDelivery, count: int) -> None:
    """Wait, in real time, until so many attempts are on record."""
    async with asyncio.timeout(PATIENCE_S):
        while (await shop.row(due.delivery_id)).attempt_count < count:
            await asyncio.sleep(0.01)


async def ended_in_failure(shop: DurableShop, front: Shopfront) -> DueDelivery:
    """Let a delivery fail after its schedule of two attempts."""
    await shop.endpoint(front.url, retry_intervals_s=[5])
    front.replies = [Reply(500), Reply(500)]
    (due,) = await shop.tell()
    assert (await shop.delivered(due)).status == "failed"
    return due


async def test_a_waiting_delivery_goes_on_at_once(durable_shop: DurableShop, front: Shopfront) -> None:
    """A retry cuts the wait short: the next attempt is made without a second of it passing."""
    await durable_shop.endpoint(front.url)
    front.replies = [Reply(500)]
    (due,) = await durable_shop.tell()
    await until_attempts(durable_shop, due, 1)

    assert await retry(durable_shop, due) == 202
    await until_attempts(durable_shop, due, 2)

    assert (await durable_shop.delivered(due)).status == "delivered"
    assert (await durable_shop.waits_s(due))[0] < 30


async def test_after_a_retry_the_schedule_goes_on(durable_shop: DurableShop, front: Shopfront) -> None:
    """A retry of a waiting delivery is one of its five attempts, not one more."""
    await durable_shop.endpoint(front.url)
    front.usual = Reply(500)
    (due,) = await durable_shop.tell()
    await until_attempts(durable_shop, due, 1)
    await retry(durable_shop, due)
    await until_attempts(durable_shop, due, 2)

    result = await durable_shop.delivered(due)

    assert (result.status, result.attempts) == ("failed", 5)
    assert len(front.received) == 5


async def test_a_retry_during_an_attempt_is_not_lost(durable_shop: DurableShop, front: Shopfront) -> None:
    """Asked for while an attempt is under way, the retry comes right after it, should it fail."""
    await durable_shop.endpoint(front.url)
    asked: list[int] = []

    async def ask() -> None:
        if not asked:
            asked.append(await retry(durable_shop, due))

    front.before_reply = ask
    front.replies = [Reply(500)]
    (due,) = await durable_shop.tell()
    await until_attempts(durable_shop, due, 2)

    assert asked == [202]
    assert (await durable_shop.delivered(due)).attempts == 2


async def test_a_failed_delivery_gets_one_further_attempt(durable_shop: DurableShop, front: Shopfront) -> None:
    """A retry of what has failed is one attempt of the same id; taken, the delivery is delivered."""
    due = await ended_in_failure(durable_shop, front)

    assert await retry(durable_shop, due) == 202
    await until_attempts(durable_shop, due, 3)

    result = await durable_shop.delivered(due)
    assert (result.status, result.attempts) == ("delivered", 3)
    assert front.ids() == [due.event_id] * 3
    assert (await durable_shop.row(due.delivery_id)).status == "delivered"


async def test_a_retry_that_fails_stays_failed(durable_shop: DurableShop, front: Shopfront) -> None:
    """One further attempt is one: its failure begins no new schedule."""
    due = await ended_in_failure(durable_shop, front)
    front.usual = Reply(500)

    await retry(durable_shop, due)
    await until_attempts(durable_shop, due, 3)

    result = await durable_shop.delivered(due)
    assert (result.status, result.attempts) == ("failed", 3)
    assert len(front.received) == 3


async def test_what_was_taken_once_stays_delivered(durable_shop: DurableShop, front: Shopfront) -> None:
    """A delivery that is sent again and then refused is delivered all the same."""
    await durable_shop.endpoint(front.url)
    (due,) = await durable_shop.tell()
    await durable_shop.delivered(due)
    front.usual = Reply(500)

    await retry(durable_shop, due)
    await until_attempts(durable_shop, due, 2)
    await durable_shop.delivered(due)

    assert (await durable_shop.row(due.delivery_id)).status == "delivered"


async def test_a_resend_that_meets_a_closed_endpoint_leaves_it_delivered(
    durable_shop: DurableShop, front: Shopfront
) -> None:
    """An endpoint disabled between the request for a resend and its attempt does not undo what was delivered."""
    endpoint = await durable_shop.endpoint(front.url)
    (due,) = await durable_shop.tell()
    await durable_shop.delivered(due)
    await durable_shop.http.patch(f"/webhook_endpoints/{endpoint['id']}", json={"status": "disabled"})

    await durable_shop.starter.retry(due, attempts_made=1, waiting=False)
    result = await durable_shop.delivered(due)

    assert result.status == "delivered"
    assert (await durable_shop.row(due.delivery_id)).status == "delivered"
    assert len(front.received) == 1


async def test_a_retry_to_a_closed_endpoint_is_refused(durable_shop: DurableShop, front: Shopfront) -> None:
    """Nothing is sent to a disabled or deleted endpoint, and the caller is told so."""
    endpoint = await durable_shop.endpoint(front.url)
    (due,) = await durable_shop.tell()
    await durable_shop.delivered(due)

    await durable_shop.http.patch(f"/webhook_endpoints/{endpoint['id']}", json={"status": "disabled"})
    refused = await durable_shop.http.post(f"/webhooks/{due.delivery_id}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_endpoint_closed")

    await durable_shop.http.delete(f"/webhook_endpoints/{endpoint['id']}")
    assert await retry(durable_shop, due) == 409
    assert len(front.received) == 1


async def test_a_retry_of_what_never_began_keeps_the_schedule(durable_shop: DurableShop, front: Shopfront) -> None:
    """A delivery whose workflow was never started has all its attempts when a retry starts it."""
    await durable_shop.endpoint(front.url, retry_intervals_s=[50, 60])
    front.usual = Reply(500)
    (due,) = await durable_shop.record()

    assert await retry(durable_shop, due) == 202
    result = await durable_shop.delivered(due)

    assert (result.status, result.attempts) == ("failed", 3)
    waits_s = await durable_shop.waits_s(due)
    assert [waited_s >= interval_s for waited_s, interval_s in zip(waits_s, [50, 60], strict=True)] == [True, True]


async def test_the_same_retry_twice_is_one_attempt(durable_shop: DurableShop, front: Shopfront) -> None:
    """A repeat with the same Idempotency-Key gets the same answer and sends nothing."""
    due = await ended_in_failure(durable_shop, front)
    path, key = f"/webhooks/{due.delivery_id}/retry", {"Idempotency-Key": "again-1"}

    first = await durable_shop.http.post(path, headers=key)
    await until_attempts(durable_shop, due, 3)
    await durable_shop.delivered(due)
    second = await durable_shop.http.post(path, headers=key)

    assert second.content == first.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert (await durable_shop.delivered(due)).attempts == 3
    assert len(front.received) == 3


async def test_an_attempt_that_is_on_record_is_not_sent_again(durable_shop: DurableShop, front: Shopfront) -> None:
    """A worker lost after recording repeats the activity: it finds the attempt and goes on from there."""
    await durable_shop.endpoint(front.url)
    front.usual = Reply(500)
    (due,) = await durable_shop.record()
    settings = durable_shop.settings
    cipher = Cipher.from_settings(settings.secret_keys.get_secret_value())
    activities = WebhookDeliveryActivities(
        durable_shop.engine, WebhookSender(EgressPolicy.from_settings(settings)), cipher
    )
    asked = AttemptInput(due.delivery_id, number=1, next_interval_s=60)

    first = await activities.attempt(asked)
    again = await activities.attempt(asked)

    assert len(front.received) == 1
    assert (first.status, again.status) == ("pending", "pending")
    assert first.wait_s is not None
    assert again.wait_s is not None
    assert 50 < again.wait_s <= first.wait_s


async def test_a_wait_that_is_over_is_not_waited_again(durable_shop: DurableShop, front: Shopfront) -> None:
    """Whoever repeats an attempt on record after its wait has passed goes on at once, not at a negative time."""
    await durable_shop.endpoint(front.url)
    front.usual = Reply(500)
    (due,) = await durable_shop.record()
    cipher = Cipher.from_settings(durable_shop.settings.secret_keys.get_secret_value())
    sender = WebhookSender(EgressPolicy.from_settings(durable_shop.settings))
    activities = WebhookDeliveryActivities(durable_shop.engine, sender, cipher)
    asked = AttemptInput(due.delivery_id, number=1, next_interval_s=60)
    await activities.attempt(asked)
    async with durable_shop.engine.begin() as connection:
        past = webhook_deliveries.c.created_at
        await connection.execute(
            update(webhook_deliveries).where(webhook_deliveries.c.id == due.delivery_id).values(next_attempt_at=past)
        )

    assert (await activities.attempt(asked)).wait_s == 0
