"""No merchant reads or changes another's anything: every route with an id that the OpenAPI document names."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.stack.e2e.conftest import Site
from tests.stack.e2e.merchant import PREFIX, Merchant, eventually

METHODS = ("get", "post", "put", "patch", "delete")
PLACE = re.compile(r"\{(\w+)\}")
NOT_OWNED = frozenset({"gateway"})
"""Placeholders that name nothing of a merchant's."""


@dataclass(frozen=True)
class Route:
    """One operation on something that belongs to a merchant."""

    method: str
    path: str

    def url(self, ids: dict[str, str]) -> str:
        """Return the path about these things. A placeholder that nobody has an example of is an error."""
        return PLACE.sub(lambda place: ids[place[1]], self.path.removeprefix(PREFIX))


def routes(document: dict[str, Any]) -> Iterator[Route]:
    """Yield every operation with an id that asks for a key."""
    for path, item in document["paths"].items():
        for method in METHODS:
            places = set(PLACE.findall(path)) - NOT_OWNED
            if method in item and places and item[method].get("security", document.get("security")):
                yield Route(method.upper(), path)


async def stray_row(merchant: Merchant, gateway_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Import a balance row of nobody, and return the reconciliation that finds it and its item."""
    now = datetime.now(UTC)
    row = f"id,date,gross,currency\n{secrets.token_hex(6)},{(now - timedelta(hours=3)).isoformat()},5.00,USD\n"
    columns = {"date": "date", "gross": "gross", "currency": "currency", "gateway_id": "id"}
    body = {"gateway_id": gateway_id, "target": "balance_rows", "columns": columns, "content": row}
    imported = await merchant.post("/reconciliations/imports", body)
    assert imported.status_code == 200, imported.text
    period = {"since": (now - timedelta(days=1)).isoformat(), "until": now.isoformat()}
    run = (await merchant.post("/reconciliations", {"gateway_id": gateway_id} | period)).json()
    run = await eventually(
        lambda: merchant.read(f"/reconciliations/{run['id']}"), lambda found: found["status"] != "running"
    )
    items = (await merchant.read("/reconciliations/items?state=open"))["data"]
    return run, items[0]


@pytest.fixture
async def owned(steady: Site) -> dict[str, str]:
    """Give the test merchant one of everything, by the name of its placeholder."""
    merchant = steady.merchant
    payment = await merchant.paid()
    refund = await merchant.until(await merchant.refund(payment, 1_000), "processed")
    endpoint = (await merchant.post("/webhook_endpoints", {"url": f"{steady.stack.receiver_url}/nowhere"})).json()
    since = {"since": datetime.now(UTC).isoformat()}
    recovery = (await merchant.post(f"/webhook_endpoints/{endpoint['id']}/recover", since)).json()
    key = (await merchant.post("/api_keys", {"name": "tenancy"})).json()
    await merchant.http.patch(f"/webhook_endpoints/{endpoint['id']}", json={"status": "disabled"})
    history = (await merchant.read(f"/payments/{payment['id']}/history"))["data"]
    deliveries = (await merchant.read(f"/payments/{payment['id']}/webhooks"))["data"]
    gateway = (await merchant.read("/gateways"))["data"][0]
    told = (await merchant.read("/gateway_events"))["data"]
    own_text = {
        "gateway": "stripe",
        "operation": "authorise",
        "code": "expired_card",
        "merchant_text": "Ask for another card.",
    }
    override = (await merchant.http.put("/errors/overrides", json=own_text)).json()
    quote = (await merchant.post("/fx/quotes", {"order_id": await merchant.order(), "currency": "EUR"})).json()
    reconciliation, item = await stray_row(merchant, gateway["id"])
    version = (await merchant.post("/routing/versions", {"program": {}})).json()
    return {
        "order_id": payment["order_id"],
        "payment_id": payment["id"],
        "refund_id": refund["id"],
        "endpoint_id": endpoint["id"],
        "event_id": history[0]["event_id"],
        "delivery_id": deliveries[0]["id"],
        "recovery_id": recovery["id"],
        "key_id": key["id"],
        "gateway_id": gateway["id"],
        "gateway_event_id": told[0]["id"],
        "override_id": override["id"],
        "quote_id": quote["id"],
        "reconciliation_id": reconciliation["id"],
        "item_id": item["id"],
        "number": str(version["number"]),
    }


async def ask(merchant: Merchant, route: Route, ids: dict[str, str]) -> httpx.Response:
    """Send a request that would do something if the thing were the caller's."""
    needed = {
        "recover": {"since": datetime.now(UTC).isoformat()},
        "dry_run": {"payment": {"amount_minor": 1_900, "currency": "AMD"}, "steps": [{"call": "page"}]},
        "resend": {"endpoint_id": ids["endpoint_id"]},
        "resolve": {"outcome": "explained" if "reconciliations" in route.path else "failed", "reason": "trespassing"},
    }
    if route.path.startswith(f"{PREFIX}/routing"):
        needed["dry_run"] = {}
    body = None if route.method in {"GET", "DELETE"} else needed.get(route.path.rpartition("/")[2], {})
    return await merchant.http.request(route.method, route.url(ids), json=body)


def of_nobody(ids: dict[str, str]) -> dict[str, str]:
    """Return well-formed ids that nothing has."""
    nobodys = {name: f"{one[:-4]}{'0000' if not one.endswith('0000') else '1111'}" for name, one in ids.items()}
    return nobodys | {"number": "9999"}


async def test_anothers_things_are_not_there(steady: Site, rival: Merchant, owned: dict[str, str]) -> None:
    """Each route answers another merchant's id as it answers one of nobody, with a 404, and changes nothing."""
    document = (await steady.merchant.http.get(f"{steady.stack.api_url}/openapi.json")).json()
    found = list(routes(document))
    assert len(found) >= 17
    # What is measured goes on: figures of a gateway and its health are of the moment.
    measured = ("/performance", "/health")
    readable = [route for route in found if route.method == "GET" and not route.path.endswith(measured)]
    # The gateway's own events may still be on their way; after them, nothing changes any more.
    await eventually(steady.witnesses.evidence, lambda evidence: not evidence.gateway_undecided)
    before = [(await ask(steady.merchant, route, owned)).json() for route in readable]
    for route in found:
        theirs, nobodys = await ask(rival, route, owned), await ask(rival, route, of_nobody(owned))
        assert (theirs.status_code, nobodys.status_code) == (404, 404), (route, theirs.text, nobodys.text)
        assert theirs.json()["code"] == nobodys.json()["code"], route
    after = [(await ask(steady.merchant, route, owned)).json() for route in readable]
    assert after == before
    for route in readable:
        assert (await ask(steady.merchant, route, owned)).status_code == 200, route


async def test_lists_show_ones_own(steady: Site, rival: Merchant, owned: dict[str, str]) -> None:
    """Every list of another merchant is without our things, searched for or not."""
    document = (await steady.merchant.http.get(f"{steady.stack.api_url}/openapi.json")).json()
    lists = [
        path.removeprefix(PREFIX)
        for path, item in document["paths"].items()
        if "get" in item and not PLACE.search(path) and item["get"].get("security", document.get("security"))
    ]
    assert {"/orders", "/payments", "/refunds", "/events", "/webhooks", "/webhook_endpoints"} <= set(lists)
    for path in lists:
        shown = (await rival.http.get(path)).text
        assert not [one for name, one in owned.items() if name != "number" and one in shown], path
    for query in ({"search": owned["payment_id"]}, {"order_id": owned["order_id"]}):
        assert (await rival.http.get("/payments", params=query)).json()["data"] == []


async def test_anothers_order_can_not_be_paid(rival: Merchant, merchant: Merchant) -> None:
    """A payment of another merchant's order is a 404, and the order stays as it was."""
    order_id = await merchant.order()
    answer = await rival.post("/payments", {"order_id": order_id, "method": "upi", "vpa": "success@razorpay"})
    assert (answer.status_code, answer.json()["code"]) == (404, "order_not_found")
    assert (await merchant.read(f"/orders/{order_id}"))["status"] == "created"


async def test_without_credentials_nothing_opens(steady: Site, owned: dict[str, str]) -> None:
    """Every such route is a 401 without a key and with a wrong secret."""
    document = (await steady.merchant.http.get(f"{steady.stack.api_url}/openapi.json")).json()
    for headers in ({}, {"X-Api-Key": "key_test_abc123", "X-Api-Secret": "secret_test_wrong"}):
        for route in routes(document):
            url = f"{steady.stack.api_url}{PREFIX}{route.url(owned)}"
            answer = await steady.merchant.gateway.request(route.method, url, headers=headers)
            assert answer.status_code == 401, (route, headers)
