"""Requests to the webhook address of Stripe and PayPal: each is refused or kept as docs/gateways.md says.

`test_hostile_gateway_events` has the same table for the simulator. The webhooks are those that the stand-ins really
send, changed where the rule needs it.
"""

from __future__ import annotations

import json
import secrets
import time
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.tables import gateway_events
from clearway.dev import stand_ins
from clearway.dev.stand_ins import StandIn
from clearway.domain.limits import REQUEST_BODY_BYTES_MAX
from clearway.simulator.facades.stripe.events import signature
from tests.services.api.conftest import Caller, NewCaller, Payer
from tests.services.gateways.running import Simulator
from tests.support.forging import forged
from tests.support.receiver import Delivery, Receiver, running_receiver

CHALLENGED: Final = {"number": "4000000000003220", "expiry_month": 12, "expiry_year": 2031, "cvv": "123"}
PAY: Final[Mapping[str, dict[str, Any]]] = {
    "stripe": {"method": "card", "card": CHALLENGED},
    "paypal": {"method": "wallet", "wallet": {"code": "paypal"}},
}
APPROVED: Final = {"stripe": "payment_intent.succeeded", "paypal": "CHECKOUT.ORDER.APPROVED"}
PRESS: Final = {"stripe": "complete", "paypal": "approve/balance"}
SIGNED_BY: Final = {"stripe": "stripe-signature", "paypal": "paypal-transmission-sig"}


@dataclass
class Line:
    """A gateway whose webhooks go to a recorder, so that a test decides which of them reach the API, and how."""

    kind: str
    payer: Payer
    api: httpx.AsyncClient
    simulator: Simulator
    recorder: Receiver
    gateway_id: str
    credential: dict[str, str]
    account: StandIn
    waiting: dict[str, Any] = field(default_factory=dict)

    async def approve(self) -> Delivery:
        """Let the customer approve, and return the webhook that reports it."""
        page = self.waiting["next_action"]["url"].replace("?token=", "/")
        assert (await self.simulator.http.post(f"{page}/{PRESS[self.kind]}")).status_code < 400
        return await self.reported()

    async def reported(self) -> Delivery:
        """Wait for the webhook of the approval."""
        name, about = f'"{APPROVED[self.kind]}"'.encode(), self.waiting["id"]
        count = 1
        while not (found := [each for each in self.recorder.about(about) if name in each.body]):
            await self.recorder.wait_for(count, about)
            count = len(self.recorder.about(about)) + 1
        return found[0]

    async def send(self, body: bytes, headers: Mapping[str, str], *, to: str | None = None) -> httpx.Response:
        """Send a request to the webhook address of the gateway, or of another."""
        kept = {
            name: value for name, value in headers.items() if name.startswith(("paypal-", "stripe-", "content-type"))
        }
        return await self.api.post(f"/gateways/{to or self.gateway_id}/webhook", content=body, headers=kept)

    def signed(self, event: dict[str, Any], like: Delivery, at_s: float = 0) -> tuple[bytes, dict[str, str]]:
        """Sign another event: Stripe's secret is ours to know; at PayPal, the CRC32 of a genuine one is enough."""
        if self.kind == "paypal":
            return forged(event, zlib.crc32(like.body)), like.headers
        body = json.dumps(event)
        headers = {"stripe-signature": signature(self.credential["webhook_secret"], time.time() + at_s, body)}
        return body.encode(), headers

    async def is_unmoved(self) -> bool:
        """Return whether the payment still waits, with nothing taken at the gateway."""
        read = (await self.payer.http.get(f"/payments/{self.waiting['id']}")).json()
        return (read["status"], read["amount_captured"]) == ("requires_action", 0)

    async def twin(self, merchant: Caller, credential: dict[str, str] | None = None) -> str:
        """Connect the same account once more, with the same webhook credential, for this merchant."""
        body = {
            "kind": self.kind,
            "priority": 300,
            "credentials": self.account.credentials | (credential or self.credential),
            "settings": self.account.settings | {"api_base": f"{self.simulator.url}/{self.kind}"},
            "test": False,
        }
        made = await merchant.http.post("/gateways", json=body)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])


@pytest.fixture(params=["stripe", "paypal"])
async def line(
    request: pytest.FixtureRequest, payer: Payer, anonymous: httpx.AsyncClient, api_simulator: Simulator
) -> AsyncIterator[Line]:
    """Connect a gateway, and create a payment that waits for its customer there."""
    kind: str = request.param
    make: Callable[[str, int], StandIn] = getattr(stand_ins, kind)
    account = make(f"inbound_{secrets.token_hex(8)}", 300)
    async with running_receiver() as recorder:
        credential = await account.webhook(api_simulator.http, recorder.url)
        made = Line(kind, payer, anonymous, api_simulator, recorder, "", credential, account)
        made.gateway_id = await made.twin(payer)
        made.waiting = await payer.payment(until="requires_action", gateway_id=made.gateway_id, **PAY[kind])
        yield made


