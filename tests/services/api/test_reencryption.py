"""`clearway reencrypt`: after a rotation of SECRET_KEYS nothing needs the old key, and everything still opens."""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Column, LargeBinary, Text, cast, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from api.app import create_app
from clearway.accounts import reencryption
from clearway.crypto.api_secrets import SecretHash
from clearway.crypto.encryption import Cipher, DecryptionError
from clearway.db.audit import address_context
from clearway.db.endpoints import secret_context
from clearway.db.engine import create_engine
from clearway.db.seed import TEST_MERCHANT, seed_merchant
from clearway.db.tables import audit_log, gateway_events, metadata, webhook_endpoints
from clearway.db.users import codes, mail_requests, users
from clearway.db.users.codes import NewToken
from clearway.db.users.users import totp_context
from clearway.domain.actor import Actor
from clearway.domain.gateway import first_gateway_id
from clearway.domain.ids import MAIL, ONE_TIME_TOKEN, new_id
from clearway.domain.user import TokenPurpose
from clearway.durable.sealed import return_context, unseal, unseal_form
from clearway.gateway_events.raw import body_of
from clearway.mail import letters, outbox
from clearway.settings import DEVELOPMENT_SECRET_KEYS, Settings
from tests.services.api.conftest import Payer, changed, client_of, eventually
from tests.services.api.gateway_sending import event_about, send
from tests.services.api.people import add_person, browser, sign_in
from tests.services.api.test_custom_gateway import AMOUNT, bills, connect
from tests.support.receiver import Receiver, Reply, running_receiver

OLD = DEVELOPMENT_SECRET_KEYS
NEW = f"new:{base64.b64encode(secrets.token_bytes(32)).decode()}"
ACTOR = Actor("operator:ana", None)
RETURN_URL = "https://shop.example/back"
COLUMNS = [column for table in metadata.sorted_tables for column in table.columns]


async def holding(engine: AsyncEngine, key_id: str) -> set[Column[Any]]:
    """Return the columns, of all there are, that hold a token of this key somewhere."""
    found = set()
    async with engine.connect() as connection:
        for column in COLUMNS:
            text = func.encode(column, "escape") if isinstance(column.type, LargeBinary) else cast(column, Text)
            if await connection.scalar(select(1).where(text.contains(f"v1.{key_id}.")).limit(1)):
                found.add(column)
    return found


@pytest.fixture
async def rotated(api_settings: Settings, api_engine: AsyncEngine) -> AsyncIterator[Settings]:
    """Return settings with a new key first; give the database back to the tests that know the old one only."""
    yield changed(api_settings, secret_keys=f"{NEW},{OLD}")
    await reencryption.reencrypt(api_engine, changed(api_settings, secret_keys=f"{OLD},{NEW}"), ACTOR)
    async with api_engine.begin() as connection:
        await connection.execute(delete(metadata.tables["mail_requests"]))  # housekeeping would serve it


async def read(client: httpx.AsyncClient, path: str, query: dict[str, str] | None = None) -> dict[str, Any]:
    """Read a resource or a page."""
    return dict((await client.get(path, params=query)).json())


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Run a merchant's server that says something."""
    async with running_receiver(usual=Reply(body=b"taken")) as running:
        yield running


async def leave_traces_of_a_person(app: FastAPI, engine: AsyncEngine) -> None:
    """Leave a session, a TOTP secret, a mail that waits, and a request for another."""
    cipher = Cipher.from_settings(OLD)
    person = await add_person(engine, "rotated@example.test")
    async with browser(app) as client:
        await sign_in(client, person)
    async with engine.begin() as connection:
        sealed = cipher.encrypt("A" * 32, totp_context(person.id))
        await users.change(connection, person.id, {"sealed_totp_secret": sealed})
        token = NewToken(
            new_id(ONE_TIME_TOKEN),
            TokenPurpose.CHANGE_EMAIL,
            SecretHash("dev", b"x"),
            person.id,
            None,
            datetime.now(UTC),
        )
        sealed = cipher.encrypt("{}", codes.data_context(token.id))
        await codes.add_token(connection, replace(token, sealed_data=sealed))
        await outbox.record(connection, cipher, letters.recovery_codes_replaced(person.email, at=datetime.now(UTC)))
        asked = new_id(MAIL)
        await mail_requests.add(connection, asked, cipher.encrypt("{}", mail_requests.request_context(asked)))


