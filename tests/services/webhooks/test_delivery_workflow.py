"""The delivery of one event to one endpoint: attempts, waits and ends, in skipped time."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import delete, text
from temporalio.client import WorkflowExecutionStatus

from clearway.db.tables import webhook_attempts, webhook_deliveries
from clearway.domain.events import EventType
from tests.services.webhooks.conftest import DurableShop, Shop
from tests.support.receiver import PATIENCE_S, Receiver, Reply, running_receiver, verify
from workflows.webhook_delivery import WebhookDeliveryWorkflow

LIVE_S = [60, 300, 1_800, 7_200]
"""The schedule merchants are promised."""
SLACK_S = 1.0
"""What a workflow task may take; the waits themselves are exact."""


async def test_the_first_attempt_is_taken_and_both_signatures_hold(durable_shop: DurableShop, front: Receiver) -> None:
    """A delivery is the event's body, byte for byte, signed in both schemes and named by the event's id."""
    endpoint = await durable_shop.endpoint(front.url)
    (due,) = await durable_shop.announce()

    result = await durable_shop.delivered(due)

    assert (result.status, result.attempts) == ("delivered", 1)
    (delivery,) = front.received
    verify(delivery, endpoint["secret"])
    assert delivery.headers["webhook-id"] == due.event_id == delivery.event["id"]
    assert delivery.headers["content-type"] == "application/json"
    assert delivery.body == (await durable_shop.http.get(f"/events/{due.event_id}")).content
    assert set(delivery.event) == {"id", "type", "timestamp", "data"}


async def test_five_attempts_at_the_promised_times_then_failed(durable_shop: DurableShop, front: Receiver) -> None:
    """An endpoint that never takes it gets five attempts, 1, 5, 30 and 120 minutes apart, of one and the same id."""
    endpoint = await durable_shop.endpoint(front.url)
    front.usual = Reply(500, body=b"out of order")
    (due,) = await durable_shop.announce()

    result = await durable_shop.delivered(due)

    assert (result.status, result.attempts) == ("failed", 5)
    waits_s = await durable_shop.waits_s(due)
    assert len(waits_s) == len(LIVE_S)
    for waited_s, interval_s in zip(waits_s, LIVE_S, strict=True):
        assert interval_s <= waited_s <= interval_s * 1.1 + SLACK_S
    assert front.ids() == [due.event_id] * 5
    assert len({delivery.body for delivery in front.received}) == 1
    for delivery in front.received:
        verify(delivery, endpoint["secret"])
    shown = await durable_shop.get(f"/webhooks/{due.delivery_id}")
    assert (shown["status"], shown["attempt_count"], shown["next_attempt_at"]) == ("failed", 5, None)
    assert [attempt["number"] for attempt in shown["attempts"]] == [1, 2, 3, 4, 5]
    assert {attempt["error_code"] for attempt in shown["attempts"]} == {"http_status"}


async def test_the_waits_are_spread_by_jitter(durable_shop: DurableShop, front: Receiver) -> None:
    """Deliveries that fail together do not come back together."""
    await durable_shop.endpoint(front.url, retry_intervals_s=[600_000])
    front.usual = Reply(500)
    first, second = [(await durable_shop.announce())[0] for _ in range(2)]
    await durable_shop.all_delivered([first, second])

    waits_s = [(await durable_shop.waits_s(due))[0] for due in (first, second)]

    assert abs(waits_s[0] - waits_s[1]) > SLACK_S


async def test_a_failure_is_tried_again_and_then_taken(durable_shop: DurableShop, front: Receiver) -> None:
    """After a 500 comes the next attempt; a 200 to it ends the delivery."""
    await durable_shop.endpoint(front.url)
    front.replies = [Reply(500)]
    (due,) = await durable_shop.announce()

    result = await durable_shop.delivered(due)

    assert (result.status, result.attempts) == ("delivered", 2)
    shown = await durable_shop.get(f"/webhooks/{due.delivery_id}")
    assert (shown["status"], shown["last_response_status"], shown["last_error"]) == ("delivered", 200, None)
    assert [attempt["response"]["status"] for attempt in shown["attempts"]] == [500, 200]


@pytest.mark.parametrize("status", [301, 302, 304, 307, 308, 400, 404, 429, 503])
async def test_only_2xx_means_received(durable_shop: DurableShop, front: Receiver, status: int) -> None:
    """An answer that is not a 2xx is a failure; a redirect's target is never called."""
    async with running_receiver() as elsewhere:
        await durable_shop.endpoint(front.url, retry_intervals_s=[5])
        front.usual = Reply(status, {"location": elsewhere.url})
        (due,) = await durable_shop.announce()

        result = await durable_shop.delivered(due)

        assert (result.status, result.attempts) == ("failed", 2)
        assert len(front.received) == 2
        assert elsewhere.received == []


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_every_2xx_means_received(durable_shop: DurableShop, front: Receiver, status: int) -> None:
    """Any 2xx ends the delivery."""
    await durable_shop.endpoint(front.url)
    front.usual = Reply(status)
    (due,) = await durable_shop.announce()
    result = await durable_shop.delivered(due)
    assert (result.status, result.attempts) == ("delivered", 1)


