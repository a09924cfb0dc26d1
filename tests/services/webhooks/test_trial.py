"""`POST /webhook_endpoints/{id}/test`: a test event for one endpoint, delivered like any other."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import update

from clearway.db.tables import idempotency_keys
from clearway.domain.errors import ConflictError
from clearway.domain.event_catalogue import schema_of
from clearway.domain.events import EventType
from clearway.domain.merchant import Mode
from clearway.endpoints import trial
from tests.services.webhooks.conftest import DurableShop, Shop
from tests.support.receiver import Receiver, running_receiver, verify


async def test_a_test_event_goes_to_the_endpoint_named_alone(durable_shop: DurableShop, front: Receiver) -> None:
    """Only the named endpoint gets a signed `endpoint.test`, also when its filter leaves the type out."""
    async with running_receiver() as elsewhere:
        await durable_shop.endpoint(elsewhere.url)
        made = await durable_shop.endpoint(front.url, event_types=["refund.failed"])

        sent = await durable_shop.http.post(f"/webhook_endpoints/{made['id']}/test")
        await front.until(1)

        assert sent.status_code == 202, sent.text
        delivery = sent.json()
        assert (delivery["endpoint_id"], delivery["event_type"]) == (made["id"], "endpoint.test")
        verify(front.received[0], made["secret"])
        event = front.received[0].event
        assert (event["id"], event["type"]) == (delivery["event_id"], "endpoint.test")
        assert event["data"]["endpoint_id"] == made["id"]
        assert elsewhere.received == []


async def test_a_disabled_endpoint_is_not_tested(durable_shop: DurableShop, front: Receiver) -> None:
    """A test of a disabled endpoint is a 409, and neither an event nor a delivery is made."""
    made = await durable_shop.endpoint(front.url)
    path = f"/webhook_endpoints/{made['id']}"
    await durable_shop.http.patch(path, json={"status": "disabled"})

    refused = await durable_shop.http.post(f"{path}/test")

    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_endpoint_closed")
    assert (await durable_shop.get("/webhooks"))["data"] == []
    assert (await durable_shop.get("/events"))["data"] == []


async def test_a_repeated_test_is_one_event(durable_shop: DurableShop, front: Receiver) -> None:
    """The same key gives the same delivery, also when the first answer was lost on its way into the database."""
    made = await durable_shop.endpoint(front.url)
    path, key = f"/webhook_endpoints/{made['id']}/test", {"Idempotency-Key": "try-1"}
    first = await durable_shop.http.post(path, headers=key)
    second = await durable_shop.http.post(path, headers=key)
    async with durable_shop.engine.begin() as connection:
        mine = idempotency_keys.c.merchant_id == durable_shop.id
        await connection.execute(update(idempotency_keys).where(mine).values(response_status=None, response_body=None))
    third = await durable_shop.http.post(path, headers=key)

    assert second.content == first.content
    assert third.json()["id"] == first.json()["id"]
    await front.until(1)
    assert len((await durable_shop.get("/events"))["data"]) == 1
    assert len((await durable_shop.get("/webhooks"))["data"]) == 1
    assert front.ids() == [first.json()["event_id"]]


async def test_a_test_without_temporal_is_recorded_and_answered_503(shop: Shop) -> None:
    """While Temporal is down, a test is a 503; the delivery waits, and a repeat makes no second one."""
    made = await shop.endpoint()
    path, key = f"/webhook_endpoints/{made['id']}/test", {"Idempotency-Key": "try-2"}
    for _ in range(2):
        answer = await shop.http.post(path, headers=key)
        assert (answer.status_code, answer.json()["code"]) == (503, "temporal_unavailable")
    (waiting,) = (await shop.get("/webhooks"))["data"]
    assert (waiting["event_type"], waiting["status"]) == ("endpoint.test", "pending")


async def test_any_type_of_event_can_be_tried(durable_shop: DurableShop, front: Receiver) -> None:
    """In test mode an endpoint gets the example of the type that is named: signed, valid, and of no payment."""
    made = await durable_shop.endpoint(front.url)
    sent = await durable_shop.http.post(
        f"/webhook_endpoints/{made['id']}/test", json={"event_type": "payment.requires_action"}
    )
    await front.until(1)
    assert (sent.status_code, sent.json()["event_type"]) == (202, "payment.requires_action")
    verify(front.received[0], made["secret"])
    event = front.received[0].event
    Draft202012Validator(schema_of(EventType.PAYMENT_REQUIRES_ACTION)).validate(event)
    assert (await durable_shop.http.get(f"/payments/{event['data']['id']}")).status_code == 404
    unknown = await durable_shop.http.post(f"/webhook_endpoints/{made['id']}/test", json={"event_type": "payment.lost"})
    assert unknown.status_code == 422


def test_a_live_endpoint_gets_no_example() -> None:
    """A live server would take an example for a payment, so only `endpoint.test` is sent there."""
    trial.check_type(Mode.LIVE, EventType.ENDPOINT_TEST)
    with pytest.raises(ConflictError, match="only when it happens"):
        trial.check_type(Mode.LIVE, EventType.PAYMENT_SUCCESS)
