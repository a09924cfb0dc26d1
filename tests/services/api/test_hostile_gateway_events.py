"""Hostile requests to a gateway's address: each is refused or stored as documented, and no payment moves."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from clearway.db.tables import gateway_events
from clearway.domain.gateway import first_gateway_id
from clearway.domain.limits import REQUEST_BODY_BYTES_MAX
from clearway.settings import DEVELOPMENT_SIMULATOR_SECRET
from tests.services.api.conftest import Caller, NewCaller, Payer
from tests.services.api.gateway_sending import disposition, event_about, path_of, send
from tests.services.api.test_gateways import tables_with
from tests.services.gateways.running import Simulator

OWN_SECRET = "whsec_YW5vdGhlci1zZWNyZXQtb2YtYS1nYXRld2F5IQ=="


@pytest.fixture
async def waiting(payer: Payer, api_simulator: Simulator) -> str:
    """Create a payment that waits for its gateway, which knows it."""
    payment_id = str((await payer.payment(vpa="pending@razorpay", until="pending"))["id"])
    async with asyncio.timeout(30):
        while (await api_simulator.http.get(f"/v1/operations/{payment_id}:authorise:1")).status_code != 200:
            await asyncio.sleep(0.05)
    return payment_id


async def is_unmoved(payer: Payer, payment_id: str) -> bool:
    """Tell whether the payment still waits, with nothing captured."""
    read = (await payer.http.get(f"/payments/{payment_id}")).json()
    return (read["status"], read["amount_captured"]) == ("pending", 0)


async def kept(engine: AsyncEngine, gateway_id: str) -> list[Any]:
    """Return what is kept of a gateway's requests, oldest first."""
    query = select(gateway_events).where(gateway_events.c.gateway_id == gateway_id).order_by(gateway_events.c.id)
    async with engine.connect() as connection:
        return list((await connection.execute(query)).all())


