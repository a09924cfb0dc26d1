"""Gateway configurations: connected, changed, tested and deleted; credentials go in and never come out."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from api.app import create_app
from clearway.crypto.encryption import Cipher, DecryptionError
from clearway.db.tables import audit_log, gateway_configs, metadata, orders, payments
from clearway.domain.gateway import credentials_context, first_gateway_id
from clearway.domain.ids import ORDER, PAYMENT, new_id
from clearway.settings import DEVELOPMENT_SECRET_KEYS, Settings
from tests.services.api.conftest import Caller, NewCaller, changed, client_of
from tests.services.api.rows import order_row, payment_row

PLANTED = "whsec_cGxhbnRlZC1jcmVkZW50aWFsLW9mLWEtdGVzdA=="
"""A credential to be looked for where it must not be."""
OTHER = "whsec_YW5vdGhlci1jcmVkZW50aWFsLW9mLWEtdGVzdHg="
SIMULATOR: dict[str, Any] = {"kind": "simulator", "name": "Second", "credentials": {"webhook_secret": PLANTED}}


async def _connect(caller: Caller, **fields: Any) -> dict[str, Any]:
    answer = await caller.http.post("/gateways", json=SIMULATOR | {"test": False} | fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def _row(engine: AsyncEngine, gateway_id: str) -> Any:
    async with engine.connect() as connection:
        return (await connection.execute(select(gateway_configs).where(gateway_configs.c.id == gateway_id))).one()


async def _audit(engine: AsyncEngine, gateway_id: str) -> list[Any]:
    query = select(audit_log).where(audit_log.c.subject_id == gateway_id).order_by(audit_log.c.id)
    async with engine.connect() as connection:
        return list((await connection.execute(query)).all())


async def test_a_test_merchant_begins_with_the_simulator(caller: Caller, live_caller: Caller) -> None:
    """It can take test payments at once; a live merchant has no gateway, and cannot connect the simulator."""
    [only] = (await caller.http.get("/gateways")).json()["data"]
    assert only["id"] == first_gateway_id(caller.id)
    assert (only["kind"], only["enabled"], only["credentials"]) == ("simulator", True, {})
    assert only["webhook_url"].endswith(f"/api/v1/gateways/{only['id']}/webhook")
    assert (await live_caller.http.get("/gateways")).json()["data"] == []
    refused = await live_caller.http.post("/gateways", json=SIMULATOR)
    assert (refused.status_code, refused.json()["code"]) == (422, "gateway_config_invalid")
    assert "is for test merchants" in refused.json()["detail"]


async def test_credentials_are_sealed_and_shown_by_their_ends(caller: Caller, api_engine: AsyncEngine) -> None:
    """Answers show four characters; the row holds a token that only this row's context opens."""
    made = await _connect(caller, priority=5, allowed_networks=["203.0.113.7"])
    assert made["credentials"] == {"webhook_secret": "****dA=="}
    assert made["allowed_networks"] == ["203.0.113.7/32"]
    read = (await caller.http.get(f"/gateways/{made['id']}")).json()
    made.pop("warnings")
    assert read == made | {"health": read["health"]}  # its first check may have come in between
    row = await _row(api_engine, made["id"])
    cipher = Cipher.from_settings(DEVELOPMENT_SECRET_KEYS)
    assert row.sealed_credentials.startswith(cipher.prefix)
    opened = cipher.decrypt(row.sealed_credentials, credentials_context(made["id"]))
    assert orjson.loads(opened) == {"webhook_secret": PLANTED}


async def test_a_moved_ciphertext_does_not_open(caller: Caller, api_engine: AsyncEngine) -> None:
    """Credentials copied into another row are of no use there: the test says that they can't be read."""
    first, second = await _connect(caller), await _connect(caller)
    moved = (await _row(api_engine, first["id"])).sealed_credentials
    async with api_engine.begin() as connection:
        own = gateway_configs.c.id == second["id"]
        await connection.execute(update(gateway_configs).where(own).values(sealed_credentials=moved))
    with pytest.raises(DecryptionError):
        Cipher.from_settings(DEVELOPMENT_SECRET_KEYS).decrypt(moved, credentials_context(second["id"]))
    tested = (await caller.http.post(f"/gateways/{second['id']}/test")).json()
    assert tested["ok"] is False
    assert "can't be read" in tested["message"]
    assert (await caller.http.delete(f"/gateways/{second['id']}")).status_code == 204  # others rewrite all there is