async def rows(engine: AsyncEngine, gateway_id: str) -> list[tuple[str, str]]:
    """Return verdict and disposition of what is kept of a gateway's requests, oldest first."""
    query = select(gateway_events).where(gateway_events.c.gateway_id == gateway_id).order_by(gateway_events.c.id)
    async with engine.connect() as connection:
        return [(row.verdict, row.disposition) for row in await connection.execute(query)]


async def test_a_genuine_report_moves_the_payment_once(line: Line, api_simulator: Simulator) -> None:
    """The webhook of an approval ends the payment; repeated, it changes nothing, and the money is taken once."""
    report = await line.approve()
    first = await line.send(report.body, report.headers)
    assert (first.status_code, first.json()["status"]) == (200, "signalled")
    paid = await line.payer.payment_in(line.waiting["id"], "success")
    again = await line.send(report.body, report.headers)
    assert again.status_code == 200
    assert (await line.payer.http.get(f"/payments/{line.waiting['id']}")).json() == paid
    assert await api_simulator.charges(line.waiting["id"]) == 1


async def test_an_older_event_after_the_end_changes_nothing(line: Line, api_simulator: Simulator) -> None:
    """What the gateway said before comes after the approval: a 200, and the payment stays as it is."""
    before = [each for each in line.recorder.about(line.waiting["id"]) if APPROVED[line.kind] not in each.body.decode()]
    report = await line.approve()
    await line.send(report.body, report.headers)
    paid = await line.payer.payment_in(line.waiting["id"], "success")
    for each in before:
        assert (await line.send(each.body, each.headers)).status_code == 200
    assert (await line.payer.http.get(f"/payments/{line.waiting['id']}")).json() == paid
    assert await api_simulator.charges(line.waiting["id"]) == 1


