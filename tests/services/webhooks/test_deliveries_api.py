"""`/webhooks`: deliveries listed, read with their attempts, and kept apart by merchant."""

from __future__ import annotations

from typing import Any

import pytest

from clearway.domain.events import EventType
from clearway.domain.ids import DELIVERY, PAYMENT, new_id
from tests.services.webhooks.conftest import DurableShop, Shop
from tests.support.receiver import Receiver, Reply


async def test_a_delivery_shows_what_was_sent_and_what_came_back(durable_shop: DurableShop, front: Receiver) -> None:
    """Each attempt has its URL, headers, the exact body, the answer, its duration and what was wrong with it."""
    endpoint = await durable_shop.endpoint(front.url)
    front.replies = [Reply(503, {"retry-after": "5", "x-shop": "busy"}, b"try later")]
    (due,) = await durable_shop.announce()
    await durable_shop.delivered(due)

    response = await durable_shop.http.get(f"/webhooks/{due.delivery_id}")

    shown = response.json()
    assert (shown["object"], shown["id"], shown["status"]) == ("webhook_delivery", due.delivery_id, "delivered")
    assert (shown["event_id"], shown["event_type"]) == (due.event_id, "payment.success")
    assert (shown["endpoint_id"], shown["attempt_count"]) == (endpoint["id"], 2)
    failed, taken = shown["attempts"]
    assert (failed["number"], taken["number"]) == (1, 2)
    for attempt, received in zip((failed, taken), front.received, strict=True):
        assert (attempt["request"]["method"], attempt["request"]["url"]) == ("POST", front.url)
        assert attempt["request"]["body"].encode() == received.body
        sent = {name.lower(): value for name, value in attempt["request"]["headers"].items()}
        assert sent.items() <= received.headers.items()
        assert {"x-webhook-signature", "webhook-id", "webhook-timestamp", "webhook-signature"} <= sent.keys()
        assert 0 <= attempt["duration_ms"] < 5_000
    assert (failed["error_code"], failed["response"]["status"]) == ("http_status", 503)
    assert failed["response"]["body"] == "try later"
    assert failed["response"]["headers"]["x-shop"] == "busy"
    assert (taken["error_code"], taken["error"], taken["response"]["status"]) == (None, None, 200)
    assert endpoint["secret"] not in response.text


async def test_an_attempt_without_an_answer_has_no_response(durable_shop: DurableShop) -> None:
    """A connection that fails is shown as an error with its code and without a response."""
    await durable_shop.endpoint("http://127.0.0.1:1/", retry_intervals_s=[5])
    (due,) = await durable_shop.announce()
    await durable_shop.delivered(due)
    shown = await durable_shop.get(f"/webhooks/{due.delivery_id}")
    assert shown["status"] == "failed"
    for attempt in shown["attempts"]:
        assert attempt["response"] is None
        assert attempt["error_code"] == "connect_failed"
        assert attempt["error"]
    assert shown["last_error"] == shown["attempts"][-1]["error"]


async def test_a_delivery_that_waits_shows_when_it_goes_on(shop: Shop) -> None:
    """Before its first attempt a delivery is pending, without attempts, and due."""
    await shop.endpoint()
    (due,) = await shop.record()
    shown = await shop.get(f"/webhooks/{due.delivery_id}")
    assert (shown["status"], shown["attempt_count"], shown["attempts"]) == ("pending", 0, [])
    assert shown["next_attempt_at"] is not None


async def two_payments(shop: Shop) -> dict[str, Any]:
    """Tell of two payments to two endpoints; return what filters can name."""
    first, second = [(await shop.endpoint())["id"] for _ in range(2)]
    paid, refunded = new_id(PAYMENT), new_id(PAYMENT)
    due = await shop.record(EventType.PAYMENT_SUCCESS, payment_id=paid)
    more = await shop.record(EventType.REFUND_PROCESSED, payment_id=refunded)
    return {"endpoints": (first, second), "paid": paid, "event_id": more[0].event_id, "due": [*due, *more]}


async def test_deliveries_are_listed_newest_first_and_filtered(shop: Shop) -> None:
    """Every filter narrows the list, several narrow it together, and what matches nothing is an empty page."""
    made = await two_payments(shop)
    first, _ = made["endpoints"]

    async def listed(**query: str) -> list[dict[str, Any]]:
        return list((await shop.get("/webhooks", **query))["data"])

    everything = await listed()
    assert sorted(item["id"] for item in everything) == sorted(due.delivery_id for due in made["due"])
    assert [item["id"] for item in everything] == sorted((item["id"] for item in everything), reverse=True)
    assert {item["event_type"] for item in await listed(event="refund.processed")} == {"refund.processed"}
    assert {item["payment_id"] for item in await listed(payment_id=made["paid"])} == {made["paid"]}
    assert {item["event_id"] for item in await listed(event_id=made["event_id"])} == {made["event_id"]}
    assert {item["endpoint_id"] for item in await listed(endpoint_id=first)} == {first}
    assert len(await listed(status="pending")) == 4
    assert await listed(status="delivered") == []
    (one,) = await listed(event="payment.success", endpoint_id=first, payment_id=made["paid"], status="pending")
    assert (one["endpoint_id"], one["payment_id"]) == (first, made["paid"])
    assert await listed(payment_id="pay_nobody") == []


