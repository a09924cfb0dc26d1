"""`POST /webhooks/{id}/retry`: one more attempt, answered with its result, beside the schedule."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from activities.webhook_delivery import AttemptInput, WebhookDeliveryActivities
from clearway.crypto.encryption import Cipher
from clearway.db.events import DueDelivery
from clearway.db.tables import idempotency_keys, webhook_attempts, webhook_deliveries
from clearway.durable import deliveries as durable_deliveries
from clearway.egress import EgressPolicy, WebhookSender
from tests.services.webhooks.conftest import DurableShop, Json, Shop
from tests.support.receiver import PATIENCE_S, Receiver, Reply

AT_ONCE = 6


async def retry(shop: Shop, due: DueDelivery, key: str | None = None, status: int = 200) -> Json:
    """Ask for an attempt now; return the answer, which must have this status."""
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = await shop.http.post(f"/webhooks/{due.delivery_id}/retry", headers=headers)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def until_attempts(shop: Shop, due: DueDelivery, count: int) -> None:
    """Wait, in real time, until so many attempts are on record."""
    async with asyncio.timeout(PATIENCE_S):
        while (await shop.row(due.delivery_id)).attempt_count < count:
            await asyncio.sleep(0.01)


async def ended_in_failure(shop: DurableShop, front: Receiver) -> DueDelivery:
    """Let a delivery fail after its schedule of two attempts."""
    await shop.endpoint(front.url, retry_intervals_s=[5])
    front.replies = [Reply(500), Reply(500)]
    (due,) = await shop.announce()
    assert (await shop.delivered(due)).status == "failed"
    return due


async def waiting(shop: DurableShop, front: Receiver, **endpoint: Any) -> DueDelivery:
    """Let the first attempt of a delivery fail; it waits for its second."""
    await shop.endpoint(front.url, **endpoint)
    front.replies = [Reply(500)]
    (due,) = await shop.announce()
    await shop.until_timer(due)
    return due


async def triggers(shop: Shop, due: DueDelivery) -> list[str]:
    """Return why each attempt was made, in the order of the attempts."""
    query = select(webhook_attempts.c.trigger).where(webhook_attempts.c.delivery_id == due.delivery_id)
    async with shop.engine.connect() as connection:
        return list((await connection.execute(query.order_by(webhook_attempts.c.number))).scalars())


async def test_a_retry_answers_with_what_the_attempt_came_to(durable_shop: DurableShop, front: Receiver) -> None:
    """A failed delivery that succeeds on a retry is answered as delivered, with that attempt."""
    due = await ended_in_failure(durable_shop, front)

    told = await retry(durable_shop, due)

    assert (told["status"], told["attempt_count"], told["last_response_status"]) == ("delivered", 3, 200)
    assert (told["attempt"]["number"], told["attempt"]["response_status"]) == (3, 200)
    assert told["attempt"]["error_code"] is None
    assert front.ids() == [due.event_id] * 3
    assert await triggers(durable_shop, due) == ["schedule", "schedule", "manual"]
    shown = await durable_shop.get(f"/webhooks/{due.delivery_id}")
    assert [attempt["trigger"] for attempt in shown["attempts"]] == ["schedule", "schedule", "manual"]


async def test_a_retry_that_fails_says_why_and_stays_failed(durable_shop: DurableShop, front: Receiver) -> None:
    """One further attempt is one: its failure begins no new schedule."""
    due = await ended_in_failure(durable_shop, front)
    front.usual = Reply(503)

    told = await retry(durable_shop, due)

    assert (told["status"], told["attempt"]["response_status"]) == ("failed", 503)
    assert told["attempt"]["error_code"] == "http_status"
    assert "503" in told["attempt"]["error"]
    assert (await durable_shop.delivered(due)).attempts == 3
    assert len(front.received) == 3


async def test_a_waiting_delivery_that_is_taken_by_hand_is_delivered(
    durable_shop: DurableShop, front: Receiver
) -> None:
    """A retry is made without a second of the wait passing; taken, nothing more of the schedule is sent."""
    due = await waiting(durable_shop, front)

    told = await retry(durable_shop, due)

    assert (told["status"], told["next_attempt_at"], told["attempt"]["number"]) == ("delivered", None, 2)
    assert (await durable_shop.delivered(due)).status == "delivered"
    assert len(front.received) == 2


async def test_a_retry_takes_nothing_from_the_schedule(durable_shop: DurableShop, front: Receiver) -> None:
    """All attempts of the schedule are made, each at its time, however many were made by hand between them."""
    due = await waiting(durable_shop, front, retry_intervals_s=[50, 60])
    front.usual = Reply(500)
    before = (await durable_shop.row(due.delivery_id)).next_attempt_at

    for _ in range(2):
        told = await retry(durable_shop, due)
        assert told["status"] == "pending"
    row = await durable_shop.row(due.delivery_id)
    assert (row.next_attempt_at, row.schedule_attempts) == (before, 1)
    result = await durable_shop.delivered(due)

    assert (result.status, result.attempts) == ("failed", 5)
    assert await triggers(durable_shop, due) == ["schedule", "manual", "manual", "schedule", "schedule"]
    starts = dict(await durable_shop.starts(due))
    assert 50 <= starts["attempt 2"] - starts["attempt 1, at once"] <= 56
    assert 60 <= starts["attempt 3"] - starts["attempt 2"] <= 67


@pytest.mark.parametrize("before", [ended_in_failure, waiting])
async def test_retries_with_one_key_at_once_are_one_attempt(
    durable_shop: DurableShop, front: Receiver, before: Callable[[DurableShop, Receiver], Awaitable[DueDelivery]]
) -> None:
    """Six at once with one key: the same answer to all, and one attempt, whether the delivery waits or has ended."""
    due = await before(durable_shop, front)
    received = len(front.received)
    front.usual = Reply(500)

    told = await asyncio.gather(*(retry(durable_shop, due, "all-at-once") for _ in range(AT_ONCE)))

    assert all(answer == told[0] for answer in told)
    assert len(front.received) == received + 1
    assert (await triggers(durable_shop, due)).count("manual") == 1
    again = await retry(durable_shop, due, "all-at-once")
    assert again == told[0]


async def test_each_retry_without_a_key_is_one_attempt(durable_shop: DurableShop, front: Receiver) -> None:
    """Six at once without a key are six attempts, one after the other."""
    due = await ended_in_failure(durable_shop, front)

    told = await asyncio.gather(*(retry(durable_shop, due) for _ in range(AT_ONCE)))

    assert sorted(answer["attempt"]["number"] for answer in told) == list(range(3, 3 + AT_ONCE))
    assert len(front.received) == 2 + AT_ONCE


async def test_a_retry_whose_answer_was_lost_is_not_made_again(durable_shop: DurableShop, front: Receiver) -> None:
    """A repeat after a crash finds the attempt of its key, in another run of the workflow too."""
    due = await ended_in_failure(durable_shop, front)
    first = await retry(durable_shop, due, "lost")
    await durable_shop.delivered(due)
    async with durable_shop.engine.begin() as connection:
        mine = idempotency_keys.c.merchant_id == durable_shop.id
        await connection.execute(update(idempotency_keys).where(mine).values(response_status=None, response_body=None))

    second = await retry(durable_shop, due, "lost")

    assert second["attempt"] == first["attempt"]
    assert len(front.received) == 3


async def test_a_retry_during_an_attempt_comes_after_it(durable_shop: DurableShop, front: Receiver) -> None:
    """Asked for while an attempt is under way, the retry is made right after it."""
    await durable_shop.endpoint(front.url)
    asked: list[asyncio.Task[Json]] = []

    async def ask() -> None:
        if not asked:
            asked.append(asyncio.create_task(retry(durable_shop, due)))
            await asyncio.sleep(0.5)

    front.before_reply = ask
    front.replies = [Reply(500)]
    (due,) = await durable_shop.announce()
    await until_attempts(durable_shop, due, 2)

    assert (await asked[0])["attempt"]["number"] == 2
    assert await triggers(durable_shop, due) == ["schedule", "manual"]
    assert (await durable_shop.delivered(due)).attempts == 2


async def test_a_slow_endpoint_is_answered_as_under_way(
    durable_shop: DurableShop, front: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the endpoint takes longer than a request can wait, the answer is 202 without an attempt."""
    due = await ended_in_failure(durable_shop, front)
    monkeypatch.setattr(durable_deliveries, "RETRY_WAIT_S", 0.3)
    goes_on = asyncio.Event()

    async def wait() -> None:
        await goes_on.wait()

    front.before_reply = wait
    told = await retry(durable_shop, due, status=202)
    assert (told["status"], told["attempt"]) == ("failed", None)

    goes_on.set()
    await until_attempts(durable_shop, due, 3)
    assert (await durable_shop.row(due.delivery_id)).status == "delivered"