async def test_gone_disables_the_endpoint(durable_shop: DurableShop, front: Receiver) -> None:
    """A 410 ends the delivery and disables the endpoint with the reason; later events are not sent to it."""
    endpoint = await durable_shop.endpoint(front.url)
    front.usual = Reply(410)
    (due,) = await durable_shop.announce()

    result = await durable_shop.delivered(due)

    assert (result.status, result.attempts) == ("failed", 1)
    shown = await durable_shop.get(f"/webhook_endpoints/{endpoint['id']}")
    assert shown["status"] == "disabled"
    assert "410" in shown["disabled_reason"]
    assert await durable_shop.announce() == []


async def test_gone_from_an_address_left_behind_disables_nothing(durable_shop: DurableShop, front: Receiver) -> None:
    """A 410 from the URL an endpoint had before says nothing of the URL it has now."""
    async with running_receiver(Reply(410)) as old:
        endpoint = await durable_shop.endpoint(old.url)

        async def move() -> None:
            await durable_shop.http.patch(f"/webhook_endpoints/{endpoint['id']}", json={"url": front.url})

        old.before_reply = move
        (due,) = await durable_shop.announce()
        await durable_shop.delivered(due)
        assert len(old.received) == 1

    assert (await durable_shop.get(f"/webhook_endpoints/{endpoint['id']}"))["status"] == "enabled"


@pytest.mark.parametrize(
    ("asked", "least_s", "most_s"),
    [("1", 100, 110), ("150", 150, 150), ("100000", 200, 200), ("soon", 100, 110), ("-5", 100, 110)],
)
async def test_retry_after_is_honoured_within_bounds(
    durable_shop: DurableShop, front: Receiver, asked: str, least_s: float, most_s: float
) -> None:
    """Retry-After may stretch a wait to twice its length, never shorten it, and is ignored when it is no time."""
    await durable_shop.endpoint(front.url, retry_intervals_s=[100])
    front.replies = [Reply(503, {"retry-after": asked})]
    (due,) = await durable_shop.announce()

    await durable_shop.delivered(due)

    (waited_s,) = await durable_shop.waits_s(due)
    assert least_s <= waited_s <= most_s + SLACK_S


