"""No merchant reads or changes another's anything: every route with an id that the OpenAPI document names."""

from __future__ import annotations

import itertools
import re
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from clearway.db.engine import create_engine
from clearway.db.seed import TEST_MERCHANT, Credentials
from clearway.domain.actor import SYSTEM, Actor
from clearway.domain.ids import USER, new_id
from clearway.domain.roles import Role
from clearway.settings import Settings
from clearway.users import creation
from clearway.users.creation import NewPerson
from tests.services.api.people import PASSWORD, password_hash
from tests.stack.e2e.conftest import Site
from tests.stack.e2e.merchant import PREFIX, Merchant, eventually
from tests.support.other_merchant import OTHER_MERCHANT

METHODS = ("get", "post", "put", "patch", "delete")
PLACE = re.compile(r"\{(\w+)\}")
NOT_OWNED = frozenset({"user_id", "invitation_id", "view_id", "event_type"})
"""Placeholders that name what belongs to the account (tests/services/api/test_members), to a person (test_saved_views),
or to everybody."""


@dataclass(frozen=True)
class Route:
    """One operation on something that belongs to a merchant."""

    method: str
    path: str

    def url(self, ids: dict[str, str]) -> str:
        """Return the path about these things. A placeholder that nobody has an example of is an error."""
        return PLACE.sub(lambda place: ids[place[1]], self.path.removeprefix(PREFIX))


def routes(document: dict[str, Any]) -> Iterator[Route]:
    """Yield every operation with an id that acts for a merchant: it asks for a permission."""
    for route, operation in operations(document):
        if set(PLACE.findall(route.path)) - NOT_OWNED and "x-permission" in operation:
            yield route


def operations(document: dict[str, Any]) -> Iterator[tuple[Route, dict[str, Any]]]:
    """Yield every operation."""
    for path, item in document["paths"].items():
        yield from ((Route(method.upper(), path), item[method]) for method in METHODS if method in item)


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
    logged = await eventually(lambda: merchant.read("/request_log"), lambda found: bool(found["data"]))
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
        "logged_id": logged["data"][0]["id"],
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


async def with_token(steady: Site, account: Credentials, merchant_id: str) -> Merchant:
    """Return a merchant as an owner of an account reaches it: with an access token, and the merchant named."""
    settings = Settings(_env_file=None, database_url=steady.stack.database_url)
    engine, email = create_engine(settings, application_name="tests-e2e"), f"{new_id(USER)}@example.test"
    async with engine.begin() as connection:
        actor, new = Actor(SYSTEM, None), NewPerson(email, "Ada Tester")
        user_id = await creation.add(connection, actor, new, password_hash())
        await creation.join(connection, actor, account.account_id, user_id, Role.OWNER)
    await engine.dispose()
    http = httpx.AsyncClient(base_url=steady.stack.api_url + PREFIX, timeout=40, trust_env=False)
    answer = await http.post("/auth/token", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    http.headers.update(
        {"Authorization": f"Bearer {answer.json()['access_token']}", "X-Clearway-Merchant": merchant_id}
    )
    return Merchant(http, steady.merchant.gateway)


@pytest.fixture
async def strangers(steady: Site, rival: Merchant) -> AsyncIterator[dict[str, Merchant]]:
    """Return everybody who must not find the test merchant's things: another account, and the account's own live side.

    Each by a key or by the token of an owner.
    """
    me = await with_token(steady, TEST_MERCHANT, TEST_MERCHANT.merchant_id)
    profile = (await me.http.get("/users/me")).json()
    [live] = [one["id"] for one in profile["memberships"][0]["merchants"] if one["mode"] == "live"]
    me.http.headers["X-Clearway-Merchant"] = live
    theirs = await with_token(steady, OTHER_MERCHANT, OTHER_MERCHANT.merchant_id)
    yield {"another's key": rival, "another's owner": theirs, "an owner in live mode": me}
    for one in (me, theirs):
        await one.http.aclose()


async def test_anothers_things_are_not_there(
    steady: Site, strangers: dict[str, Merchant], owned: dict[str, str]
) -> None:
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
    for route, (who, stranger) in itertools.product(found, strangers.items()):
        theirs, nobodys = await ask(stranger, route, owned), await ask(stranger, route, of_nobody(owned))
        assert (theirs.status_code, nobodys.status_code) == (404, 404), (who, route, theirs.text, nobodys.text)
        assert theirs.json()["code"] == nobodys.json()["code"], (who, route)
    after = [(await ask(steady.merchant, route, owned)).json() for route in readable]
    assert after == before
    for route in readable:
        assert (await ask(steady.merchant, route, owned)).status_code == 200, route


async def test_lists_show_ones_own(
    steady: Site, rival: Merchant, strangers: dict[str, Merchant], owned: dict[str, str]
) -> None:
    """Every list of another merchant is without our things, searched for or not."""
    document = (await steady.merchant.http.get(f"{steady.stack.api_url}/openapi.json")).json()
    lists = [
        path.removeprefix(PREFIX)
        for path, item in document["paths"].items()
        if "get" in item
        and not PLACE.search(path)
        and item["get"].get("security", document.get("security"))
        and "text/event-stream" not in item["get"]["responses"]["200"]["content"]  # it does not end
    ]
    lists.remove("/request_log")  # it shows the ids that the rival asked for in the tests before
    assert {"/orders", "/payments", "/refunds", "/events", "/webhooks", "/webhook_endpoints"} <= set(lists)
    for path, (who, stranger) in itertools.product(lists, strangers.items()):
        shown = (await stranger.http.get(path)).text
        assert not [one for name, one in owned.items() if name != "number" and one in shown], (who, path)
    for query in ({"search": owned["payment_id"]}, {"order_id": owned["order_id"]}):
        assert (await rival.http.get("/payments", params=query)).json()["data"] == []


async def test_anothers_order_can_not_be_paid(rival: Merchant, merchant: Merchant) -> None:
    """A payment of another merchant's order is a 404, and the order stays as it was."""
    order_id = await merchant.order()
    answer = await rival.post("/payments", {"order_id": order_id, "method": "upi", "vpa": "success@razorpay"})
    assert (answer.status_code, answer.json()["code"]) == (404, "order_not_found")
    assert (await merchant.read(f"/orders/{order_id}"))["status"] == "created"


async def test_without_credentials_nothing_opens(steady: Site, owned: dict[str, str]) -> None:
    """Every route that is not open is a 401 without a key and with a wrong secret, those for people too."""
    document = (await steady.merchant.http.get(f"{steady.stack.api_url}/openapi.json")).json()
    closed = [route for route, operation in operations(document) if "security" in operation]
    assert len(closed) > len(list(routes(document)))
    ids = defaultdict(lambda: "something", owned)
    for headers in ({}, {"X-Api-Key": "key_test_abc123", "X-Api-Secret": "secret_test_wrong"}):
        for route in closed:
            url = f"{steady.stack.api_url}{PREFIX}{route.url(ids)}"
            answer = await steady.merchant.gateway.request(route.method, url, headers=headers)
            assert answer.status_code == 401, (route, headers)