async def test_deliveries_come_in_pages(shop: Shop) -> None:
    """Pages follow each other by cursor without a gap or a repeat, filters included."""
    await two_payments(shop)
    whole = [item["id"] for item in (await shop.get("/webhooks", status="pending"))["data"]]
    first = await shop.get("/webhooks", status="pending", limit=3)
    second = await shop.get("/webhooks", status="pending", limit=3, cursor=first["next_cursor"])
    assert [item["id"] for item in first["data"] + second["data"]] == whole
    assert (first["has_more"], second["has_more"], second["next_cursor"]) == (True, False, None)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"status": "lost"}, 422, "validation_error"),
        ({"event": "payment.succes"}, 422, "validation_error"),
        ({"limit": "101"}, 422, "validation_error"),
        ({"limit": "0"}, 422, "validation_error"),
        ({"cursor": "evt_1"}, 400, "cursor_invalid"),
        ({"payment_id": "x" * 65}, 422, "validation_error"),
        ({"event_id": "a\x00b"}, 422, "validation_error"),
    ],
)
async def test_a_filter_that_cannot_be_is_refused(shop: Shop, query: dict[str, str], status: int, code: str) -> None:
    """Unknown statuses and events, bad cursors and bad limits are refused, not ignored."""
    refused = await shop.http.get("/webhooks", params=query)
    assert (refused.status_code, refused.json()["code"]) == (status, code)


async def test_no_merchant_reaches_anothers_deliveries(shop: Shop, other_shop: Shop) -> None:
    """Another merchant's delivery is neither read, nor retried, nor listed, with any filter."""
    made = await two_payments(shop)
    theirs = made["due"][0]
    for delivery_id in (theirs.delivery_id, new_id(DELIVERY), "dlv_1"):
        for answer in (
            await other_shop.http.get(f"/webhooks/{delivery_id}"),
            await other_shop.http.post(f"/webhooks/{delivery_id}/retry"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "webhook_not_found")
    for query in ({}, {"payment_id": made["paid"]}, {"event_id": theirs.event_id}, {"endpoint_id": theirs.endpoint_id}):
        assert (await other_shop.get("/webhooks", **query))["data"] == []


async def test_deliveries_of_a_deleted_endpoint_stay_readable(shop: Shop) -> None:
    """What was sent is history: deleting the endpoint does not hide it."""
    made = await shop.endpoint()
    (due,) = await shop.record()
    await shop.http.delete(f"/webhook_endpoints/{made['id']}")
    assert (await shop.get(f"/webhooks/{due.delivery_id}"))["endpoint_id"] == made["id"]
    assert len((await shop.get("/webhooks", endpoint_id=made["id"]))["data"]) == 1


async def test_credentials_are_needed(shop: Shop) -> None:
    """Without a key, nothing of webhooks can be read or changed."""
    made = await shop.endpoint()
    del shop.http.headers["X-Api-Secret"]
    for method, path in (
        ("GET", "/webhooks"),
        ("GET", "/webhooks/dlv_1"),
        ("POST", "/webhooks/dlv_1/retry"),
        ("GET", "/webhook_endpoints"),
        ("POST", "/webhook_endpoints"),
        ("PATCH", f"/webhook_endpoints/{made['id']}"),
        ("DELETE", f"/webhook_endpoints/{made['id']}"),
        ("POST", f"/webhook_endpoints/{made['id']}/rotate_secret"),
        ("POST", f"/webhook_endpoints/{made['id']}/test"),
    ):
        answer = await shop.http.request(method, path, json={"url": "https://shop.example/"})
        assert (answer.status_code, answer.json()["code"]) == (401, "credentials_missing"), path


async def test_a_retry_without_temporal_is_a_503_that_can_be_repeated(shop: Shop) -> None:
    """While Temporal is down, a retry is a 503, a repeat is safe, and the delivery still waits."""
    await shop.endpoint()
    (due,) = await shop.record()
    answer = await shop.http.post(f"/webhooks/{due.delivery_id}/retry")
    assert (answer.status_code, answer.json()["code"]) == (503, "temporal_unavailable")
    assert (await shop.get(f"/webhooks/{due.delivery_id}"))["status"] == "pending"