async def test_each_endpoint_has_its_own_schedule(durable_shop: DurableShop, front: Receiver) -> None:
    """An endpoint's own intervals are used in place of the usual ones, and only for it."""
    front.usual = Reply(500)
    short = await durable_shop.endpoint(front.url, retry_intervals_s=[7, 21])
    usual = await durable_shop.endpoint(front.url)
    due_of = {due.endpoint_id: due for due in await durable_shop.announce()}

    assert (await durable_shop.delivered(due_of[short["id"]])).attempts == 3
    assert (await durable_shop.delivered(due_of[usual["id"]])).attempts == 5

    waits_s = await durable_shop.waits_s(due_of[short["id"]])
    for waited_s, interval_s in zip(waits_s, [7, 21], strict=True):
        assert interval_s <= waited_s <= interval_s * 1.1 + SLACK_S


async def test_every_endpoint_gets_the_events_it_wants_signed_for_it(
    durable_shop: DurableShop, front: Receiver
) -> None:
    """Each endpoint gets the events of its filter, signed with its own secret, independently of the others."""
    async with running_receiver(usual=Reply(500)) as broken:
        everything = await durable_shop.endpoint(front.url)
        refunds = await durable_shop.endpoint(broken.url, event_types=["refund.*"], retry_intervals_s=[5])
        due = [
            *(await durable_shop.announce(EventType.PAYMENT_SUCCESS)),
            *(await durable_shop.announce(EventType.REFUND_PROCESSED)),
        ]
        results = await durable_shop.all_delivered(due)

        assert sorted(result.status for result in results) == ["delivered", "delivered", "failed"]
        assert front.types() == ["payment.success", "refund.processed"]
        assert set(broken.types()) == {"refund.processed"}
        for delivery in front.received:
            verify(delivery, everything["secret"])
        for delivery in broken.received:
            verify(delivery, refunds["secret"])


async def test_deletion_cancels_what_waits_at_once(durable_shop: DurableShop, front: Receiver) -> None:
    """What waits for a deleted endpoint is cancelled without any time passing, its workflow ends, nothing is sent."""
    endpoint = await durable_shop.endpoint(front.url)
    front.usual = Reply(500)
    waiting = [(await durable_shop.announce())[0] for _ in range(3)]
    await front.until(3)
    await durable_shop.http.delete(f"/webhook_endpoints/{endpoint['id']}")

    async with asyncio.timeout(PATIENCE_S):
        for due in waiting:
            while (await durable_shop.row(due.delivery_id)).status != "cancelled":
                await asyncio.sleep(0.02)
            while (await durable_shop.handle(due).describe()).status is not WorkflowExecutionStatus.COMPLETED:
                await asyncio.sleep(0.02)

    assert {result.status for result in await durable_shop.all_delivered(waiting)} == {"cancelled"}
    assert len(front.received) == 3
    shown = await durable_shop.get(f"/webhooks/{waiting[0].delivery_id}")
    assert (shown["status"], shown["attempt_count"], shown["next_attempt_at"]) == ("cancelled", 1, None)
    assert shown["last_error"] == "the endpoint is deleted"


async def test_deletion_with_temporal_away_cancels_at_the_next_attempt(
    shop: Shop, durable_shop: DurableShop, front: Receiver
) -> None:
    """While Temporal is down, deleting an endpoint is still a 204, and waiting deliveries are cancelled later."""
    endpoint = await durable_shop.endpoint(front.url)
    front.usual = Reply(500)
    (due,) = await durable_shop.announce()
    await front.until(1)
    shop.http.headers.update(durable_shop.http.headers)

    assert (await shop.http.delete(f"/webhook_endpoints/{endpoint['id']}")).status_code == 204

    assert (await durable_shop.delivered(due)).status == "cancelled"
    assert len(front.received) == 1


async def test_a_disabled_endpoint_cancels_what_waits_at_its_next_attempt(
    durable_shop: DurableShop, front: Receiver
) -> None:
    """A delivery that is due while its endpoint is disabled is cancelled."""
    endpoint = await durable_shop.endpoint(front.url)
    front.usual = Reply(500)
    (due,) = await durable_shop.announce()
    await front.until(1)
    await durable_shop.http.patch(f"/webhook_endpoints/{endpoint['id']}", json={"status": "disabled"})

    assert (await durable_shop.delivered(due)).status == "cancelled"

    assert len(front.received) == 1
    assert "disabled" in (await durable_shop.get(f"/webhooks/{due.delivery_id}"))["last_error"]


