"""Credentials of gateways go in and never come out: planted ones are in no row, history, log, event, metric or answer.

They are planted in a gateway of every kind, used by payments that succeed, fail and meet faults, and looked for in all
that Clearway keeps and shows.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from clearway.dev import stand_ins
from clearway.gateways.catalogue import CATALOGUE
from tests.stack.e2e.conftest import Site
from tests.stack.e2e.merchant import Merchant, card, eventually
from tests.support.custom_documents import calls

AT_ONCE: Final = 20
TABLES: Final = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public'"


@dataclass
class Planted:
    """A marker that is in every planted credential, and the gateways that have one, by kind."""

    marker: str
    ids: dict[str, str] = field(default_factory=dict)

    def forms(self) -> Iterator[bytes]:
        """Return what gives the marker away: in plain text, in hex, and in base64 at every offset."""
        yield self.marker.encode()
        yield self.marker.encode().hex().encode()
        for offset in range(3):
            encoded = base64.b64encode(b"\0" * offset + self.marker.encode())
            yield encoded[4 if offset else 0 :].rstrip(b"=")[:-1]

    def is_in(self, content: bytes) -> bool:
        """Return whether anything of it is there."""
        return any(form in content for form in self.forms())


@pytest.fixture
async def planted(steady: Site) -> AsyncIterator[Planted]:
    """Connect a gateway of every kind, with planted credentials; remove them afterwards."""
    marker = f"planted{secrets.token_hex(8)}"
    site = Planted(marker)
    merchant, account = steady.merchant, f"{marker}_tail"
    # Settings are shown: what a browser may know, such as a publishable key and PayPal's client id, is no credential.
    shown = {"stripe": {}, "paypal": {"environment": "sandbox"}}
    for each in (stand_ins.stripe(account, 901), stand_ins.paypal(account, 902)):
        stand_in = replace(each, settings=shown[each.kind])
        site.ids[stand_in.kind] = (await stand_ins.connect(merchant.http, merchant.gateway, stand_in))["id"]
    secret = "whsec_" + base64.b64encode(f"{marker}-0".encode()).decode()
    addresses = {"addresses": {"api": steady.stack.simulator_url}, "values": {"shop": "a"}, "environment": "test"}
    document = calls()
    document["errors"]["invalid_request"] = {"outcome": "declined", "executed": "no", "error_code": "payment_declined"}
    for kind, credentials, settings in (
        ("simulator", {"webhook_secret": secret}, {}),
        ("square", *await square(steady, f"EAAA_{marker}_tail")),
        ("custom", {"key": f"{marker}_tail"}, {"document": document, **addresses}),
    ):
        body = {"kind": kind, "name": kind, "priority": 903, "credentials": credentials, "settings": settings}
        made = await merchant.post("/gateways", body | {"test": False})
        assert made.status_code == 201, made.text
        site.ids[kind] = made.json()["id"]
    yield site
    for gateway_id in site.ids.values():
        await merchant.post(f"/gateways/{gateway_id}/disable")


async def square(steady: Site, token: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the credentials of a seller at the stand-in of Square, and the settings of their location in dollars."""
    headers = {"authorization": f"Bearer {token}"}
    listed = (await steady.merchant.gateway.get("/square/v2/locations", headers=headers)).json()["locations"]
    location = next(one["id"] for one in listed if one["currency"] == "USD")
    base = f"{steady.stack.simulator_url}/square"
    return {"access_token": token}, {"location_id": location, "currency": "USD", "api_base": base}


async def test_planted_credentials_are_nowhere(steady: Site, planted: Planted) -> None:
    """After payments at a gateway of every kind, declines, faults and exports, nothing shows a credential."""
    assert set(planted.ids) == {kind.value for kind in CATALOGUE}, "a new kind is planted here too"
    await do_business(steady.merchant, planted)
    shown = [answer async for answer in answers(steady.merchant, planted)]
    assert all(planted.ids["stripe"].encode() in answer for answer in shown[:1])
    kept = {
        "answers": b"\n".join(shown),
        "database": await database(steady),
        "histories": await histories(steady),
        "logs": b"\n".join(path.read_bytes() for path in steady.stack.log_dir.glob("*.log")),
        "metrics": await metrics(steady),
        "received": (await steady.merchant.gateway.get(f"{steady.stack.receiver_url}/received")).content,
    }
    assert planted.ids["paypal"].encode() in kept["database"]
    assert planted.ids["paypal"].encode() in kept["histories"]
    assert {name: len(content) > 100 for name, content in kept.items()} == dict.fromkeys(kept, True)
    assert [name for name, content in kept.items() if planted.is_in(content)] == []


async def test_a_credential_moved_to_another_row_does_not_open(steady: Site, planted: Planted) -> None:
    """Encrypted credentials belong to their row: a copy in another row opens nothing."""
    merchant, stripe = steady.merchant, planted.ids["stripe"]
    other = await stand_ins.connect(merchant.http, merchant.gateway, stand_ins.stripe(f"other_{secrets.token_hex(8)}"))
    engine = create_async_engine(steady.stack.database_url)
    async with engine.begin() as connection:
        moved = "UPDATE gateway_configs SET sealed_credentials = %s, version = version + 1 WHERE id = :id"
        copied = "(SELECT sealed_credentials FROM gateway_configs WHERE id = :source)"
        await connection.execute(text(moved % copied), {"id": other["id"], "source": stripe})
    await engine.dispose()
    tested = (await merchant.post(f"/gateways/{other['id']}/test")).json()
    assert (tested["ok"], "Enter them again" in tested["message"]) == (False, True), tested
    await merchant.post(f"/gateways/{other['id']}/disable")


