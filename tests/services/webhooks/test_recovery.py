"""`POST /webhook_endpoints/{id}/recover`: what an endpoint missed is sent, once, in pages, and can be followed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from temporalio.testing import ActivityEnvironment

from activities import endpoints as endpoint_activities
from activities.endpoints import EndpointActivities
from activities.maintenance import MaintenanceActivities
from clearway.db.deliveries import recovering
from clearway.db.deliveries.recovering import NewRecovery
from clearway.db.events import DueDelivery
from clearway.db.tables import audit_log, webhook_recoveries
from clearway.domain.delivery import RecoveryScope
from clearway.domain.events import EventType
from clearway.domain.ids import ENDPOINT, RECOVERY, new_id
from clearway.durable.messages import RecoveryInput, recovery_workflow_id
from clearway.settings import Settings
from tests.services.webhooks.conftest import DurableShop, Json, Shop
from tests.support.receiver import PATIENCE_S, Receiver, Reply
from workflows import policies

HOUR = timedelta(hours=1)
A_SECOND_MAX = 10


def begin(**fields: Any) -> Json:
    """Return a request for what happened within the last hour."""
    return {"since": (datetime.now(UTC) - HOUR).isoformat(), **fields}


async def recover(shop: Shop, endpoint: Json, *, status: int = 202, key: str | None = None, **fields: Any) -> Json:
    """Ask for a recovery; return the answer."""
    headers = {"Idempotency-Key": key} if key else {}
    path = f"/webhook_endpoints/{endpoint['id']}/recover"
    answer = await shop.http.post(path, json=begin(**fields), headers=headers)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def ended(shop: DurableShop, recovery: Json) -> Json:
    """Skip time until a recovery has ended and its deliveries too; return it."""
    path = f"/webhook_endpoints/{recovery['endpoint_id']}/recoveries/{recovery['id']}"
    handle = shop.durable.client.get_workflow_handle(recovery_workflow_id(recovery["id"]))
    await shop.durable.ended(handle)
    async with asyncio.timeout(PATIENCE_S):
        while (found := await shop.get(path))["pending"]:
            await shop.durable.environment.sleep(timedelta(minutes=1))
    return found


async def switch(shop: Shop, endpoint: Json, status: str) -> None:
    """Enable or disable an endpoint."""
    changed = await shop.http.patch(f"/webhook_endpoints/{endpoint['id']}", json={"status": status})
    assert changed.status_code == 200, changed.text


async def missed(shop: DurableShop, count: int, kind: EventType = EventType.PAYMENT_SUCCESS) -> None:
    """Let so many events happen while nobody is there for them."""
    for _ in range(count):
        assert await shop.record(kind) == []


async def failed(shop: DurableShop, front: Receiver, attempts: int = 2) -> DueDelivery:
    """Let one delivery fail, of so many attempts."""
    front.replies = [Reply(500)] * attempts
    (due,) = await shop.announce()
    assert (await shop.delivered(due)).status == "failed"
    return due


async def test_events_of_the_time_it_was_disabled_are_sent(durable_shop: DurableShop, front: Receiver) -> None:
    """Each event of that time is delivered once, marked as recovered, and the recovery says so."""
    endpoint = await durable_shop.endpoint(front.url)
    await switch(durable_shop, endpoint, "disabled")
    await missed(durable_shop, 3)
    await switch(durable_shop, endpoint, "enabled")

    recovery = await recover(durable_shop, endpoint)
    assert (recovery["object"], recovery["status"], recovery["include"]) == (
        "webhook_recovery",
        "running",
        "all_missing",
    )
    found = await ended(durable_shop, recovery)

    assert (found["status"], found["recovered"], found["delivered"], found["pending"]) == ("completed", 3, 3, 0)
    assert len(set(front.ids())) == len(front.ids()) == 3
    listed = (await durable_shop.get("/webhooks"))["data"]
    shown = await durable_shop.get(f"/webhooks/{listed[0]['id']}")
    assert [attempt["trigger"] for attempt in shown["attempts"]] == ["recovery"]


async def test_a_recovery_goes_by_the_events_the_endpoint_wants(durable_shop: DurableShop, front: Receiver) -> None:
    """Of events without a delivery, those of its types are sent, also from before it was registered."""
    await missed(durable_shop, 1, EventType.PAYMENT_SUCCESS)
    await missed(durable_shop, 1, EventType.REFUND_PROCESSED)
    tested = new_id(ENDPOINT)
    assert await durable_shop.record(EventType.REFUND_PROCESSED, subject_id=tested) == [], "a test of another endpoint"
    endpoint = await durable_shop.endpoint(front.url, event_types=["refund.*"])
    found = await ended(durable_shop, await recover(durable_shop, endpoint))
    assert (found["recovered"], front.types()) == (1, ["refund.processed"])

    everything = await durable_shop.endpoint(front.url)
    assert (await ended(durable_shop, await recover(durable_shop, everything)))["recovered"] == 2


async def test_only_what_failed(durable_shop: DurableShop, front: Receiver) -> None:
    """`include: failed` sends what failed again, and nothing that never had a delivery or was taken."""
    await missed(durable_shop, 1)
    endpoint = await durable_shop.endpoint(front.url, retry_intervals_s=[5])
    (taken,) = await durable_shop.announce()
    await durable_shop.delivered(taken)
    due = await failed(durable_shop, front)
    front.received.clear()

    found = await ended(durable_shop, await recover(durable_shop, endpoint, include="failed"))

    assert (found["recovered"], found["delivered"]) == (1, 1)
    assert front.ids() == [due.event_id]
    row = await durable_shop.row(due.delivery_id)
    assert (row.status, row.attempt_count, row.schedule_attempts) == ("delivered", 3, 1)


async def test_what_is_recovered_has_a_schedule_of_its_own(durable_shop: DurableShop, front: Receiver) -> None:
    """A recovered delivery that is refused again has all attempts of the schedule, and is failed then."""
    endpoint = await durable_shop.endpoint(front.url, retry_intervals_s=[5])
    due = await failed(durable_shop, front)
    front.usual = Reply(500)

    found = await ended(durable_shop, await recover(durable_shop, endpoint))

    assert (found["recovered"], found["failed"]) == (1, 1)
    shown = await durable_shop.get(f"/webhooks/{due.delivery_id}")
    assert [attempt["trigger"] for attempt in shown["attempts"]] == ["schedule"] * 2 + ["recovery"] * 2
    front.usual = Reply(200)
    assert (await ended(durable_shop, await recover(durable_shop, endpoint)))["delivered"] == 1


async def test_a_recovery_takes_as_many_pages_as_it_needs(
    durable_shop: DurableShop, front: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page after page with a pause between them, each event once: at most ten a second."""
    assert endpoint_activities.RECOVERY_PAGE / policies.RECOVERY_PAUSE.total_seconds() <= A_SECOND_MAX
    monkeypatch.setattr(endpoint_activities, "RECOVERY_PAGE", 2)
    await missed(durable_shop, 5)
    endpoint = await durable_shop.endpoint(front.url)

    recovery = await recover(durable_shop, endpoint)
    found = await ended(durable_shop, recovery)

    assert (found["recovered"], found["delivered"]) == (5, 5)
    handle = durable_shop.durable.client.get_workflow_handle(recovery_workflow_id(recovery["id"]))
    events = [event async for event in handle.fetch_history_events()]
    pauses = [
        event.timer_started_event_attributes.start_to_fire_timeout
        for event in events
        if event.HasField("timer_started_event_attributes")
    ]
    assert [pause.ToTimedelta() for pause in pauses] == [policies.RECOVERY_PAUSE] * 2
    assert len(set(front.ids())) == len(front.received) == 5