async def test_a_change_is_audited_with_masked_before_and_after(caller: Caller, api_engine: AsyncEngine) -> None:
    """Only the sent fields change, and the audit log has the values before and after, without a credential."""
    made = await _connect(caller)
    path = f"/gateways/{made['id']}"
    body = {"name": "Renamed", "credentials": {"webhook_secret": OTHER}, "test": False}
    patched = (await caller.http.patch(path, json=body)).json()
    assert (patched["name"], patched["credentials"]["webhook_secret"], patched["version"]) == ("Renamed", "****dHg=", 2)
    assert patched["priority"] == made["priority"]
    assert (await caller.http.post(f"{path}/disable")).json()["enabled"] is False
    assert (await caller.http.post(f"{path}/disable")).json()["version"] == 3
    assert (await caller.http.delete(path)).status_code == 204
    lines = await _audit(api_engine, made["id"])
    assert [line.action for line in lines] == [f"gateway.{act}" for act in ("create", "update", "disable", "delete")]
    assert lines[1].detail == {
        "before": {"name": "Second", "credentials": {"webhook_secret": "****dA=="}},
        "after": {"name": "Renamed", "credentials": {"webhook_secret": "****dHg="}},
    }
    told = orjson.dumps([dict(line.detail) for line in lines]).decode()
    assert PLANTED not in told
    assert OTHER not in told


async def test_a_credential_is_removed_by_null(caller: Caller, api_engine: AsyncEngine) -> None:
    """What is sent as null is taken away; without any credential the row holds none."""
    made = await _connect(caller)
    body = {"credentials": {"webhook_secret": None}, "test": False}
    assert (await caller.http.patch(f"/gateways/{made['id']}", json=body)).json()["credentials"] == {}
    assert (await _row(api_engine, made["id"])).sealed_credentials is None


async def test_a_deleted_gateway_keeps_no_credentials(caller: Caller, api_engine: AsyncEngine) -> None:
    """Its row stays for the payments that name it; the credentials go, and merchants no longer see it."""
    made = await _connect(caller)
    await caller.http.delete(f"/gateways/{made['id']}")
    row = await _row(api_engine, made["id"])
    assert (row.sealed_credentials, row.masked, row.enabled) == (None, {}, False)
    for answer in (
        await caller.http.get(f"/gateways/{made['id']}"),
        await caller.http.post(f"/gateways/{made['id']}/enable"),
        await caller.http.delete(f"/gateways/{made['id']}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "gateway_not_found")


async def test_a_gateway_with_open_payments_is_not_deleted(caller: Caller, api_engine: AsyncEngine) -> None:
    """The refusal says which and how many; when they have ended it can be deleted."""
    gateway_id, open_id = first_gateway_id(caller.id), new_id(PAYMENT)
    async with api_engine.begin() as connection:
        order_id = new_id(ORDER)
        await connection.execute(insert(orders).values(order_row(order_id, caller.id)))
        row = payment_row(open_id, caller.id, order_id, status="authorized", captured_minor=0)
        await connection.execute(insert(payments).values(row))
    refused = await caller.http.delete(f"/gateways/{gateway_id}")
    assert (refused.status_code, refused.json()["code"]) == (409, "gateway_in_use")
    assert f"1 payments and refunds are open on it ({open_id})" in refused.json()["detail"]
    async with api_engine.begin() as connection:
        await connection.execute(update(payments).where(payments.c.id == open_id).values(status="cancelled"))
    assert (await caller.http.delete(f"/gateways/{gateway_id}")).status_code == 204


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"kind": "paypol"}, "There is no such kind"),
        ({"credentials": {"webhook_secrt": PLANTED}}, "credentials.webhook_secrt: there is no such field"),
        ({"credentials": {"webhook_secret": f" {PLANTED}"}}, "credentials.webhook_secret: remove control characters"),
        ({"settings": {"url": "http://x.test"}}, "settings.url: there is no such field"),
        ({"priority": 0}, "priority"),
    ],
)
async def test_what_cannot_be_a_gateway_is_refused(caller: Caller, body: dict[str, Any], words: str) -> None:
    """The answer names the field and what is wrong, and repeats no credential."""
    refused = await caller.http.post("/gateways", json=SIMULATOR | body)
    assert refused.status_code == 422
    assert words in refused.text
    assert PLANTED not in refused.text