async def do_business(merchant: Merchant, planted: Planted) -> None:
    """Pay at every gateway: a success, a decline, a fault, a refund, and a payment that is called off."""
    stripe, paypal = planted.ids["stripe"], planted.ids["paypal"]
    await merchant.faults(
        {"operation": "authorise", "fault": "executed_then_dropped", "times": 1, "match": {"amount": 60_001}},
        {
            "operation": "webhook",
            "fault": "no_webhook",
            "match": {"amount": 60_004},
        },  # its secret is not the simulator's
    )
    first = await merchant.paid(60_001, gateway_id=stripe, **card("4242424242424242"))
    await merchant.until(await merchant.pay(60_002, gateway_id=stripe, **card("4000000000000002")), "failed")
    await merchant.until(await merchant.refund(first, 100), "processed")
    at_paypal = await merchant.pay(60_003, gateway_id=paypal, method="wallet", wallet={"code": "paypal"})
    waiting = await merchant.until(at_paypal, "requires_action")
    page = waiting["next_action"]["url"].replace("?token=", "/")
    assert (await merchant.gateway.post(f"{page}/approve/balance")).status_code < 400
    await merchant.until(waiting, "success")
    await merchant.paid(60_004, gateway_id=planted.ids["simulator"])
    dollars = await merchant.order(60_005, "USD")
    nonce = {"method": "card", "token": "cnon:card-nonce-ok"}
    await merchant.paid(60_005, order_id=dollars, gateway_id=planted.ids["square"], **nonce)
    await at_a_gateway_that_is_none(merchant, planted.ids["custom"])


async def at_a_gateway_that_is_none(merchant: Merchant, gateway_id: str) -> None:
    """Pay where nobody speaks the protocol of the document: the simulator refuses the request, and it is a decline."""
    order = (await merchant.post("/orders", {"amount": 1_050, "currency": "EUR"})).json()["id"]
    body = {"order_id": order, "method": "wallet", "wallet": {"code": "acme"}, "gateway_id": gateway_id}
    made = await merchant.post("/payments", body)
    assert made.status_code == 201, made.text
    await merchant.until(made.json(), "failed")


async def answers(merchant: Merchant, planted: Planted) -> AsyncIterator[bytes]:
    """Return what the API shows of gateways: lists, single ones, tests, exports, the audit log, events, errors."""
    for path in ("/gateways", "/gateway_events?limit=100", "/events?limit=100", "/audit_log?limit=100"):
        yield (await merchant.http.get(path)).content
    yield (await merchant.post("/gateways/export", {"passphrase": "a long enough passphrase"})).content
    for gateway_id in planted.ids.values():
        yield (await merchant.http.get(f"/gateways/{gateway_id}")).content
        yield (await merchant.post(f"/gateways/{gateway_id}/test")).content
    wrong = {"kind": "stripe", "credentials": {"secret_key": f"wrong_{planted.marker}_tail"}}
    refused = await merchant.post("/gateways", wrong)
    assert refused.status_code == 422
    yield refused.content


async def database(steady: Site) -> bytes:
    """Return every row of every table as text."""
    engine = create_async_engine(steady.stack.owner_url)
    async with engine.connect() as connection:
        tables = (await connection.execute(text(TABLES))).scalars().all()
        rows = [row async for table in _each(tables) for row in await _rows(connection, table)]
    await engine.dispose()
    return "\n".join(rows).encode()


async def _each(names: Any) -> AsyncIterator[str]:
    for name in names:
        yield str(name)


async def _rows(connection: AsyncConnection, table: str) -> list[str]:
    found = await connection.execute(text(f"SELECT t::text FROM {table} AS t"))  # noqa: S608 - names of tables
    return [str(row) for row in found.scalars()]


async def histories(steady: Site) -> bytes:
    """Return every event of every workflow, payloads included, and what the list of workflows shows."""
    client, room = steady.stack.temporal, asyncio.Semaphore(AT_ONCE)

    async def history(workflow_id: str, run_id: str | None) -> bytes:
        async with room:
            handle = client.get_workflow_handle(workflow_id, run_id=run_id)
            return b"\n".join([event.SerializeToString() async for event in handle.fetch_history_events()])

    listed = [each async for each in client.list_workflows()]
    whole = await asyncio.gather(*(history(each.id, each.run_id) for each in listed))
    return b"\n".join([*whole, *(each.raw_info.SerializeToString() for each in listed)])


async def metrics(steady: Site) -> bytes:
    """Return the metrics of the API and of the worker."""
    worker = f"http://127.0.0.1:{steady.stack.options.ports.metrics}/metrics"

    async def read() -> bytes:
        async with httpx.AsyncClient(trust_env=False) as http:
            return (await http.get(f"{steady.stack.api_url}/metrics")).content + (await http.get(worker)).content

    return await eventually(read, bool)
