"""No merchant reads or changes another's anything, nor a live merchant its test side's: every route with an id."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.tables import audit_log, events, orders, payments, refunds
from clearway.domain.events import EventType, kept_body
from clearway.domain.ids import EVENT, ORDER, PAYMENT, REFUND, new_id
from tests.services.api.conftest import Caller, NewCaller
from tests.services.api.rows import MOMENT, order_row, payment_row, refund_row

ROUTES = [
    ("GET", "/orders/{order}"),
    ("GET", "/payments/{payment}"),
    ("GET", "/payments/{payment}/history"),
    ("GET", "/payments/{payment}/attempts"),
    ("GET", "/payments/{payment}/captures"),
    ("GET", "/payments/{payment}/ledger"),
    ("GET", "/payments/{payment}/webhooks"),
    ("GET", "/payments/{payment}/refunds"),
    ("POST", "/payments/{payment}/capture"),
    ("POST", "/payments/{payment}/cancel"),
    ("POST", "/payments/{payment}/refunds"),
    ("GET", "/refunds/{refund}"),
    ("GET", "/events/{event}"),
]
LISTS = ["/orders", "/payments", "/refunds", "/events"]


@pytest.fixture
async def owner_ids(api_engine: AsyncEngine, caller: Caller) -> dict[str, str]:
    """Give a test merchant one of everything."""
    owner = caller
    ids = {"order": new_id(ORDER), "payment": new_id(PAYMENT), "refund": new_id(REFUND), "event": new_id(EVENT)}
    async with api_engine.begin() as connection:
        await connection.execute(insert(orders).values(order_row(ids["order"], owner.id)))
        await connection.execute(insert(payments).values(payment_row(ids["payment"], owner.id, ids["order"])))
        await connection.execute(insert(refunds).values(refund_row(ids["refund"], owner.id, ids["payment"])))
        body = kept_body(ids["event"], EventType.PAYMENT_CREATED, MOMENT, {})
        await connection.execute(
            insert(events).values(
                id=ids["event"],
                merchant_id=owner.id,
                type=EventType.PAYMENT_CREATED.value,
                subject_type="payment",
                subject_id=ids["payment"],
                payment_id=ids["payment"],
                step="created",
                body=body,
            )
        )
    for method, path in ROUTES:
        if method == "GET":
            assert (await owner.http.get(path.format(**ids))).status_code == 200, path
    return ids


@pytest.fixture(params=["another account", "the other mode"])
async def stranger(request: pytest.FixtureRequest, new_caller: NewCaller, live_caller: Caller) -> Caller:
    """Take a merchant of another account, or the live merchant of the owner's own account."""
    return live_caller if request.param == "the other mode" else await new_caller()


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_anothers_id_is_not_found(
    stranger: Caller, owner_ids: dict[str, str], method: str, path: str, api_engine: AsyncEngine
) -> None:
    """Another merchant's id and an id of nobody get the same 404, and nothing is written."""
    of_nobody = {"order": new_id(ORDER), "payment": new_id(PAYMENT), "refund": new_id(REFUND), "event": new_id(EVENT)}
    theirs = await ask(stranger, method, path.format(**owner_ids))
    nobodys = await ask(stranger, method, path.format(**of_nobody))
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.json()["code"] == nobodys.json()["code"]
    async with api_engine.connect() as connection:
        assert not (
            await connection.execute(select(audit_log).where(audit_log.c.subject_id.in_(owner_ids.values())))
        ).all()


async def test_an_order_of_another_cannot_be_paid(stranger: Caller, owner_ids: dict[str, str]) -> None:
    """A payment of another merchant's order is a 404."""
    body = {"order_id": owner_ids["order"], "method": "upi", "vpa": "ann@upi"}
    assert (await stranger.http.post("/payments", json=body)).json()["code"] == "order_not_found"


@pytest.mark.parametrize("path", LISTS)
async def test_lists_show_only_ones_own(stranger: Caller, owner_ids: dict[str, str], path: str) -> None:
    """Lists, searches and filters show a merchant only its own things."""
    assert (await stranger.http.get(path)).json()["data"] == []
    if path == "/payments":
        for query in ({"search": owner_ids["payment"]}, {"order_id": owner_ids["order"]}, {"search": "R-shared"}):
            assert (await stranger.http.get(path, params=query)).json()["data"] == []


async def ask(stranger: Caller, method: str, path: str) -> httpx.Response:
    """Send a request that would do something if the thing were the stranger's."""
    return await stranger.http.request(method, path)
