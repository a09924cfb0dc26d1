"""The secrets of endpoints: rotated with an overlap, and never in the clear under an Idempotency-Key."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from standardwebhooks import Webhook, WebhookVerificationError

from clearway.db.tables import audit_log, idempotency_keys, webhook_endpoints
from tests.services.webhooks.conftest import NOWHERE, DurableShop, Json, Shop
from tests.support.receiver import Receiver, verify


async def rotate(shop: Shop, endpoint: Json, **body: Any) -> Json:
    """Rotate an endpoint's secret; the answer holds the new one."""
    rotated = await shop.http.post(f"/webhook_endpoints/{endpoint['id']}/rotate_secret", json=body or None)
    assert rotated.status_code == 200, rotated.text
    return dict(rotated.json())


async def forget_answer(shop: Shop, key: str) -> None:
    """Leave the key as a process does that died between the effect and the answer."""
    mine = (idempotency_keys.c.merchant_id == shop.id, idempotency_keys.c.key == key)
    async with shop.engine.begin() as connection:
        done = await connection.execute(
            update(idempotency_keys).where(*mine).values(response_status=None, response_body=None)
        )
    assert done.rowcount == 1


def signed_by(delivery: Any, secret: str) -> bool:
    """Tell whether a merchant who knows this secret accepts the delivery."""
    try:
        Webhook(secret).verify(delivery.body, delivery.headers)
    except WebhookVerificationError:
        return False
    return True


async def test_both_secrets_sign_until_the_overlap_is_over(durable_shop: DurableShop, front: Receiver) -> None:
    """During the overlap a merchant may hold either secret; after it only the new one verifies."""
    made = await durable_shop.endpoint(front.url)
    rotated = await rotate(durable_shop, made, overlap_s=3_600)
    assert rotated["secret"] != made["secret"]
    (due,) = await durable_shop.announce()
    await durable_shop.delivered(due)

    async with durable_shop.engine.begin() as connection:
        mine = update(webhook_endpoints).where(webhook_endpoints.c.id == made["id"])
        await connection.execute(mine.values(previous_secret_expires_at=datetime.now(UTC)))
    (due,) = await durable_shop.announce()
    await durable_shop.delivered(due)

    during, after = front.received
    assert len(during.headers["webhook-signature"].split()) == 2
    assert signed_by(during, made["secret"])
    verify(during, rotated["secret"])
    assert len(after.headers["webhook-signature"].split()) == 1
    assert not signed_by(after, made["secret"])
    verify(after, rotated["secret"])


async def test_no_overlap_ends_the_old_secret_at_once(durable_shop: DurableShop, front: Receiver) -> None:
    """A leaked secret is put out of force by `overlap_s: 0`."""
    made = await durable_shop.endpoint(front.url)
    rotated = await rotate(durable_shop, made, overlap_s=0)
    assert rotated["previous_secret_expires_at"] is None
    (due,) = await durable_shop.announce()
    await durable_shop.delivered(due)

    (delivery,) = front.received
    assert len(delivery.headers["webhook-signature"].split()) == 1
    assert not signed_by(delivery, made["secret"])
    verify(delivery, rotated["secret"])


async def test_a_second_rotation_leaves_the_last_two(durable_shop: DurableShop, front: Receiver) -> None:
    """Rotated twice within the overlap, the newest two secrets sign and the first does not."""
    first = await durable_shop.endpoint(front.url)
    second = await rotate(durable_shop, first)
    third = await rotate(durable_shop, first)
    (due,) = await durable_shop.announce()
    await durable_shop.delivered(due)

    (delivery,) = front.received
    assert [signed_by(delivery, made["secret"]) for made in (first, second, third)] == [False, True, True]


async def test_the_overlap_is_that_of_the_settings_by_default(shop: Shop) -> None:
    """Without `overlap_s`, the old secret signs for WEBHOOK_SECRET_OVERLAP_S."""
    made = await shop.endpoint()
    until = datetime.fromisoformat((await rotate(shop, made))["previous_secret_expires_at"])
    usual = timedelta(seconds=shop.settings.webhook_secret_overlap_s)
    assert abs(until - datetime.now(UTC) - usual) < timedelta(minutes=1)


@pytest.mark.parametrize("overlap_s", [-1, 7 * 24 * 3600 + 1, 1.5, "60", True])
async def test_an_overlap_out_of_bounds_is_refused(shop: Shop, overlap_s: object) -> None:
    """A wrong overlap is a 422, and the secret stays as it is."""
    made = await shop.endpoint()
    path = f"/webhook_endpoints/{made['id']}"
    refused = await shop.http.post(f"{path}/rotate_secret", json={"overlap_s": overlap_s})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "overlap_s"
    assert (await shop.get(path))["previous_secret_expires_at"] is None


