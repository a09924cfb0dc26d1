"""Lists: cursor pages, filters and search, on rows written directly."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.tables import events, orders, payments, refunds, webhook_deliveries, webhook_endpoints
from clearway.domain.events import EventType, kept_body
from clearway.domain.ids import DELIVERY, ENDPOINT, EVENT, ORDER, PAYMENT, REFUND, first_id, new_id
from tests.services.api.conftest import Caller, NewCaller
from tests.services.api.rows import MOMENT, order_row, payment_row, refund_row
from tests.support.shop import sealed_secret


async def write_payments(engine: AsyncEngine, merchant_id: str, *rows: dict[str, Any]) -> list[str]:
    """Write payments, each of an order of its own, oldest first; return their ids, newest first."""
    payment_ids = []
    async with engine.begin() as connection:
        for fields in rows:
            order_id = fields.pop("order_id", None) or new_id(ORDER)
            order = {name: fields.pop(name) for name in ("receipt",) if name in fields}
            currency = {"currency": fields["currency"]} if "currency" in fields else {}
            await connection.execute(insert(orders).values(order_row(order_id, merchant_id, **order, **currency)))
            made = fields.get("created_at")
            payment_ids.append(first_id(PAYMENT, made) if made else new_id(PAYMENT))
            await connection.execute(
                insert(payments).values(payment_row(payment_ids[-1], merchant_id, order_id, **fields))
            )
    return sorted(payment_ids, reverse=True)


async def listed(caller: Caller, path: str = "/payments", **query: Any) -> list[str]:
    """Return the ids of one page."""
    response = await caller.http.get(path, params=query)
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json()["data"]]


async def test_pages_show_everything_once_newest_first(caller: Caller, api_engine: AsyncEngine) -> None:
    """Following the cursor shows every row once, newest first, on no more pages than needed."""
    ids = await write_payments(api_engine, caller.id, *({} for _ in range(7)))
    for limit, pages_needed in ((1, 7), (3, 3), (7, 1), (100, 1)):
        seen: list[str] = []
        pages = 0
        cursor: dict[str, str] = {}
        while True:
            page = (await caller.http.get("/payments", params={"limit": limit} | cursor)).json()
            assert page["object"] == "list"
            pages += 1
            assert len(page["data"]) <= limit
            seen += [item["id"] for item in page["data"]]
            assert page["has_more"] is (page["next_cursor"] is not None)
            if not page["has_more"]:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert seen == ids
        assert pages == pages_needed


async def test_a_page_stays_where_it_was_while_rows_are_added(caller: Caller, api_engine: AsyncEngine) -> None:
    """Rows that come between two pages neither repeat nor hide any of the rest."""
    ids = await write_payments(api_engine, caller.id, {}, {}, {})
    first = (await caller.http.get("/payments", params={"limit": 2})).json()
    await write_payments(api_engine, caller.id, {}, {})
    rest = await listed(caller, cursor=first["next_cursor"])
    assert [item["id"] for item in first["data"]] + rest == ids


async def test_fifty_are_shown_unless_asked_otherwise(caller: Caller, api_engine: AsyncEngine) -> None:
    """50 by default, 100 at most."""
    await write_payments(api_engine, caller.id, *({} for _ in range(103)))
    assert len(await listed(caller)) == 50
    assert len(await listed(caller, limit=100)) == 100


async def test_payments_are_filtered(caller: Caller, api_engine: AsyncEngine) -> None:
    """By status, method, currency, amount, order and time, each alone and together."""
    failed = {"status": "failed", "captured_minor": 0}
    yen, small, late, card = await write_payments(
        api_engine,
        caller.id,
        {"amount_minor": 99, "captured_minor": 99},
        {**failed, "created_at": MOMENT + timedelta(days=1)},
        {"currency": "JPY", "amount_minor": 700, "captured_minor": 700},
        {"method": "card", "instrument": {}, "created_at": MOMENT},
    )
    assert await listed(caller, status="failed") == [late]
    assert await listed(caller, method="card") == [card]
    assert await listed(caller, currency="JPY") == [yen]
    assert await listed(caller, amount_min=100, amount_max=700) == [yen]
    assert await listed(caller, amount_max=99) == [small]
    assert await listed(caller, created_from="2026-11-01T12:00:00Z", created_to="2026-11-02T12:00:00Z") == [card]
    assert await listed(caller, created_from="2026-11-02T13:00:00+01:00", created_to="2026-11-03T00:00:00Z") == [late]
    assert await listed(caller, status="success", currency="INR", amount_min=50_000) == [card]
    order_id = (await caller.http.get(f"/payments/{yen}")).json()["order_id"]
    assert await listed(caller, order_id=order_id) == [yen]
    assert await listed(caller, order_id="order_none") == []


async def test_refunds_are_filtered(caller: Caller, api_engine: AsyncEngine) -> None:
    """By status, order, payment, gateway, currency, amount and time, each alone and together."""
    yen, paid = await write_payments(api_engine, caller.id, {}, {"currency": "JPY"})
    later = MOMENT + timedelta(days=1)
    rows = (
        refund_row(first_id(REFUND, MOMENT), caller.id, paid, status="processed", created_at=MOMENT),
        refund_row(new_id(REFUND), caller.id, paid, status="failed", amount_minor=700),
        refund_row(first_id(REFUND, later), caller.id, yen, currency="JPY", created_at=later),
    )
    async with api_engine.begin() as connection:
        for row in rows:
            await connection.execute(insert(refunds).values(row))
    processed, failed, of_yen = (row["id"] for row in rows)
    order_id = (await caller.http.get(f"/payments/{yen}")).json()["order_id"]

    async def found(**query: Any) -> list[str]:
        return await listed(caller, "/refunds", **query)

    assert await found() == [failed, of_yen, processed]
    assert await found(status="processed") == [processed]
    assert await found(status=["processed", "failed"], currency="INR") == [failed, processed]
    assert await found(status=["processed", "failed"], limit=1) == [failed]
    assert await found(order_id=order_id) == await found(payment_id=yen) == await found(currency="JPY") == [of_yen]
    assert await found(amount_min=700, amount_max=700) == [failed]
    assert await found(gateway_id=rows[0]["gateway_id"]) == [failed, of_yen, processed]
    assert await found(gateway_id="gw_none") == await found(order_id="order_none") == []
    assert await found(created_from="2026-11-01T12:00:00Z", created_to="2026-11-02T12:00:00Z") == [processed]


async def test_an_order_of_another_merchant_finds_no_refunds(new_caller: NewCaller, api_engine: AsyncEngine) -> None:
    """Its id is known, its refunds are not."""
    own, other = await new_caller(), await new_caller()
    (paid,) = await write_payments(api_engine, other.id, {})
    async with api_engine.begin() as connection:
        await connection.execute(insert(refunds).values(refund_row(new_id(REFUND), other.id, paid)))
    order_id = (await other.http.get(f"/payments/{paid}")).json()["order_id"]
    assert len(await listed(other, "/refunds", order_id=order_id)) == 1
    assert await listed(own, "/refunds", order_id=order_id) == []


async def test_payments_are_found_by_what_people_have_at_hand(caller: Caller, api_engine: AsyncEngine) -> None:
    """Payment id, order id, VPA, customer's e-mail and receipt, in full."""
    mail, vpa = await write_payments(
        api_engine,
        caller.id,
        {"instrument": {"vpa": "Bob@okbank"}, "receipt": "R-77"},
        {"customer": {"email": "Ada@Example.com"}},
    )
    assert await listed(caller, search=mail) == [mail]
    assert await listed(caller, search="bob@OKBANK") == [vpa]
    assert await listed(caller, search=" ada@example.com ") == [mail]
    assert await listed(caller, search="R-77") == [vpa]
    order_id = (await caller.http.get(f"/payments/{vpa}")).json()["order_id"]
    assert await listed(caller, search=order_id) == [vpa]
    assert await listed(caller, search="nothing like it") == []
    assert await listed(caller, search="%' OR 1=1 --") == []