async def test_a_gateway_is_tested_before_it_is_saved(
    caller: Caller, api_settings: Settings, api_engine: AsyncEngine
) -> None:
    """One that does not answer is not saved, unless the request says not to test; and its test says so in words."""
    assert (await caller.http.post("/gateways", json=SIMULATOR)).status_code == 201
    away = create_app(changed(api_settings, simulator_url="http://127.0.0.1:9"))
    async with away.router.lifespan_context(away), client_of(away, caller.credentials) as client:
        refused = await client.post("/gateways", json=SIMULATOR | {"name": "Away"})
        assert (refused.status_code, refused.json()["code"]) == (422, "gateway_test_failed")
        assert "did not answer" in refused.json()["detail"]
        made = (await client.post("/gateways", json=SIMULATOR | {"name": "Away", "test": False})).json()
        tested = (await client.post(f"/gateways/{made['id']}/test")).json()
    assert (tested["ok"], tested["latency_ms"]) == (False, None)
    assert "could not be reached" in tested["message"]
    assert (await caller.http.post(f"/gateways/{made['id']}/test")).json()["ok"] is True
    async with api_engine.connect() as connection:
        mine = (gateway_configs.c.merchant_id == caller.id) & (gateway_configs.c.name == "Away")
        assert len((await connection.execute(select(gateway_configs).where(mine))).all()) == 1


async def test_a_repeated_request_connects_one_gateway(caller: Caller) -> None:
    """The same Idempotency-Key and body: the same answer, one gateway."""
    headers = {"Idempotency-Key": new_id("key")}
    first = await caller.http.post("/gateways", json=SIMULATOR, headers=headers)
    second = await caller.http.post("/gateways", json=SIMULATOR, headers=headers)
    assert first.content == second.content
    assert len((await caller.http.get("/gateways")).json()["data"]) == 2


async def test_no_merchant_reaches_another_s_gateway(caller: Caller, new_caller: NewCaller) -> None:
    """Reading, changing, testing, switching and deleting: 404 for another merchant's, as for one that is nowhere."""
    other = await new_caller()
    path = f"/gateways/{first_gateway_id(other.id)}"
    answers = [
        await caller.http.get(path),
        await caller.http.patch(path, json={"name": "Mine"}),
        await caller.http.delete(path),
        *[await caller.http.post(f"{path}/{act}") for act in ("enable", "disable", "test")],
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "gateway_not_found")}
    order_id = await caller.order()
    body = {"order_id": order_id, "method": "upi", "vpa": "success@razorpay", "gateway_id": first_gateway_id(other.id)}
    refused = await caller.http.post("/payments", json=body)
    assert (refused.status_code, refused.json()["code"]) == (404, "gateway_not_found")


async def test_a_payment_belongs_to_a_gateway_of_its_merchant(
    caller: Caller, new_caller: NewCaller, api_engine: AsyncEngine
) -> None:
    """The database itself refuses a payment at another merchant's gateway."""
    other = await new_caller()
    async with api_engine.connect() as connection:
        order_id = new_id(ORDER)
        await connection.execute(insert(orders).values(order_row(order_id, caller.id)))
        row = payment_row(new_id(PAYMENT), caller.id, order_id, gateway_id=first_gateway_id(other.id))
        with pytest.raises(Exception, match="fk_payments_gateway"):
            await connection.execute(insert(payments).values(row))


async def test_a_dump_holds_no_credential(caller: Caller, api_engine: AsyncEngine) -> None:
    """After connecting and changing, no table has the credential in clear: answers kept for repeats neither."""
    made = await _connect(caller)
    await caller.http.post("/gateways", json=SIMULATOR, headers={"Idempotency-Key": new_id("key")})
    await caller.http.patch(f"/gateways/{made['id']}", json={"credentials": {"webhook_secret": OTHER}, "test": False})
    assert await tables_with(api_engine, PLANTED, OTHER) == []


async def tables_with(engine: AsyncEngine, *secrets: str) -> list[str]:
    """Return the tables in whose rows one of these texts stands, as text or as bytes."""
    found = []
    async with engine.connect() as connection:
        for table in metadata.sorted_tables:
            for row in await connection.execute(select(table)):
                kept = " ".join(str(bytes(value) if isinstance(value, bytes) else value) for value in row)
                found += [table.name for secret in secrets if secret in kept]
    return found


PASSPHRASE = "correct horse battery staple"


