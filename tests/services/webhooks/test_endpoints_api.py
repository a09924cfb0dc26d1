"""`/webhook_endpoints`: registered, read, changed and deleted, on a real database."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from clearway.crypto.encryption import Cipher
from clearway.db.endpoints import secret_context
from clearway.db.tables import audit_log, webhook_endpoints
from clearway.domain.events import EventType
from clearway.domain.ids import ENDPOINT, new_id
from clearway.domain.limits import WEBHOOK_ENDPOINTS_PER_MERCHANT_MAX, WEBHOOK_RETRY_INTERVAL_S_MAX
from clearway.settings import Settings
from tests.services.webhooks.conftest import NOWHERE, Shop, api_client, log_in

PAYMENT_EVENTS = [event.value for event in EventType if event.value.startswith("payment.")]
REFUND_EVENTS = [event.value for event in EventType if event.value.startswith("refund.")]


async def test_an_endpoint_is_registered_and_its_secret_shown_once(shop: Shop) -> None:
    """The answer to the creation holds the secret; no later answer does."""
    made = await shop.endpoint(description="The shop", event_types=["payment.success"], retry_intervals_s=[1, 2])

    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert (made["object"], made["status"], made["url"]) == ("webhook_endpoint", "enabled", NOWHERE)
    assert (made["event_types"], made["retry_intervals_s"]) == (["payment.success"], [1, 2])
    path = f"/webhook_endpoints/{made['id']}"
    assert await shop.get(path) == made
    assert (await shop.get("/webhook_endpoints"))["data"] == [made]
    assert "secret" not in (await shop.http.patch(path, json={"description": "x"})).json()


async def test_every_endpoint_has_a_secret_of_its_own(shop: Shop) -> None:
    """No two endpoints are signed for with the same secret."""
    secrets = {(await shop.endpoint())["secret"] for _ in range(3)}
    assert len(secrets) == 3


async def test_the_secret_is_stored_encrypted_for_its_row(shop: Shop) -> None:
    """The table holds a token that opens only in the context of its own row."""
    made = await shop.endpoint()
    async with shop.engine.connect() as connection:
        query = select(webhook_endpoints).where(webhook_endpoints.c.id == made["id"])
        row = (await connection.execute(query)).one()
    assert not any(made["secret"] in str(value) for value in row)
    cipher = Cipher.from_settings(shop.settings.secret_keys.get_secret_value())
    assert cipher.decrypt(row.secret, secret_context(made["id"])) == made["secret"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://10.0.0.1/hooks", "private"),
        ("https://192.168.1.1/", "private"),
        ("https://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ("https://[fe80::1]/", "link-local"),
        ("https://[::ffff:10.0.0.1]/", "private"),
        ("https://0xa000001/", "private"),
        ("https://user:pass@shop.example/", "user name"),
        ("ftp://shop.example/", "must begin with"),
        ("shop.example/hooks", "must begin with"),
        ("https://", "host"),
        ("https://shop.example:0/", "port"),
        ("https://shop.example/x ", "space"),
        ("https://shop.example:8443\u00a0/x", "space"),
    ],
)
async def test_a_url_that_is_never_sent_to_is_refused(shop: Shop, url: str, reason: str) -> None:
    """Registering or moving to such a URL is a 422 that names the reason, and nothing is changed."""
    refused = await shop.http.post("/webhook_endpoints", json={"url": url})
    assert refused.status_code == 422, refused.text
    assert refused.json()["code"] == "webhook_url_refused"
    assert reason in refused.json()["detail"]
    assert (await shop.get("/webhook_endpoints"))["data"] == []

    made = await shop.endpoint()
    moved = await shop.http.patch(f"/webhook_endpoints/{made['id']}", json={"url": url, "description": "moved"})
    assert (moved.status_code, moved.json()["code"]) == (422, "webhook_url_refused")
    assert (await shop.get(f"/webhook_endpoints/{made['id']}"))["description"] is None


async def test_an_allowed_network_opens_its_addresses(shop: Shop) -> None:
    """WEBHOOK_ALLOWED_NETWORKS lets loopback through where tests and development allow it."""
    assert (await shop.endpoint("http://127.0.0.1:4000/hooks"))["url"] == "http://127.0.0.1:4000/hooks"


async def test_production_insists_on_https(shop: Shop, nobody: Any) -> None:
    """In production plain http is refused."""
    keys = "prod:" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
    production = Settings(
        _env_file=None,
        clearway_env="production",
        secret_keys=keys,
        api_key_peppers="dev:development-pepper-no-more",
        simulator_webhook_secret="whsec_b3RoZXI=",
        database_url=shop.settings.database_url,
    )
    async with api_client(production, shop.engine, nobody) as client:
        await log_in(
            client, shop.settings.model_copy(update={"api_key_peppers": production.api_key_peppers}), shop.engine
        )
        refused = await client.post("/webhook_endpoints", json={"url": "http://shop.example/hooks"})
        taken = await client.post("/webhook_endpoints", json={"url": "https://shop.example/hooks"})
    assert (refused.status_code, refused.json()["code"]) == (422, "webhook_url_refused")
    assert taken.status_code == 201, taken.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": None}, "url"),
        ({"url": 5}, "url"),
        ({"url": ""}, "url"),
        ({"url": "https://shop.example/" + "x" * 2_048}, "url"),
        ({"url": NOWHERE, "colour": "red"}, "colour"),
        ({"url": NOWHERE, "secret": "whsec_mine"}, "secret"),
        ({"url": NOWHERE, "status": "disabled"}, "status"),
        ({"url": NOWHERE, "description": "x" * 256}, "description"),
        ({"url": NOWHERE, "description": "4242 4242 4242 4242"}, "description"),
        ({"url": NOWHERE, "event_types": []}, "event_types"),
        ({"url": NOWHERE, "event_types": None}, "event_types"),
        ({"url": NOWHERE, "event_types": "payment.success"}, "event_types"),
        ({"url": NOWHERE, "event_types": ["payment.succes"]}, "event_types.0"),
        ({"url": NOWHERE, "event_types": ["payment.success", "order.*"]}, "event_types.1"),
        ({"url": NOWHERE, "event_types": ["payment.success"] * 50}, "event_types"),
        ({"url": NOWHERE, "retry_intervals_s": []}, "retry_intervals_s"),
        ({"url": NOWHERE, "retry_intervals_s": [0]}, "retry_intervals_s.0"),
        ({"url": NOWHERE, "retry_intervals_s": [5, -1]}, "retry_intervals_s.1"),
        ({"url": NOWHERE, "retry_intervals_s": ["5"]}, "retry_intervals_s.0"),
        ({"url": NOWHERE, "retry_intervals_s": [5.0]}, "retry_intervals_s.0"),
        ({"url": NOWHERE, "retry_intervals_s": [True]}, "retry_intervals_s.0"),
        ({"url": NOWHERE, "retry_intervals_s": [1] * 20}, "retry_intervals_s"),
        ({"url": NOWHERE, "retry_intervals_s": [WEBHOOK_RETRY_INTERVAL_S_MAX + 1]}, "retry_intervals_s.0"),
    ],
)
async def test_what_cannot_be_an_endpoint_is_refused_by_field(shop: Shop, body: dict[str, Any], field: str) -> None:
    """Wrong types, bounds, event types and unknown fields are a 422 that names the field, and nothing is made."""
    refused = await shop.http.post("/webhook_endpoints", json=body)
    assert refused.status_code == 422, refused.text
    problem = refused.json()
    assert problem["code"] in {"validation_error", "card_number_refused"}
    assert any(error["field"].startswith(field) for error in problem["errors"]), problem
    assert (await shop.get("/webhook_endpoints"))["data"] == []


async def test_an_unknown_event_type_is_refused_with_the_known_ones(shop: Shop) -> None:
    """The refusal of a misspelt event type lists the names and patterns that are accepted."""
    refused = await shop.http.post("/webhook_endpoints", json={"url": NOWHERE, "event_types": ["payment.succes"]})
    message = refused.json()["errors"][0]["message"]
    assert all(name in message for name in ("payment.success", "refund.*", "*"))


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        (["*"], ["*"]),
        (["payment.success", "*"], ["*"]),
        (["payment.*"], PAYMENT_EVENTS),
        (["refund.*", "refund.failed"], REFUND_EVENTS),
        (["refund.failed", "payment.success", "refund.failed"], ["payment.success", "refund.failed"]),
    ],
)
async def test_event_types_are_expanded(shop: Shop, asked: list[str], stored: list[str]) -> None:
    """Patterns become the types there are, repeats are dropped, and `*` stays all; what is shown can be sent back."""
    made = await shop.endpoint(event_types=asked)
    assert made["event_types"] == stored
    again = await shop.http.patch(f"/webhook_endpoints/{made['id']}", json={"event_types": made["event_types"]})
    assert again.json()["event_types"] == stored


async def test_the_number_of_endpoints_is_bounded_also_in_a_race(shop: Shop) -> None:
    """However many are asked for at once, a merchant never has more than the limit; a deleted one makes room."""
    asked = [shop.http.post("/webhook_endpoints", json={"url": NOWHERE}) for _ in range(20)]
    statuses = [answer.status_code for answer in await asyncio.gather(*asked)]

    assert sorted(set(statuses)) == [201, 409]
    assert statuses.count(201) == WEBHOOK_ENDPOINTS_PER_MERCHANT_MAX
    refused = await shop.http.post("/webhook_endpoints", json={"url": NOWHERE})
    assert refused.json()["code"] == "webhook_endpoint_limit"
    listed = (await shop.get("/webhook_endpoints"))["data"]
    assert len(listed) == WEBHOOK_ENDPOINTS_PER_MERCHANT_MAX
    await shop.http.delete(f"/webhook_endpoints/{listed[0]['id']}")
    await shop.endpoint()


async def test_a_change_changes_what_was_sent_and_nothing_else(shop: Shop) -> None:
    """PATCH sets the fields that were sent; a null clears what can be empty."""
    made = await shop.endpoint(description="old", event_types=["refund.failed"], retry_intervals_s=[9])
    made.pop("secret")
    path = f"/webhook_endpoints/{made['id']}"

    changed = (await shop.http.patch(path, json={"url": f"{NOWHERE}/2", "retry_intervals_s": [1, 2, 3]})).json()
    assert changed == made | {
        "url": f"{NOWHERE}/2",
        "retry_intervals_s": [1, 2, 3],
        "updated_at": changed["updated_at"],
    }
    cleared = (await shop.http.patch(path, json={"description": None, "retry_intervals_s": None})).json()
    assert (cleared["description"], cleared["retry_intervals_s"]) == (None, None)
    assert (await shop.http.patch(path, json={})).json() == cleared
    for never_empty in ("url", "event_types", "status"):
        assert (await shop.http.patch(path, json={never_empty: None})).status_code == 422
    assert (await shop.http.patch(path, json={"disabled_reason": "x"})).status_code == 422
    assert await shop.get(path) == cleared


async def test_disabling_stops_new_deliveries_and_enabling_clears_the_reason(shop: Shop) -> None:
    """No delivery is made for a disabled endpoint; enabled again, it has no reason left and gets what comes."""
    made = await shop.endpoint()
    path = f"/webhook_endpoints/{made['id']}"
    assert (await shop.http.patch(path, json={"status": "disabled"})).json()["status"] == "disabled"
    assert await shop.record() == []
    async with shop.engine.begin() as connection:
        row = webhook_endpoints.update().where(webhook_endpoints.c.id == made["id"])
        await connection.execute(row.values(disabled_reason="the endpoint answered 410 Gone"))

    enabled = (await shop.http.patch(path, json={"status": "enabled"})).json()

    assert (enabled["status"], enabled["disabled_reason"]) == ("enabled", None)
    assert len(await shop.record()) == 1


async def test_a_deleted_endpoint_is_gone(shop: Shop) -> None:
    """After a 204 every call that names it answers 404, lists leave it out, and events pass it by."""
    made = await shop.endpoint()
    path = f"/webhook_endpoints/{made['id']}"
    deleted = await shop.http.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    for call in calls_on(shop, path):
        answer = await call
        assert (answer.status_code, answer.json()["code"]) == (404, "webhook_endpoint_not_found")
    assert (await shop.get("/webhook_endpoints"))["data"] == []
    assert await shop.record() == []


async def test_no_merchant_reaches_anothers_endpoint(shop: Shop, other_shop: Shop) -> None:
    """Another merchant's id, an unknown id and no id at all get the same 404, and nothing is changed."""
    made = await shop.endpoint()
    made.pop("secret")
    for endpoint_id in (made["id"], new_id(ENDPOINT), "whe_1", "%00"):
        for call in calls_on(other_shop, f"/webhook_endpoints/{endpoint_id}"):
            answer = await call
            assert (answer.status_code, answer.json()["code"]) == (404, "webhook_endpoint_not_found")
    assert (await other_shop.get("/webhook_endpoints"))["data"] == []
    assert await shop.get(f"/webhook_endpoints/{made['id']}") == made