async def test_a_slow_endpoint_sets_the_pace(
    durable_shop: DurableShop, front: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While too many recovered deliveries wait for their first attempt, no more are begun."""
    monkeypatch.setattr(endpoint_activities, "RECOVERY_PAGE", 2)
    monkeypatch.setattr(endpoint_activities, "RECOVERY_WAITING_MAX", 2)
    goes_on = asyncio.Event()

    async def wait() -> None:
        await goes_on.wait()

    front.before_reply = wait
    await missed(durable_shop, 4)
    endpoint = await durable_shop.endpoint(front.url)
    now = datetime.now(UTC)
    new = NewRecovery(new_id(RECOVERY), durable_shop.id, endpoint["id"], RecoveryScope.ALL_MISSING, now - HOUR, now)
    async with durable_shop.engine.begin() as connection:
        await recovering.add(connection, new)
    page = EndpointActivities(durable_shop.engine, durable_shop.starter).recover_page
    asked = RecoveryInput(new.id, durable_shop.id)

    first = await ActivityEnvironment().run(page, asked)
    await front.until(2)
    second = await ActivityEnvironment().run(page, asked)
    goes_on.set()

    assert (first.recovered, first.waiting) == (2, 2)
    assert (second.status, second.recovered, second.waiting) == ("running", 2, 2)
    async with asyncio.timeout(PATIENCE_S):
        while (await ActivityEnvironment().run(page, asked)).recovered < 4:
            await asyncio.sleep(0.05)
    await front.until(4)


async def test_the_same_recovery_twice_is_one(durable_shop: DurableShop, front: Receiver) -> None:
    """Repeats with one key, at once and later, get the same recovery; another at the same time is a 409."""
    await missed(durable_shop, 2)
    endpoint = await durable_shop.endpoint(front.url)
    body, headers = begin(), {"Idempotency-Key": "recover-1"}
    path = f"/webhook_endpoints/{endpoint['id']}/recover"

    answers = await asyncio.gather(*(durable_shop.http.post(path, json=body, headers=headers) for _ in range(4)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    await ended(durable_shop, answers[0].json())
    again = await durable_shop.http.post(path, json=body, headers=headers)
    assert again.json()["id"] == answers[0].json()["id"]
    assert len(front.received) == 2
    async with durable_shop.engine.connect() as connection:
        actions = select(audit_log.c.action).where(audit_log.c.action == "webhook_endpoint.recover")
        mine = actions.where(audit_log.c.merchant_id == durable_shop.id)
        assert len((await connection.execute(mine)).all()) == 1


async def test_one_recovery_of_an_endpoint_at_a_time(shop: Shop) -> None:
    """A second recovery of the same endpoint is a 409 while the first is under way; without Temporal that is a 503."""
    endpoint = await shop.endpoint()
    assert (await recover(shop, endpoint, status=503, key="first"))["code"] == "temporal_unavailable"
    assert (await recover(shop, endpoint, status=409))["code"] == "webhook_recovery_running"


async def test_a_lost_recovery_is_taken_up(durable_shop: DurableShop, front: Receiver) -> None:
    """A recovery whose workflow is not there is started by housekeeping, and goes on where its row says."""
    await missed(durable_shop, 2)
    endpoint = await durable_shop.endpoint(front.url)
    recovery = await recover(durable_shop, endpoint)
    await ended(durable_shop, recovery)
    await missed_while_lost(durable_shop, recovery)
    housekeeping = MaintenanceActivities(durable_shop.engine, durable_shop.starter, Settings(_env_file=None))

    assert await housekeeping.take_up_recoveries() >= 1

    assert (await ended(durable_shop, recovery))["status"] == "completed"
    assert len(front.received) == 2


async def missed_while_lost(shop: DurableShop, recovery: Json) -> None:
    """Make a recovery look as one does whose workflow is gone: under way for long, at its beginning."""
    long_ago = datetime.now(UTC) - HOUR
    async with shop.engine.begin() as connection:
        mine = update(webhook_recoveries).where(webhook_recoveries.c.id == recovery["id"])
        await connection.execute(mine.values(status="running", reached="evt_", updated_at=long_ago))


async def test_an_endpoint_that_closes_stops_its_recovery(
    durable_shop: DurableShop, front: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recovery ends as stopped when its endpoint is disabled; what it began is cancelled at the next attempt."""
    monkeypatch.setattr(endpoint_activities, "RECOVERY_PAGE", 1)
    await missed(durable_shop, 3)
    endpoint = await durable_shop.endpoint(front.url)

    async def close() -> None:
        await switch(durable_shop, endpoint, "disabled")

    front.before_reply = close
    found = await ended(durable_shop, await recover(durable_shop, endpoint))

    assert (found["status"], found["stopped_reason"]) == ("stopped", "the endpoint is disabled or deleted")
    assert len(front.received) == 1


async def test_a_disabled_endpoint_is_not_recovered(shop: Shop) -> None:
    """Nothing is begun for a disabled endpoint: a 409."""
    endpoint = await shop.endpoint()
    await switch(shop, endpoint, "disabled")
    assert (await recover(shop, endpoint, status=409))["code"] == "webhook_endpoint_closed"


@pytest.mark.parametrize(
    ("period", "code"),
    [
        ({"since": "2020-01-01T00:00:00Z"}, "recovery_period_invalid"),
        ({"since": "2999-01-01T00:00:00Z"}, "recovery_period_invalid"),
        ({"until": "2020-01-01T00:00:00Z"}, "recovery_period_invalid"),
        ({"since": "yesterday"}, "validation_error"),
        ({"since": "2026-11-20T00:00:00"}, "validation_error"),
        ({"include": "everything"}, "validation_error"),
    ],
)
async def test_a_period_that_is_none_is_refused(shop: Shop, period: Json, code: str) -> None:
    """A recovery needs a time with an offset, in the past, not too long ago, and before its end."""
    endpoint = await shop.endpoint()
    assert (await recover(shop, endpoint, status=422, **period))["code"] == code


async def test_another_merchants_recovery_is_not_found(
    durable_shop: DurableShop, other_shop: Shop, front: Receiver
) -> None:
    """Neither the endpoint nor the recovery of another merchant is there."""
    endpoint = await durable_shop.endpoint(front.url)
    recovery = await recover(durable_shop, endpoint)
    assert (await recover(other_shop, endpoint, status=404))["code"] == "webhook_endpoint_not_found"
    path = f"/webhook_endpoints/{endpoint['id']}/recoveries"
    for shop, recovery_id in ((other_shop, recovery["id"]), (durable_shop, new_id(RECOVERY)), (durable_shop, "x")):
        answer = await shop.http.get(f"{path}/{recovery_id}")
        assert (answer.status_code, answer.json()["code"]) == (404, "webhook_recovery_not_found")
    await ended(durable_shop, recovery)


async def test_an_event_is_sent_again_to_an_endpoint(durable_shop: DurableShop, front: Receiver) -> None:
    """An event that was never sent to the endpoint gets a delivery; sent again it is one attempt more of it."""
    await missed(durable_shop, 1)
    event = (await durable_shop.get("/events"))["data"][0]
    endpoint = await durable_shop.endpoint(front.url)
    path, body = f"/events/{event['id']}/resend", {"endpoint_id": endpoint["id"]}

    first = (await durable_shop.http.post(path, json=body)).json()
    second = (await durable_shop.http.post(path, json=body)).json()

    assert (first["status"], first["attempt"]["number"], second["attempt"]["number"]) == ("delivered", 1, 2)
    assert first["id"] == second["id"]
    assert front.ids() == [event["id"]] * 2


async def test_an_event_that_is_refused_when_it_is_sent_again_has_a_schedule(
    durable_shop: DurableShop, front: Receiver
) -> None:
    """The delivery that was made for it goes on as any other, after the first wait."""
    await missed(durable_shop, 1)
    event = (await durable_shop.get("/events"))["data"][0]
    endpoint = await durable_shop.endpoint(front.url, retry_intervals_s=[5])
    front.replies = [Reply(500), Reply(500)]

    told = (await durable_shop.http.post(f"/events/{event['id']}/resend", json={"endpoint_id": endpoint["id"]})).json()
    assert (told["status"], told["attempt"]["response_status"]) == ("pending", 500)
    due = (await durable_shop.standing(DueDelivery("", None, told["id"], "", "", "", None)))[0]

    assert (await durable_shop.delivered(due)).status == "delivered"
    shown = await durable_shop.get(f"/webhooks/{told['id']}")
    assert [attempt["trigger"] for attempt in shown["attempts"]] == ["manual", "schedule", "schedule"]


async def test_what_is_not_there_is_not_sent_again(durable_shop: DurableShop, other_shop: Shop) -> None:
    """An event or an endpoint of another merchant is a 404, a closed endpoint a 409."""
    await missed(durable_shop, 1)
    event = (await durable_shop.get("/events"))["data"][0]
    endpoint = await durable_shop.endpoint()
    body, path = {"endpoint_id": endpoint["id"]}, f"/events/{event['id']}/resend"
    theirs = {"endpoint_id": (await other_shop.endpoint())["id"]}
    assert (await other_shop.http.post(path, json=theirs)).json()["code"] == "event_not_found"
    for unknown in (theirs, {"endpoint_id": new_id(ENDPOINT)}, {"endpoint_id": "x"}):
        assert (await durable_shop.http.post(path, json=unknown)).json()["code"] == "webhook_endpoint_not_found"
    await switch(durable_shop, endpoint, "disabled")
    assert (await durable_shop.http.post(path, json=body)).json()["code"] == "webhook_endpoint_closed"
    assert (await durable_shop.get("/webhooks"))["data"] == []
