"""`POST /webhook_endpoints/{id}/test`: a test event for one endpoint, delivered like any other."""

from __future__ import annotations

import pytest
from httpx import Response
from jsonschema import Draft202012Validator
from sqlalchemy import update

from clearway.db.tables import idempotency_keys
from clearway.domain.errors import ConflictError
from clearway.domain.event_catalogue import schema_of
from clearway.domain.events import EventType
from clearway.domain.limits import TEST_EVENT_BYTES_MAX
from clearway.domain.merchant import Mode
from clearway.endpoints import trial
from clearway.endpoints.composing import misfits
from clearway.endpoints.trial import TestEvent
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
    trial.check_mode(Mode.LIVE, TestEvent())
    with pytest.raises(ConflictError, match="only when it happens"):
        trial.check_mode(Mode.LIVE, TestEvent(EventType.PAYMENT_SUCCESS))
    with pytest.raises(ConflictError, match="written by hand"):
        trial.check_mode(Mode.LIVE, TestEvent(data={}))


async def test_data_of_the_merchant_are_sent_as_they_are(durable_shop: DurableShop, front: Receiver) -> None:
    """An event of a test has the data that were asked for, byte for byte, and its body meets the published schema."""
    made = await durable_shop.endpoint(front.url)
    data = await data_of(durable_shop, "payment.failed") | {
        "amount": 77,
        "order_id": "order_of_mine",
        "currency": "EUR",
    }
    sent = await send(durable_shop, made["id"], "payment.failed", data)
    await front.until(1)
    assert sent.status_code == 202, sent.text
    verify(front.received[0], made["secret"])
    event = front.received[0].event
    assert (event["type"], list(event["data"].items())) == ("payment.failed", list(data.items()))
    Draft202012Validator(schema_of(EventType.PAYMENT_FAILED)).validate(event)
    assert (await durable_shop.get(f"/webhooks/{sent.json()['id']}"))["attempts"][0]["request"]["body"] == (
        front.received[0].body.decode()
    )


@pytest.mark.parametrize("event_type", [*EventType])
async def test_what_the_editor_begins_with_can_be_sent(shop: Shop, event_type: EventType) -> None:
    """`test_data` of every event type passes the check, with nothing changed."""
    assert misfits(event_type, await data_of(shop, event_type)) == []


WRONG = [
    ("payment.success", {"amount": "500"}, "data.amount", "This must be a JSON integer"),
    ("payment.success", {"amount": 500.0}, "data.amount", "This must be a JSON integer"),
    ("payment.success", {"status": "failed"}, "data.status", "This must be success"),
    ("payment.success", {"method": "cash"}, "data.method", "This must be upi, card, netbanking or wallet"),
    ("payment.success", {"amuont": 5}, "data.amuont", "This event has no such field"),
    ("payment.success", {"created_at": "yesterday"}, "data.created_at", "Write a date and time with its offset"),
    ("payment.success", {"created_at": "2026-11-21T10:41:38"}, "data.created_at", "Write a date and time"),
    ("payment.success", {"gateway": 7}, "data.gateway", "This must be a JSON string"),
    ("payment.success", {"error_code": 7}, "data.error_code", "This must be a JSON string or null"),
    ("payment.success", {"next_action": {"type": "redirect", "url": 5}}, "data.next_action.expires_at", "required"),
    ("payment.success", {"next_action": {"type": "redirect", "url": 5}}, "data.next_action.url", "a JSON string"),
    ("payment.success", {"vpa": "ada@upi"}, "data.vpa", "Leave this empty"),
    ("payment.success", {"notes": {"cart": "7"}}, "data.notes", "Leave this empty"),
    ("payment.success", {"notes": None}, "data.notes", "This must be a JSON object"),
    (
        "payment.success",
        {"customer": {"id": None, "name": None, "email": "ada@shop.example", "phone": None}},
        "data.customer.email",
        "Leave this empty",
    ),
    ("order.expired", {"notes": {"cart": "7"}}, "data.notes", "Leave this empty"),
    ("reconciliation.completed", {"found": [{"kind": "none"}]}, "data.found.0.kind", "This must be "),
    ("endpoint.test", {"message": "4242 4242 4242 4242"}, "data", "looks like a card number"),
    ("endpoint.test", {"message": "a\x07b"}, "data", "Remove control characters"),
    ("payment.success", {"amount": 2**64}, "data", "too large"),
    ("endpoint.test", {"message": "é" * (TEST_EVENT_BYTES_MAX // 2)}, "data", f"at most {TEST_EVENT_BYTES_MAX} bytes"),
]


@pytest.mark.parametrize(("event_type", "change", "field", "reason"), WRONG)
async def test_data_that_do_not_fit_are_refused_with_their_place(
    shop: Shop, event_type: str, change: dict[str, object], field: str, reason: str
) -> None:
    """What does not fit the schema, or may not be kept, is a 422 that names its place; nothing is sent or recorded."""
    made = await shop.endpoint()
    refused = await send(shop, made["id"], event_type, await data_of(shop, event_type) | change)
    assert refused.status_code == 422, refused.text
    assert [
        each["message"] for each in refused.json()["errors"] if each["field"] == field and reason in each["message"]
    ]
    assert (await shop.get("/events"))["data"] == []


async def test_missing_fields_are_named(shop: Shop) -> None:
    """Data without required fields are refused with the name of each, and the list is bounded."""
    made = await shop.endpoint()
    refused = (await send(shop, made["id"], "refund.failed", {"id": "rfnd_mine"})).json()
    assert {"field": "data.amount", "message": "This field is required"} in refused["errors"]
    empty = (await send(shop, made["id"], "payment.success", {})).json()
    assert len(empty["errors"]) == 20


async def data_of(shop: Shop, event_type: str) -> dict[str, object]:
    """Return the data that the editor begins with."""
    found: dict[str, object] = (await shop.get(f"/event_types/{event_type}"))["test_data"]
    return found


async def send(shop: Shop, endpoint_id: str, event_type: str, data: object) -> Response:
    """Ask for a test with these data."""
    return await shop.http.post(f"/webhook_endpoints/{endpoint_id}/test", json={"event_type": event_type, "data": data})