async def test_a_repeated_creation_is_byte_equal_and_keeps_no_secret(shop: Shop) -> None:
    """The same key gives the same bytes, secret included, and the table of keys holds none of it in the clear."""
    body, key = {"url": NOWHERE}, {"Idempotency-Key": "make-1"}
    first = await shop.http.post("/webhook_endpoints", json=body, headers=key)
    second = await shop.http.post("/webhook_endpoints", json=body, headers={"Idempotency-Key": '"make-1"'})

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len((await shop.get("/webhook_endpoints"))["data"]) == 1
    stored = await stored_answer(shop, "make-1")
    assert first.json()["secret"].encode() not in stored
    assert b"whsec_" not in stored


async def stored_answer(shop: Shop, key: str) -> bytes:
    """Return what stands under a key."""
    query = select(idempotency_keys.c.response_body).where(
        idempotency_keys.c.merchant_id == shop.id, idempotency_keys.c.key == key
    )
    async with shop.engine.connect() as connection:
        return bytes(await connection.scalar(query))


async def test_the_same_key_with_another_endpoint_is_refused(shop: Shop) -> None:
    """A key that made one endpoint makes no other."""
    key = {"Idempotency-Key": "make-2"}
    await shop.http.post("/webhook_endpoints", json={"url": NOWHERE}, headers=key)
    other = await shop.http.post("/webhook_endpoints", json={"url": f"{NOWHERE}/2"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len((await shop.get("/webhook_endpoints"))["data"]) == 1


async def test_a_refused_creation_leaves_its_key_free(shop: Shop) -> None:
    """A URL that is refused is found before the key is used, so the corrected request may use it."""
    key = {"Idempotency-Key": "make-3"}
    refused = await shop.http.post("/webhook_endpoints", json={"url": "https://10.0.0.1/"}, headers=key)
    assert refused.status_code == 422
    made = await shop.http.post("/webhook_endpoints", json={"url": NOWHERE}, headers=key)
    assert made.status_code == 201


async def test_racing_creations_with_one_key_make_one_endpoint(shop: Shop) -> None:
    """Twenty at once with one key: one endpoint, and every answer has the same bytes."""
    asked = [
        shop.http.post("/webhook_endpoints", json={"url": NOWHERE}, headers={"Idempotency-Key": "race"})
        for _ in range(20)
    ]
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len((await shop.get("/webhook_endpoints"))["data"]) == 1


async def test_a_creation_whose_answer_was_lost_is_found_again(shop: Shop) -> None:
    """After a crash between effect and answer, the repeat returns the endpoint that was created, with its secret."""
    body, key = {"url": NOWHERE}, {"Idempotency-Key": "lost-1"}
    first = await shop.http.post("/webhook_endpoints", json=body, headers=key)
    await forget_answer(shop, "lost-1")
    second = await shop.http.post("/webhook_endpoints", json=body, headers=key)
    assert second.json() == first.json()
    assert len((await shop.get("/webhook_endpoints"))["data"]) == 1


async def test_a_rotation_whose_answer_was_lost_is_not_done_again(shop: Shop) -> None:
    """The repeat returns the secret in force: a second rotation would end the one the merchant still verifies with."""
    made = await shop.endpoint()
    path, key = f"/webhook_endpoints/{made['id']}/rotate_secret", {"Idempotency-Key": "lost-2"}
    first = await shop.http.post(path, headers=key)
    await forget_answer(shop, "lost-2")
    second = await shop.http.post(path, headers=key)
    third = await shop.http.post(path, headers=key)

    assert second.json()["secret"] == first.json()["secret"]
    assert third.content == second.content
    assert b"whsec_" not in await stored_answer(shop, "lost-2")
    async with shop.engine.connect() as connection:
        rotations = select(func.count()).where(
            audit_log.c.subject_id == made["id"], audit_log.c.action == "webhook_endpoint.rotate_secret"
        )
        assert await connection.scalar(rotations) == 1


async def test_racing_rotations_with_one_key_rotate_once(shop: Shop) -> None:
    """Ten repeats at once of one rotation put one new secret in force."""
    made = await shop.endpoint()
    path, key = f"/webhook_endpoints/{made['id']}/rotate_secret", {"Idempotency-Key": "race-2"}
    answers = await asyncio.gather(*(shop.http.post(path, headers=key) for _ in range(10)))
    assert len({answer.content for answer in answers}) == 1