def calls_on(shop: Shop, path: str) -> list[Any]:
    """Return every call there is on one endpoint, not yet made."""
    return [
        shop.http.get(path),
        shop.http.patch(path, json={"description": "mine"}),
        shop.http.post(f"{path}/rotate_secret"),
        shop.http.post(f"{path}/test"),
        shop.http.delete(path),
    ]


async def test_lists_come_in_pages(shop: Shop) -> None:
    """Pages follow each other by cursor, newest first, without a gap or a repeat."""
    made = [(await shop.endpoint())["id"] for _ in range(5)]
    first = await shop.get("/webhook_endpoints", limit=3)
    second = await shop.get("/webhook_endpoints", limit=3, cursor=first["next_cursor"])
    assert [item["id"] for item in first["data"] + second["data"]] == made[::-1]
    assert (first["has_more"], second["has_more"]) == (True, False)


async def test_every_change_is_in_the_audit_log_without_secrets(shop: Shop) -> None:
    """The log says who did what to which endpoint, under which request, and holds no secret."""
    made = await shop.endpoint()
    path = f"/webhook_endpoints/{made['id']}"
    await shop.http.patch(path, json={"description": "x"}, headers={"X-Request-Id": "req-of-a-test"})
    rotated = (await shop.http.post(f"{path}/rotate_secret")).json()
    await shop.http.delete(path)

    async with shop.engine.connect() as connection:
        query = select(audit_log).where(audit_log.c.subject_id == made["id"]).order_by(audit_log.c.id)
        rows = (await connection.execute(query)).all()

    verbs = [row.action.removeprefix("webhook_endpoint.") for row in rows]
    assert verbs == ["create", "update", "rotate_secret", "delete"]
    assert {row.merchant_id for row in rows} == {shop.id}
    assert {row.actor for row in rows} == {f"key:{shop.http.headers['X-Api-Key']}"}
    assert rows[1].request_id == "req-of-a-test"
    written = str([tuple(row) for row in rows])
    assert made["secret"] not in written
    assert rotated["secret"] not in written