PAYMENT_SHAPED = "pay_00000000000000000000000001"
ORDER_SHAPED = "order_00000000000000000000000001"
RECEIPTS = ["R@1", " R-1", "R-1 ", "R - 1", PAYMENT_SHAPED, ORDER_SHAPED, "\u0130-1", "R\n1", "\u00a0R-1", "%_", "'"]
MAILS = ["\u0130@example.com", "\u039f\u0394\u03a3@example.com", "Ada+Shop@Example.com", "\u00df@example.com", "a'b@x"]
VPAS = ["Bob@okbank", "9876543210@ybl", "a" * 256 + "@" + "b" * 64]


@pytest.mark.parametrize("receipt", RECEIPTS)
async def test_every_receipt_is_found_as_it_was_given(caller: Caller, api_engine: AsyncEngine, receipt: str) -> None:
    """Every receipt finds its payment, also one that looks like an e-mail or an id; blanks around it do not matter."""
    [found] = await write_payments(api_engine, caller.id, {"receipt": receipt})
    await write_payments(api_engine, caller.id, {"receipt": "another"})
    assert await listed(caller, search=receipt) == [found]
    assert await listed(caller, search=f"  {receipt} ") == [found]


async def test_blanks_around_a_stored_receipt_do_not_hide_it(caller: Caller, api_engine: AsyncEngine) -> None:
    """A person who types R-1 finds the receipts that were given as ` R-1`, `R-1 ` and `r-1`."""
    ids = await write_payments(api_engine, caller.id, *({"receipt": given} for given in (" R-1", "R-1 ", "r-1", "R-1")))
    assert await listed(caller, search="R-1") == ids