async def test_what_was_taken_once_stays_delivered(durable_shop: DurableShop, front: Receiver) -> None:
    """A delivery that is sent again and then refused is delivered all the same."""
    await durable_shop.endpoint(front.url)
    (due,) = await durable_shop.announce()
    await durable_shop.delivered(due)
    front.usual = Reply(500)

    told = await retry(durable_shop, due)

    assert (told["status"], told["attempt"]["response_status"]) == ("delivered", 500)
    assert (await durable_shop.row(due.delivery_id)).status == "delivered"


async def test_an_endpoint_that_closes_meanwhile_leaves_it_delivered(
    durable_shop: DurableShop, front: Receiver
) -> None:
    """An endpoint disabled between the request for a retry and its attempt does not undo what was delivered."""
    endpoint = await durable_shop.endpoint(front.url)
    (due,) = await durable_shop.announce()
    await durable_shop.delivered(due)
    await durable_shop.http.patch(f"/webhook_endpoints/{endpoint['id']}", json={"status": "disabled"})

    outcome = await durable_shop.starter.retry(due, "rtry_of_a_test", pending=False)

    assert outcome is not None
    assert outcome.refused is not None
    assert outcome.status == "delivered"
    assert (await durable_shop.row(due.delivery_id)).status == "delivered"
    assert len(front.received) == 1