async def test_no_column_keeps_a_token_of_the_old_key(
    payer: Payer,
    anonymous: httpx.AsyncClient,
    receiver: Receiver,
    api_engine: AsyncEngine,
    rotated: Settings,
) -> None:
    """Every column that a whole story leaves sealed is marked, is rewritten, and opens without the old key."""
    once = {"Idempotency-Key": "endpoint-1"}
    body = {"url": receiver.url}
    made = await payer.http.post("/webhook_endpoints", json=body, headers=once)
    assert made.status_code == 201, made.text
    turned = await payer.http.post(f"/webhook_endpoints/{made.json()['id']}/rotate_secret")
    assert turned.status_code == 200, turned.text
    named, named_once = {"name": "Accounting"}, {"Idempotency-Key": "key-1"}
    key = await payer.http.post("/api_keys", json=named, headers=named_once)
    assert key.status_code == 201, key.text
    gateway = {"kind": "simulator", "credentials": {"webhook_secret": "whsec_c2VjcmV0"}, "test": False}
    assert (await payer.http.post("/gateways", json=gateway)).status_code == 201
    unsigned = await payer.http.post(f"/gateways/{first_gateway_id(payer.id)}/webhook", json={})
    assert unsigned.status_code == 401
    payment = await payer.payment(vpa="approve@clearway", return_url=RETURN_URL, until="requires_action")
    assert (await send(anonymous, event_about(f"{payment['id']}:capture:1"))).status_code == 200
    posting = await connect(payer, bills())
    posted = {"method": "wallet", "wallet": {"code": "bills"}, "gateway_id": posting["id"]}
    by_form = await payer.payment(await payer.order(AMOUNT, "AMD"), until="requires_action", **posted)
    about = {"payment_id": payment["id"], "event": "payment.requires_action"}
    listed = await eventually(
        lambda: read(payer.http, "/webhooks", about), lambda page: page["data"][0]["status"] == "delivered"
    )
    await leave_traces_of_a_person(payer.http._transport.app, api_engine)  # type: ignore[attr-defined]
    marked = {column for column in COLUMNS if column.info.get("sealed")}
    assert await holding(api_engine, "dev") == marked

    counts = await reencryption.reencrypt(api_engine, rotated, ACTOR)
    assert all(counts.values()), counts
    assert await holding(api_engine, "dev") == set()
    assert await holding(api_engine, "new") == marked
    assert not any((await reencryption.reencrypt(api_engine, rotated, ACTOR)).values())

    cipher = Cipher.from_settings(NEW)
    payments = metadata.tables["payments"].c
    async with api_engine.connect() as connection:
        row = (await connection.execute(select(payments).where(payments.id == payment["id"]))).one()
        of_form = (await connection.execute(select(payments).where(payments.id == by_form["id"]))).one()
    assert unseal_form(cipher, of_form.id, of_form.action_form).url == "https://bills.example/pay"
    opened = unseal(cipher, row.id, row.personal)
    assert (opened.instrument, opened.return_url) == ("approve@clearway", RETURN_URL)
    assert cipher.decrypt(row.sealed_return_url, return_context(row.id)) == RETURN_URL
    app = create_app(changed(rotated, secret_keys=NEW))
    async with app.router.lifespan_context(app), client_of(app, payer.credentials) as client:
        assert (await client.post("/webhook_endpoints", json=body, headers=once)).content == made.content
        assert (await client.post("/api_keys", json=named, headers=named_once)).content == key.content
        delivery = await read(client, f"/webhooks/{listed['data'][0]['id']}")
        assert delivery["attempts"][0]["response"]["body"] == "taken"
    async with api_engine.connect() as connection:
        event = (await connection.execute(select(gateway_events).where(gateway_events.c.subject_id == row.id))).one()
        mine = select(audit_log).where(audit_log.c.subject_id == made.json()["id"]).limit(1)
        line = (await connection.execute(mine)).one()
    assert b"captured" in body_of(cipher, event)
    assert cipher.decrypt(line.address, address_context(line.request_id)) == "127.0.0.1"


async def test_what_was_interrupted_goes_on(
    fresh_database_url: str, api_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value that can't be read stops the command; what was done stays, and the next run does only the rest."""
    monkeypatch.setattr(reencryption, "BATCH", 2)
    settings = changed(api_settings, database_url=fresh_database_url, secret_keys=f"{NEW},{OLD}")
    engine = create_engine(settings, application_name="tests-reencryption")
    old, ids = Cipher.from_settings(OLD), [f"whe_{number}" for number in range(5)]
    good = {each: old.encrypt("whsec_x", secret_context(each)) for each in ids}
    table = webhook_endpoints
    async with engine.begin() as connection:
        await seed_merchant(connection, settings, TEST_MERCHANT)
        row = {"merchant_id": TEST_MERCHANT.merchant_id, "url": "https://shop.example", "event_types": []}
        await connection.execute(insert(table), [{"id": each, "secret": good[each], **row} for each in ids])
        await connection.execute(update(table).where(table.c.id == "whe_3").values(secret=good["whe_0"]))
    with pytest.raises(DecryptionError):
        await reencryption.reencrypt(engine, settings, ACTOR)
    async with engine.begin() as connection:
        kept = await connection.scalars(select(table.c.secret).order_by(table.c.id))
        assert [secret.startswith("v1.new.") for secret in kept] == [True, True, False, False, False]
        await connection.execute(update(table).where(table.c.id == "whe_3").values(secret=good["whe_3"]))

    counts = await reencryption.reencrypt(engine, settings, ACTOR)
    assert counts["endpoint_secrets"] == 3
    async with engine.connect() as connection:
        mine = select(audit_log.c.detail).where(audit_log.c.action == "secrets.reencrypt").order_by(audit_log.c.id)
        assert [detail["values"] for detail in await connection.scalars(mine)] == [2, 2, 1]
    await engine.dispose()


def test_every_marked_column_has_a_kind() -> None:
    """A column that is sealed and that nobody rewrites would be lost with the old key."""
    marked = {column for column in COLUMNS if column.info.get("sealed")}

    assert {kind.column for kind in reencryption.KINDS} == marked
