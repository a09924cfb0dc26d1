"""A delivery attempt that the database refuses to record: what can be kept is kept, and the delivery ends on record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text

from clearway.db.events import DueDelivery
from tests.services.webhooks.conftest import DurableShop
from tests.support.receiver import Receiver, Reply

REFUSE = """
CREATE FUNCTION refuse_attempts_for_a_test() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'refused for a test' USING ERRCODE = 'check_violation'; END $$
"""


@asynccontextmanager
async def refusing(shop: DurableShop, due: DueDelivery | None = None, *, only: str = "true") -> AsyncIterator[None]:
    """Have Postgres refuse to record attempts for which the condition holds; due: of this delivery alone."""
    condition = only if due is None else f"{only} AND NEW.delivery_id = '{due.delivery_id}'"
    trigger = f"CREATE TRIGGER refuse BEFORE INSERT ON webhook_attempts FOR EACH ROW WHEN ({condition}) "
    async with shop.engine.begin() as connection:
        await connection.execute(text(REFUSE))
        await connection.execute(text(trigger + "EXECUTE FUNCTION refuse_attempts_for_a_test()"))
    try:
        yield
    finally:
        async with shop.engine.begin() as connection:
            await connection.execute(text("DROP FUNCTION refuse_attempts_for_a_test() CASCADE"))


async def shown(shop: DurableShop, due: DueDelivery) -> dict[str, Any]:
    """Return the delivery as its merchant sees it."""
    return await shop.get(f"/webhooks/{due.delivery_id}")


async def test_an_answer_that_cannot_be_stored_still_counts(durable_shop: DurableShop, front: Receiver) -> None:
    """A delivery that the endpoint accepted is delivered, and sent once. The record says which part is missing."""
    await durable_shop.endpoint(front.url)
    front.usual = Reply(200, body=b"refused")
    async with refusing(durable_shop, only="NEW.response_body IS NOT NULL"):
        (due,) = await durable_shop.announce()
        assert (await durable_shop.delivered(due)).status == "delivered"
    assert front.ids() == [due.event_id]
    delivery = await shown(durable_shop, due)
    (attempt,) = delivery["attempts"]
    assert (delivery["status"], attempt["response"]["status"], attempt["error_code"]) == ("delivered", 200, None)
    assert "only the status of the answer could be stored: SQLSTATE 23514" in attempt["error"]


async def test_a_delivery_without_a_record_of_its_attempts_is_failed(
    durable_shop: DurableShop, front: Receiver
) -> None:
    """No attempt can be recorded: the delivery ends as failed with the reason. Mended, it can be sent again."""
    await durable_shop.endpoint(front.url)
    async with refusing(durable_shop):
        (due,) = await durable_shop.announce()
        assert (await durable_shop.delivered(due)).status == "failed"
    delivery = await shown(durable_shop, due)
    assert (delivery["status"], delivery["attempts"], delivery["next_attempt_at"]) == ("failed", [], None)
    assert "attempts cannot be recorded" in delivery["last_error"]
    assert "SQLSTATE 23514" in delivery["last_error"]
    assert set(front.ids()) == {due.event_id}
    again = await durable_shop.http.post(f"/webhooks/{due.delivery_id}/retry")
    assert (again.status_code, again.json()["status"]) == (200, "delivered")


async def test_a_retry_that_cannot_be_recorded_is_a_503(durable_shop: DurableShop, front: Receiver) -> None:
    """The merchant learns that the attempt may have arrived; the same key makes it on record once that is mended."""
    await durable_shop.endpoint(front.url, retry_intervals_s=[5])
    front.replies = [Reply(500), Reply(500)]
    (due,) = await durable_shop.announce()
    assert (await durable_shop.delivered(due)).status == "failed"
    path, key = f"/webhooks/{due.delivery_id}/retry", {"Idempotency-Key": "again"}
    async with refusing(durable_shop, due):
        refused = await durable_shop.http.post(path, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
    assert "The endpoint may have the event" in refused.json()["detail"]
    again = await durable_shop.http.post(path, headers=key)
    assert (again.status_code, again.json()["status"]) == (200, "delivered")
    assert len((await shown(durable_shop, due))["attempts"]) == 3