async def second_gateway(caller: Caller, **fields: Any) -> str:
    """Connect another simulator of the merchant."""
    body = {"kind": "simulator", "name": "Second", "priority": 200, "test": False} | fields
    made = await caller.http.post("/gateways", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


@pytest.mark.parametrize(
    "how", [{"secret": OWN_SECRET}, {"at": -3_600}, {"at": 3_600}], ids=["wrong signature", "old", "future"]
)
async def test_what_proves_nothing_is_refused_and_kept(
    payer: Payer, anonymous: httpx.AsyncClient, api_engine: AsyncEngine, waiting: str, how: dict[str, Any]
) -> None:
    """A wrong signature, one of an hour ago and one from the future: 401, kept as unsigned, the payment unmoved."""
    given = how | ({"at": time.time() + how["at"]} if "at" in how else {})
    answer = await send(anonymous, event_about(f"{waiting}:authorise:1"), to=payer, **given)
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
    [row] = await kept(api_engine, first_gateway_id(payer.id))
    assert (row.verdict, row.disposition, row.merchant_id) == ("unsigned", "refused", payer.id)
    assert await is_unmoved(payer, waiting)


async def test_an_oversized_body_is_refused(payer: Payer, anonymous: httpx.AsyncClient, waiting: str) -> None:
    """More than any gateway sends is not read to its end: 413."""
    event = event_about(f"{waiting}:authorise:1", padding="x" * REQUEST_BODY_BYTES_MAX)
    answer = await send(anonymous, event, to=payer)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert await is_unmoved(payer, waiting)


async def test_another_merchant_s_gateway_moves_nothing(
    payer: Payer, new_caller: NewCaller, anonymous: httpx.AsyncClient, api_engine: AsyncEngine, waiting: str
) -> None:
    """An event with a valid signature at another merchant's gateway is kept as foreign, and the payment is unmoved."""
    other = await new_caller()
    event = event_about(f"{waiting}:authorise:1")
    assert (await send(anonymous, event, to=other)).json() == {"status": "foreign"}
    [row] = await kept(api_engine, first_gateway_id(other.id))
    assert (row.disposition, row.merchant_id, row.subject_id) == ("foreign", other.id, waiting)
    assert await is_unmoved(payer, waiting)


async def test_another_gateway_of_the_merchant_moves_nothing(
    payer: Payer, anonymous: httpx.AsyncClient, api_engine: AsyncEngine, waiting: str
) -> None:
    """An event of one gateway does not move a payment of another gateway, also of the same merchant."""
    second = await second_gateway(payer, credentials={"webhook_secret": OWN_SECRET})
    event = event_about(f"{waiting}:authorise:1")
    answer = await send(anonymous, event, to=payer, gateway_id=second, secret=OWN_SECRET)
    assert answer.json() == {"status": "foreign"}
    assert await disposition(api_engine, event["id"]) == "foreign"
    assert await is_unmoved(payer, waiting)


async def test_the_same_event_id_at_two_gateways_is_two_events(
    payer: Payer, anonymous: httpx.AsyncClient, waiting: str
) -> None:
    """A foreign event does not take the id away from the gateway whose event it is."""
    second = await second_gateway(payer)
    event = event_about(f"{waiting}:authorise:1")
    assert (await send(anonymous, event, to=payer, gateway_id=second)).json() == {"status": "foreign"}
    assert (await send(anonymous, event, to=payer)).json() == {"status": "signalled"}
    await payer.payment_in(waiting, "success")


async def test_a_wrong_amount_is_not_booked(payer: Payer, anonymous: httpx.AsyncClient, waiting: str) -> None:
    """Another amount than was asked for goes to a person: the payment is under review, with nothing captured."""
    answer = await send(anonymous, event_about(f"{waiting}:authorise:1", amount=1), to=payer)
    assert answer.json() == {"status": "signalled"}
    assert (await payer.payment_in(waiting, "needs_review"))["amount_captured"] == 0


async def test_a_repeated_and_a_reordered_event_change_nothing_twice(
    payer: Payer, anonymous: httpx.AsyncClient, waiting: str
) -> None:
    """After the approval, its repeat and the older `processing` leave the payment as it is."""
    approved = event_about(f"{waiting}:authorise:1")
    await send(anonymous, approved, to=payer)
    paid = await payer.payment_in(waiting, "success")
    older = event_about(f"{waiting}:authorise:1", status="processing")
    statuses = [(await send(anonymous, each, to=payer)).status_code for each in (approved, older)]
    assert statuses == [200, 200]
    assert (await payer.http.get(f"/payments/{waiting}")).json() == paid


async def test_only_listed_addresses_may_speak(
    payer: Payer, anonymous: httpx.AsyncClient, api_engine: AsyncEngine, waiting: str
) -> None:
    """With an address list, a valid signature from elsewhere is a 403, kept; from a listed address it is taken."""
    gateway_id = first_gateway_id(payer.id)
    await payer.http.patch(f"/gateways/{gateway_id}", json={"allowed_networks": ["203.0.113.0/24"]})
    event = event_about(f"{waiting}:authorise:1")
    refused = await send(anonymous, event, to=payer)
    assert (refused.status_code, refused.json()["code"]) == (403, "address_not_allowed")
    [row] = await kept(api_engine, gateway_id)
    assert (row.verdict, "allowed_networks" in row.reason) == ("unsigned", True)
    assert await is_unmoved(payer, waiting)
    await payer.http.patch(f"/gateways/{gateway_id}", json={"allowed_networks": ["127.0.0.0/8"]})
    assert (await send(anonymous, event, to=payer)).json() == {"status": "signalled"}


async def test_events_of_a_disabled_gateway_are_accepted(
    payer: Payer, anonymous: httpx.AsyncClient, waiting: str
) -> None:
    """Payments that were made at it end as usual; a new one is refused."""
    gateway_id = first_gateway_id(payer.id)
    await payer.http.post(f"/gateways/{gateway_id}/disable")
    refused = await payer.post_payment()
    assert (refused.status_code, refused.json()["code"]) == (409, "no_gateway")
    assert (await send(anonymous, event_about(f"{waiting}:authorise:1"), to=payer)).json() == {"status": "signalled"}
    await payer.payment_in(waiting, "success")


async def test_any_method_and_query_are_taken(payer: Payer, anonymous: httpx.AsyncClient) -> None:
    """A GET with a query reaches the connector, which finds no signature in it."""
    for method in ("GET", "PUT", "POST"):
        answer = await anonymous.request(method, f"{path_of(payer)}?EDP_BILL_NO=1&a=1&a=2")
        assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid"), method


async def test_a_kept_event_is_processed_again_after_the_secret_is_corrected(
    payer: Payer, anonymous: httpx.AsyncClient, api_engine: AsyncEngine
) -> None:
    """What a wrong secret refused moves its payment when it is replayed with the right one."""
    gateway_id = await second_gateway(payer, credentials={"webhook_secret": OWN_SECRET}, priority=1)
    made = await payer.payment(vpa="pending@razorpay", until="pending")
    assert made["gateway_id"] == gateway_id
    event = event_about(f"{made['id']}:authorise:1")
    assert (await send(anonymous, event, to=payer, gateway_id=gateway_id)).status_code == 401
    [listed] = (await payer.http.get("/gateway_events", params={"gateway_id": gateway_id})).json()["data"]
    assert (listed["verdict"], listed["disposition"]) == ("unsigned", "refused")
    assert "body" not in listed
    again = (await payer.http.post(f"/gateway_events/{listed['id']}/replay")).json()
    assert (again["dispositions"], again["reason"]) == ([], "the signature is not that of this body")

    await payer.http.patch(f"/gateways/{gateway_id}", json={"credentials": {"webhook_secret": None}, "test": False})
    period = {"since": "2026-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z", "gateway_id": gateway_id}
    done = (await payer.http.post("/gateway_events/replay", json=period)).json()
    assert [one["dispositions"] for one in done["data"]] == [["signalled"]]
    assert done["next_cursor"] is None
    await payer.payment_in(made["id"], "success")
    assert (await payer.http.get(f"/gateway_events/{listed['id']}")).json()["disposition"] == "replayed"


async def test_no_merchant_sees_or_replays_another_s_events(
    payer: Payer, new_caller: NewCaller, anonymous: httpx.AsyncClient
) -> None:
    """They are not listed, and reading or replaying one is a 404."""
    assert (await send(anonymous, event_about("not-ours"), to=payer)).json() == {"status": "ignored"}
    [mine] = (await payer.http.get("/gateway_events")).json()["data"]
    other = await new_caller()
    assert (await other.http.get("/gateway_events")).json()["data"] == []
    for answer in (
        await other.http.get(f"/gateway_events/{mine['id']}"),
        await other.http.post(f"/gateway_events/{mine['id']}/replay"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "gateway_event_not_found")


async def test_bodies_are_sealed(payer: Payer, anonymous: httpx.AsyncClient, api_engine: AsyncEngine) -> None:
    """What a gateway says of a customer stands in no column in clear."""
    await send(anonymous, event_about("not-ours", email="ann@shop.example"), to=payer)
    [row] = await kept(api_engine, first_gateway_id(payer.id))
    assert "ann@shop.example" not in json.dumps([str(value) for value in row])


async def test_a_full_run_leaks_no_credential(
    payer: Payer, anonymous: httpx.AsyncClient, api_engine: AsyncEngine, temporal: Client, caplog: Any
) -> None:
    """After a payment, events and a refund, no table, log line or Temporal payload has the secret."""
    gateway_id = await second_gateway(payer, credentials={"webhook_secret": OWN_SECRET}, priority=1)
    made = await payer.payment()
    assert made["gateway_id"] == gateway_id
    event = event_about(f"{made['id']}:authorise:1")
    for secret in (OWN_SECRET, DEVELOPMENT_SIMULATOR_SECRET):
        await send(anonymous, event, to=payer, gateway_id=gateway_id, secret=secret)
    refund = (await payer.http.post(f"/payments/{made['id']}/refunds", json={"amount": 100})).json()
    await payer.refund_in(refund["id"], "processed")
    assert (await payer.http.post(f"/gateways/{gateway_id}/test")).json()["ok"] is True
    histories = [
        (await temporal.get_workflow_handle(workflow_id).fetch_history()).to_json()
        for workflow_id in (f"payment/{made['id']}", f"refund/{refund['id']}")
    ]
    encoded = base64.b64encode(OWN_SECRET.encode()).decode()[:-4]
    assert gateway_id in base64_texts(histories[0])
    told = [*histories, *map(base64_texts, histories), caplog.text]
    assert not [text for text in told if OWN_SECRET in text or encoded in text]
    assert await tables_with(api_engine, OWN_SECRET) == []


def base64_texts(history: str) -> str:
    """Return what the payloads of a history say."""
    found = re.findall(r'"data": ?"([A-Za-z0-9+/=]+)"', history)
    return " ".join(base64.b64decode(text).decode("utf-8", "replace") for text in found)