async def test_gone_ends_what_waits(durable_shop: DurableShop, front: Receiver) -> None:
    """A retry that is answered with 410 ends the delivery as failed and disables the endpoint."""
    due = await waiting(durable_shop, front)
    front.usual = Reply(410)

    told = await retry(durable_shop, due)

    assert (told["status"], told["next_attempt_at"]) == ("failed", None)
    assert (await durable_shop.get(f"/webhook_endpoints/{due.endpoint_id}"))["status"] == "disabled"
    assert (await durable_shop.delivered(due)).attempts == 2


async def test_retries_to_an_endpoint_are_bounded(durable_shop: DurableShop, front: Receiver) -> None:
    """More than RATE_LIMIT_WEBHOOK_RETRIES is a 429, which says when to come back, and sends nothing."""
    due = await ended_in_failure(durable_shop, front)
    bound = int(durable_shop.settings.rate_limit_webhook_retries.partition("/")[0])
    path, key = f"/webhooks/{due.delivery_id}/retry", {"Idempotency-Key": "one-of-many"}
    answers = [await durable_shop.http.post(path, headers=key) for _ in range(bound + 1)]

    assert [answer.status_code for answer in answers] == [200] * bound + [429]
    assert answers[-1].json()["code"] == "rate_limited"
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert len(front.received) == 3


async def test_a_delivery_has_so_many_attempts_and_no_more(durable_shop: DurableShop, front: Receiver) -> None:
    """A delivery with the maximum number of attempts is not sent again: a 409."""
    due = await ended_in_failure(durable_shop, front)
    async with durable_shop.engine.begin() as connection:
        await connection.execute(update(webhook_deliveries).values(attempt_count=200).where(_is(due)))
    assert (await retry(durable_shop, due, status=409))["code"] == "webhook_retry_limit"


async def test_a_retry_of_what_never_began_keeps_the_schedule(durable_shop: DurableShop, front: Receiver) -> None:
    """A delivery whose workflow was never started has all its attempts when a retry starts it."""
    await durable_shop.endpoint(front.url, retry_intervals_s=[50, 60])
    front.usual = Reply(500)
    (due,) = await durable_shop.record()

    await retry(durable_shop, due)
    result = await durable_shop.delivered(due)

    assert (result.status, result.attempts) == ("failed", 4)
    assert sorted(await triggers(durable_shop, due)) == ["manual", "schedule", "schedule", "schedule"]


@pytest.mark.parametrize("way", ["sweep", "retry"])
async def test_a_lost_workflow_goes_on_where_it_was(durable_shop: DurableShop, front: Receiver, way: str) -> None:
    """A workflow that is started again makes the next attempt of the schedule at its time, and all after it."""
    due = await waiting(durable_shop, front, retry_intervals_s=[50, 60])
    front.usual = Reply(500)
    await durable_shop.handle(due).terminate()

    if way == "retry":
        assert (await retry(durable_shop, due))["status"] == "pending"
    else:
        await durable_shop.starter.resume(await durable_shop.standing(due))
    result = await durable_shop.delivered(due)

    scheduled = [trigger for trigger in await triggers(durable_shop, due) if trigger == "schedule"]
    assert (result.status, len(scheduled)) == ("failed", 3)
    assert (await durable_shop.waits_s(due))[-1] >= 60


async def test_resuming_what_runs_or_has_ended_sends_nothing(durable_shop: DurableShop, front: Receiver) -> None:
    """The sweep may meet a workflow that runs, and a row that was read before the delivery ended."""
    due = await waiting(durable_shop, front)
    standing = await durable_shop.standing(due)
    await durable_shop.starter.resume(standing)
    assert (await durable_shop.delivered(due)).attempts == 2
    await durable_shop.starter.resume(standing)
    assert (await durable_shop.delivered(due)).status == "delivered"
    assert len(front.received) == 2


def _is(due: DueDelivery) -> Any:
    return webhook_deliveries.c.id == due.delivery_id


async def test_a_retry_to_a_closed_endpoint_is_refused(durable_shop: DurableShop, front: Receiver) -> None:
    """A retry to a disabled or deleted endpoint sends nothing, and the answer says so."""
    endpoint = await durable_shop.endpoint(front.url)
    (due,) = await durable_shop.announce()
    await durable_shop.delivered(due)

    await durable_shop.http.patch(f"/webhook_endpoints/{endpoint['id']}", json={"status": "disabled"})
    refused = await durable_shop.http.post(f"/webhooks/{due.delivery_id}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_endpoint_closed")

    await durable_shop.http.delete(f"/webhook_endpoints/{endpoint['id']}")
    assert (await retry(durable_shop, due, status=409))["code"] == "webhook_endpoint_closed"
    assert len(front.received) == 1


async def test_an_attempt_that_is_on_record_is_not_sent_again(durable_shop: DurableShop, front: Receiver) -> None:
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


async def test_a_wait_that_is_over_is_not_waited_again(durable_shop: DurableShop, front: Receiver) -> None:
    """A repeat of a recorded attempt, after its wait has passed, continues at once."""
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