@pytest.mark.parametrize("mail", MAILS)
async def test_every_e_mail_is_found_as_it_was_given(caller: Caller, api_engine: AsyncEngine, mail: str) -> None:
    """An address finds its payment as it was given, and with its ASCII letters in other case."""
    [found] = await write_payments(api_engine, caller.id, {"customer": {"email": mail}})
    swapped = "".join(letter.swapcase() if letter.isascii() else letter for letter in mail)
    for term in (mail, swapped, f" {mail}"):
        assert await listed(caller, search=term) == [found], term


@pytest.mark.parametrize("vpa", VPAS)
async def test_every_vpa_is_found_as_it_was_given(caller: Caller, api_engine: AsyncEngine, vpa: str) -> None:
    """Every VPA that a payment can have is found, also the longest."""
    [found] = await write_payments(api_engine, caller.id, {"instrument": {"vpa": vpa}})
    for term in (vpa, vpa.upper(), f" {vpa} "):
        assert await listed(caller, search=term) == [found], term


async def test_a_search_finds_all_that_the_term_can_be(caller: Caller, api_engine: AsyncEngine) -> None:
    """One term that is the VPA of one payment, the e-mail of another and the receipt of a third finds the three."""
    term = "ann@okbank"
    ids = await write_payments(
        api_engine, caller.id, {"instrument": {"vpa": term}}, {"customer": {"email": term}}, {"receipt": term}, {}
    )
    assert await listed(caller, search=term) == ids[1:]


async def test_a_search_stays_with_its_merchant(new_caller: NewCaller, api_engine: AsyncEngine) -> None:
    """Another merchant's receipt, e-mail, VPA or id finds nothing."""
    one, other = await new_caller(), await new_caller()
    fields = {"instrument": {"vpa": "v@upi"}, "customer": {"email": "e@x.test"}, "receipt": "r"}
    [payment_id] = await write_payments(api_engine, one.id, fields)
    for term in ("v@upi", "e@x.test", "r", payment_id):
        assert await listed(one, search=term) == [payment_id]
        assert await listed(other, search=term) == []