async def test_all_gateways_are_carried_to_another_merchant(
    caller: Caller, new_caller: NewCaller, api_engine: AsyncEngine
) -> None:
    """An export opens with its passphrase alone, holds the credentials sealed, and may be imported again."""
    await _connect(caller, priority=7)
    exported = await caller.http.post("/gateways/export", json={"passphrase": PASSPHRASE})
    assert exported.status_code == 200, exported.text
    assert PLANTED not in exported.text
    other = await new_caller()
    body = {"passphrase": PASSPHRASE, "file": exported.json()}
    for _ in range(2):
        imported = (await other.http.post("/gateways/import", json=body)).json()["data"]
        assert [(one["name"], one["priority"]) for one in imported] == [("Second", 7), ("Simulator", 100)]
    listed = (await other.http.get("/gateways")).json()["data"]
    assert sorted(one["name"] for one in listed) == ["Second", "Simulator"]
    [second] = [one for one in listed if one["name"] == "Second"]
    sealed = (await _row(api_engine, second["id"])).sealed_credentials
    opened = Cipher.from_settings(DEVELOPMENT_SECRET_KEYS).decrypt(sealed, credentials_context(second["id"]))
    assert orjson.loads(opened) == {"webhook_secret": PLANTED}
    actions = [line.action for line in await _audit(api_engine, caller.id)]
    assert "gateways.export" in actions


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"passphrase": "another passphrase"}, "The passphrase is wrong, or the file was altered"),
        ({"nonce": "AAAAAAAAAAAAAAAA"}, "The passphrase is wrong, or the file was altered"),
        ({"ciphertext": "%%%"}, "is not base64"),
        ({"kind": "payments"}, "This is not a file of gateways"),
        ({"n": 2**30}, "its key derivation is another"),
    ],
)
async def test_an_import_that_cannot_be_opened_changes_nothing(
    caller: Caller, change: dict[str, Any], words: str
) -> None:
    """A wrong passphrase, an altered file and a costly key derivation are a 422 with the reason."""
    file = (await caller.http.post("/gateways/export", json={"passphrase": PASSPHRASE})).json()
    passphrase = change.get("passphrase", PASSPHRASE)
    kdf = file["kdf"] | {name: value for name, value in change.items() if name == "n"}
    altered = file | {"kdf": kdf} | {name: value for name, value in change.items() if name in file}
    refused = await caller.http.post("/gateways/import", json={"passphrase": passphrase, "file": altered})
    assert (refused.status_code, refused.json()["code"]) == (422, "gateway_import_invalid")
    assert words in refused.json()["detail"]


async def test_an_import_keeps_to_the_mode(caller: Caller, live_caller: Caller) -> None:
    """The gateways of a test merchant are not imported into a live one."""
    file = (await caller.http.post("/gateways/export", json={"passphrase": PASSPHRASE})).json()
    refused = await live_caller.http.post("/gateways/import", json={"passphrase": PASSPHRASE, "file": file})
    assert (refused.status_code, refused.json()["code"]) == (422, "gateway_import_invalid")
    assert (await live_caller.http.get("/gateways")).json()["data"] == []


async def test_the_checklist_says_what_is_true(caller: Caller, live_caller: Caller, api_engine: AsyncEngine) -> None:
    """A test merchant has a gateway that answers; a live one has none; both learn what to do next."""
    listed = (await caller.http.get("/gateways/checklist")).json()
    done = {item["name"]: item["done"] for item in listed["data"]}
    assert listed["ready"] is False
    assert (done["gateway_enabled"], done["gateways_accept_credentials"]) == (True, True)
    assert (done["production_secrets"], done["public_address"], done["test_payment"]) == (False, False, False)
    assert all((item["how"] is None) is item["done"] for item in listed["data"])
    async with api_engine.begin() as connection:
        order_id = new_id(ORDER)
        await connection.execute(insert(orders).values(order_row(order_id, caller.id)))
        await connection.execute(insert(payments).values(payment_row(new_id(PAYMENT), caller.id, order_id)))
    live = {item["name"]: item["done"] for item in (await live_caller.http.get("/gateways/checklist")).json()["data"]}
    assert (live["gateway_enabled"], live["test_payment"], live["test_refund"]) == (False, True, False)


async def test_a_currency_without_a_route_is_a_warning(caller: Caller, api_engine: AsyncEngine) -> None:
    """Orders in a currency that no enabled gateway takes are a warning on saving, and in the checklist."""
    async with api_engine.begin() as connection:
        row = order_row(new_id(ORDER), caller.id) | {"currency": "AMD"}
        await connection.execute(insert(orders).values(row))
    paypal = {
        "kind": "paypal",
        "credentials": {"client_id": "of_the_app", "client_secret": "of_the_app", "webhook_id": "WH-1"},
        "settings": {"environment": "sandbox"},
        "test": False,
    }
    saved = (await caller.http.post("/gateways", json=paypal)).json()
    assert not [each for each in saved["warnings"] if "AMD" in each]
    [simulator] = [one for one in (await caller.http.get("/gateways")).json()["data"] if one["kind"] == "simulator"]
    await caller.http.post(f"/gateways/{simulator['id']}/disable")
    changed = (await caller.http.patch(f"/gateways/{saved['id']}", json={"name": "PayPal", "test": False})).json()
    assert [each for each in changed["warnings"] if "No enabled gateway takes AMD" in each]
    listed = (await caller.http.get("/gateways/checklist")).json()["data"]
    [item] = [each for each in listed if each["name"] == "currencies_have_a_route"]
    assert (item["done"], "AMD" in item["how"]) == (False, True)