async def test_what_proves_nothing_is_refused_and_kept(line: Line, api_engine: AsyncEngine) -> None:
    """Without a signature, with a wrong one, with a changed body or time: 401, kept as unsigned, nothing moves."""
    report, name = await line.approve(), SIGNED_BY[line.kind]
    signed = report.headers[name]
    times = {
        "paypal": {"paypal-transmission-time": "2026-01-01T00:00:00Z"},
        "stripe": {name: signed.replace("t=", "t=1")},
    }
    changes: tuple[tuple[bytes, dict[str, str]], ...] = (
        (report.body, {name: ""}),
        (report.body, {name: signed[:-8] + "AAAAAAAA"}),
        (report.body + b" ", {}),
        (report.body, times[line.kind]),
    )
    for body, headers in changes:
        answer = await line.send(body, report.headers | headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
    assert await rows(api_engine, line.gateway_id) == [("unsigned", "refused")] * len(changes)
    assert await line.is_unmoved()


@pytest.mark.parametrize("at_s", [-3_600, 3_600], ids=["old", "future"])
@pytest.mark.parametrize("line", ["stripe"], indirect=True)
async def test_a_right_signature_of_another_hour_is_refused(line: Line, api_engine: AsyncEngine, at_s: float) -> None:
    """An hour old or in the future: 401. `test_paypal_inbound` has PayPal's, whose key only PayPal has."""
    report = await line.approve()
    body, headers = line.signed(report.event, report, at_s)
    assert (await line.send(body, headers)).status_code == 401
    assert await rows(api_engine, line.gateway_id) == [("unsigned", "refused")]
    assert await line.is_unmoved()


async def test_an_oversized_body_is_refused(line: Line, api_engine: AsyncEngine) -> None:
    """More than any gateway sends is not read to its end: 413, and nothing is kept."""
    report = await line.approve()
    body, headers = line.signed(report.event | {"padding": "x" * REQUEST_BODY_BYTES_MAX}, report)
    assert (await line.send(body, headers)).status_code == 413
    assert await rows(api_engine, line.gateway_id) == []
    assert await line.is_unmoved()


async def test_a_wrong_amount_is_never_booked(line: Line, api_simulator: Simulator) -> None:
    """Stripe's proof of another amount goes to a person. PayPal's is a hint: PayPal is asked, and is believed."""
    report = await line.approve()
    body, headers = line.signed(with_amount(report.event, line.kind), report)
    assert (await line.send(body, headers)).status_code == 200
    ended = await line.payer.payment_in(line.waiting["id"], "needs_review" if line.kind == "stripe" else "success")
    assert ended["amount_captured"] == (0 if line.kind == "stripe" else line.waiting["amount"])
    assert await api_simulator.charges(line.waiting["id"]) == 1


@pytest.mark.parametrize("line", ["paypal"], indirect=True)
async def test_a_forged_report_of_the_same_crc_takes_nothing(line: Line, api_simulator: Simulator) -> None:
    """A body that says "paid", with the CRC32 of a genuine one, is a hint: PayPal is asked, and shows nothing."""
    other = await line.payer.payment(until="requires_action", gateway_id=line.gateway_id, **PAY["paypal"])
    report = await line.approve()
    said = json.loads(report.body.decode().replace(line.waiting["id"], other["id"])) | {"id": "WH-forged"}
    said["resource"]["id"] = other["next_action"]["url"].rpartition("=")[2]
    body, headers = line.signed(said, report)
    assert (await line.send(body, headers)).json() == {"status": "signalled"}
    await line.send(report.body, report.headers)
    await line.payer.payment_in(line.waiting["id"], "success")
    assert (await line.payer.http.get(f"/payments/{other['id']}")).json()["status"] == "requires_action"
    assert await api_simulator.charges(other["id"]) == 0


async def test_an_unknown_payment_is_kept_as_such(line: Line, api_engine: AsyncEngine) -> None:
    """An event about a payment that is nowhere: 200, so that it is not sent again, and kept as such."""
    report = await line.approve()
    nowhere = report.body.decode().replace(line.waiting["id"], "pay_01k9w2e3r4t5y6q7w8e9r0t1y2")
    said = json.loads(nowhere)
    said["data" if line.kind == "stripe" else "resource"] = _renamed(said, line.kind)
    body, headers = line.signed(said, report)
    assert (await line.send(body, headers)).json() == {"status": "unknown_subject"}
    assert await rows(api_engine, line.gateway_id) == [("verified", "unknown_subject")]
    assert await line.is_unmoved()


async def test_another_merchant_s_gateway_moves_nothing(
    line: Line, new_caller: NewCaller, api_engine: AsyncEngine
) -> None:
    """The same account connected by another merchant: the event is verified there, and foreign."""
    report = await line.approve()
    theirs = await line.twin(await new_caller())
    assert (await line.send(report.body, report.headers, to=theirs)).json() == {"status": "foreign"}
    assert await rows(api_engine, theirs) == [("verified", "foreign")]
    assert await line.is_unmoved()


async def test_another_gateway_of_the_merchant_moves_nothing(line: Line, api_engine: AsyncEngine) -> None:
    """The same account connected twice by one merchant: the event belongs to the gateway of the payment."""
    report = await line.approve()
    second = await line.twin(line.payer)
    assert (await line.send(report.body, report.headers, to=second)).json() == {"status": "foreign"}
    assert await rows(api_engine, second) == [("verified", "foreign")]
    assert await line.is_unmoved()


async def test_a_gateway_with_another_secret_refuses(line: Line, api_engine: AsyncEngine) -> None:
    """A webhook of another endpoint of the same account is not signed for this gateway: 401."""
    report = await line.approve()
    credential = await line.account.webhook(line.simulator.http, line.recorder.url)
    second = await line.twin(line.payer, credential)
    assert (await line.send(report.body, report.headers, to=second)).status_code == 401
    assert await rows(api_engine, second) == [("unsigned", "refused")]
    assert await line.is_unmoved()


def with_amount(event: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the event with one minor unit as its amount."""
    changed: dict[str, Any] = json.loads(json.dumps(event))
    if kind == "stripe":
        changed["data"]["object"] |= {"amount": 1, "amount_received": 1}
    else:
        changed["resource"]["purchase_units"][0]["amount"]["value"] = "0.01"
    return changed


def _renamed(event: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the subject of an event under an id that no payment has."""
    if kind == "stripe":
        return {"object": event["data"]["object"] | {"id": "pi_nowhere"}}
    return event["resource"] | {"id": "5O190127TN364715T"}


DISPUTES: Final = {
    "stripe": {
        "id": "evt_dispute",
        "object": "event",
        "api_version": stand_ins.STRIPE_VERSION,
        "created": 1_790_000_000,
        "livemode": False,
        "type": "charge.dispute.created",
        "data": {"object": {"id": "dp_1", "object": "dispute", "charge": "ch_1", "amount": 500, "currency": "usd"}},
    },
    "paypal": {
        "id": "WH-1",
        "create_time": "2026-11-26T10:00:00.000Z",
        "event_type": "CUSTOMER.DISPUTE.CREATED",
        "resource_type": "dispute",
        "resource": {"dispute_id": "PP-D-1", "status": "OPEN"},
    },
}


async def test_a_dispute_is_kept_and_listed(line: Line, api_engine: AsyncEngine) -> None:
    """An event that is signed and of a kind that Clearway does not use is answered with 200, and not lost."""
    report = await line.approve()
    body, headers = line.signed(DISPUTES[line.kind], report)
    taken = await line.send(body, headers)
    assert (taken.status_code, taken.json()["status"]) == (200, "ignored")
    assert await rows(api_engine, line.gateway_id) == [("unreadable", "ignored")]
    listed = (await line.payer.http.get("/gateway_events", params={"gateway_id": line.gateway_id})).json()["data"]
    assert ["such as disputes" in each["reason"] for each in listed] == [True]
    assert await line.is_unmoved()