@pytest.mark.parametrize(
    "query",
    [
        {"search": ""},
        {"search": "   "},
        {"search": "\t\u00a0"},
        {"amount_min": -1},
        {"amount_min": 10**30},
        {"amount_min": "1.5"},
        {"created_from": "yesterday"},
        {"created_from": "9999-12-31T23:59:59-14:00"},
        {"created_to": "0001-01-01T00:00:00+14:00"},
        {"created_from": "2026-11-01T12:00:00"},
        {"currency": "inr"},
        {"status": "lost"},
        {"method": "cash"},
        {"search": "\x00"},
        {"search": "x" * 400},
        {"order_id": "\x00"},
    ],
)
async def test_filters_that_mean_nothing_are_refused(caller: Caller, query: dict[str, Any]) -> None:
    """A filter that cannot be read is a 422, never ignored: nobody must take a wrong list for a right one."""
    assert (await caller.http.get("/payments", params=query)).status_code == 422


async def test_unknown_filters_are_refused(caller: Caller) -> None:
    """An unknown filter is refused by name, on every list."""
    for path in ("/orders", "/payments", "/refunds", "/events"):
        refused = await caller.http.get(path, params={"statsu": "failed"})
        assert refused.status_code == 422, path
        assert refused.json()["errors"][0]["field"] == "statsu"


async def test_an_event_is_read_as_its_webhook_sent_it(caller: Caller, api_engine: AsyncEngine) -> None:
    """An event has the very bytes of its webhook; lists filter events by type."""
    event_id = new_id(EVENT)
    body = kept_body(event_id, EventType.REFUND_FAILED, MOMENT, {"b": 1, "a": 2})
    async with api_engine.begin() as connection:
        await connection.execute(
            insert(events).values(
                id=event_id,
                merchant_id=caller.id,
                type="refund.failed",
                subject_type="refund",
                subject_id=event_id,
                step="1",
                body=body,
            )
        )
    assert (await caller.http.get(f"/events/{event_id}")).text == body
    assert await listed(caller, "/events", type="refund.failed") == [event_id]
    assert await listed(caller, "/events", type="refund.created") == []


async def test_the_deliveries_of_a_payment_are_listed(caller: Caller, api_engine: AsyncEngine) -> None:
    """`/payments/{id}/webhooks` shows each delivery with its state."""
    [payment_id] = await write_payments(api_engine, caller.id, {})
    event_id, endpoint_id, delivery_id = new_id(EVENT), new_id(ENDPOINT), new_id(DELIVERY)
    async with api_engine.begin() as connection:
        await connection.execute(
            insert(events).values(
                id=event_id,
                merchant_id=caller.id,
                type="payment.success",
                subject_type="payment",
                subject_id=payment_id,
                payment_id=payment_id,
                step="1",
                body="{}",
            )
        )
        await connection.execute(
            insert(webhook_endpoints).values(
                id=endpoint_id,
                merchant_id=caller.id,
                url="http://x.test",
                event_types=[],
                secret=sealed_secret(endpoint_id),
            )
        )
        await connection.execute(
            insert(webhook_deliveries).values(
                id=delivery_id,
                merchant_id=caller.id,
                event_id=event_id,
                endpoint_id=endpoint_id,
                event_type="payment.success",
                payment_id=payment_id,
                status="failed",
                attempt_count=5,
                last_response_status=500,
            )
        )
    [delivery] = (await caller.http.get(f"/payments/{payment_id}/webhooks")).json()["data"]
    assert (delivery["id"], delivery["event_id"], delivery["endpoint_id"]) == (delivery_id, event_id, endpoint_id)
    assert (delivery["status"], delivery["attempt_count"], delivery["last_response_status"]) == ("failed", 5, 500)


@pytest.mark.parametrize("text", ["0", "0.5", "1764547200", "2026-11-01"])
async def test_a_time_is_written_out(caller: Caller, text: str) -> None:
    """A bare number is no time of RFC 3339, and neither is a day: it is refused, not read as seconds since 1970."""
    response = await caller.http.get("/payments", params={"created_from": text})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "created_from")