async def test_an_endpoint_enabled_in_time_gets_what_waits(durable_shop: DurableShop, front: Receiver) -> None:
    """Disabled and enabled between two attempts, an endpoint loses nothing."""
    endpoint = await durable_shop.endpoint(front.url)
    front.replies = [Reply(500)]
    (due,) = await durable_shop.announce()
    await front.until(1)
    for status in ("disabled", "enabled"):
        await durable_shop.http.patch(f"/webhook_endpoints/{endpoint['id']}", json={"status": status})

    assert (await durable_shop.delivered(due)).status == "delivered"


async def test_starting_a_delivery_again_sends_nothing_more(durable_shop: DurableShop, front: Receiver) -> None:
    """However often a delivery is started, while it runs or after it ended, it is sent once."""
    await durable_shop.endpoint(front.url)
    due = await durable_shop.announce()
    await asyncio.gather(*(durable_shop.starter.start(due) for _ in range(5)))
    await durable_shop.delivered(due[0])
    ran = await durable_shop.handle(due[0]).describe()
    await durable_shop.starter.start(due)

    assert (await durable_shop.delivered(due[0])).attempts == 1
    assert ran.status is WorkflowExecutionStatus.COMPLETED
    assert (await durable_shop.handle(due[0]).describe()).run_id == ran.run_id
    assert len(front.received) == 1


async def test_the_story_can_be_asked_for(durable_shop: DurableShop, front: Receiver) -> None:
    """The timeline has each attempt and its result."""
    await durable_shop.endpoint(front.url)
    front.replies = [Reply(503)]
    (due,) = await durable_shop.announce()
    await durable_shop.delivered(due)

    story = [entry.what for entry in await durable_shop.handle(due).query(WebhookDeliveryWorkflow.timeline)]

    assert story == ["attempt 1: HTTP 503; pending", "attempt 2: HTTP 200; delivered"]


async def test_a_cancellation_in_temporal_cancels_the_delivery(durable_shop: DurableShop, front: Receiver) -> None:
    """Requested between two attempts, it ends the delivery: its row is cancelled, and no further attempt is made."""
    await durable_shop.endpoint(front.url)
    front.usual = Reply(500)
    (due,) = await durable_shop.announce()
    await front.until(1)
    while (await durable_shop.row(due.delivery_id)).attempt_count == 0:
        await asyncio.sleep(0.02)

    await durable_shop.handle(due).cancel()

    assert (await durable_shop.delivered(due)).status == "cancelled"
    row = await durable_shop.row(due.delivery_id)
    assert (row.status, row.next_attempt_at) == ("cancelled", None)
    assert row.last_error == "its cancellation was requested in Temporal"
    assert len(front.received) == 1
    assert (await durable_shop.handle(due).describe()).status is WorkflowExecutionStatus.COMPLETED


async def test_a_delivery_whose_row_was_lost_ends(durable_shop: DurableShop, front: Receiver) -> None:
    """A database restored to an earlier moment has no row for it: nothing is sent any more, and nothing hangs."""
    await durable_shop.endpoint(front.url)
    front.usual = Reply(500)
    (due,) = await durable_shop.announce()
    await front.until(1)
    while (await durable_shop.row(due.delivery_id)).attempt_count == 0:
        await asyncio.sleep(0.02)
    async with durable_shop.engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(delete(webhook_attempts).where(webhook_attempts.c.delivery_id == due.delivery_id))
        await connection.execute(delete(webhook_deliveries).where(webhook_deliveries.c.id == due.delivery_id))

    assert (await durable_shop.delivered(due)).status == "cancelled"
    assert len(front.received) == 1
