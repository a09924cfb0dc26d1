"""`/statistics`: what rows add up to, by period, currency, method, gateway and reason; and `/customers`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db import customers, statistics
from clearway.db.tables import orders, payments, refunds
from clearway.domain.ids import ORDER, PAYMENT, REFUND, new_id
from tests.services.api.conftest import Caller, NewCaller
from tests.services.api.rows import order_row, payment_row, refund_row

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
STATUSES = {
    "success": {},
    "authorized": {"captured_minor": 0},
    "failed": {"captured_minor": 0, "error_code": "insufficient_funds"},
    "expired": {"captured_minor": 0},
    "cancelled": {"captured_minor": 0},
    "processing": {"captured_minor": 0, "error_code": "gateway_error"},
    "needs_review": {"captured_minor": 0},
}


async def made(engine: AsyncEngine, caller: Caller, *wanted: dict[str, Any]) -> list[str]:
    """Insert payments as the durable side leaves them, each of its own order, and return their ids."""
    ids = []
    async with engine.begin() as connection:
        for each in wanted:
            order_id, payment_id = new_id(ORDER), new_id(PAYMENT)
            row = payment_row(payment_id, caller.id, order_id, **each)
            same = {name: row[name] for name in ("amount_minor", "currency")}
            await connection.execute(insert(orders).values(order_row(order_id, caller.id, receipt=None, **same)))
            await connection.execute(insert(payments).values(row))
            ids.append(payment_id)
    return ids


async def read(caller: Caller, path: str, **asked: Any) -> dict[str, Any]:
    """Read figures."""
    answer = await caller.http.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_every_status_is_counted_once(caller: Caller, api_engine: AsyncEngine) -> None:
    """The counts add up to what was created; only decided payments are in the success rate."""
    await made(api_engine, caller, *(each | {"status": status} for status, each in STATUSES.items()))

    found = await read(caller, "/statistics/overview")
    today = found["today"]

    counts = {name: today[name] for name in ("succeeded", "failed", "expired", "cancelled", "open", "in_review")}
    assert counts == {"succeeded": 2, "failed": 1, "expired": 1, "cancelled": 1, "open": 1, "in_review": 1}
    assert today["created"] == sum(counts.values())
    assert today["success_rate"] == 0.5
    assert today["volume"] == [{"currency": "INR", "amount": 50_000, "payments": 2}]
    assert today["failures"] == [{"code": "insufficient_funds", "payments": 1}]
    assert (found["now"]["payments_open"], found["now"]["payments_in_review"]) == (1, 1)
    [gateway] = found["now"]["gateways"]
    assert (gateway["payments"], gateway["success_rate"], gateway["health"]) == (7, 0.5, "unknown")


async def test_currencies_are_never_added(caller: Caller, api_engine: AsyncEngine) -> None:
    """Volume, refunds and series have one row for each currency."""
    yen = {"currency": "JPY", "amount_minor": 900, "captured_minor": 900}
    paid, _ = await made(api_engine, caller, {}, yen)
    async with api_engine.begin() as connection:
        for amount, status in ((100, "processed"), (50, "pending"), (7, "failed")):
            row = refund_row(new_id(REFUND), caller.id, paid, amount_minor=amount, status=status)
            await connection.execute(insert(refunds).values(row))

    today = (await read(caller, "/statistics/overview"))["today"]
    series = (await read(caller, "/statistics/series"))["series"]

    assert today["volume"] == [
        {"currency": "INR", "amount": 50_000, "payments": 1},
        {"currency": "JPY", "amount": 900, "payments": 1},
    ]
    assert today["refunds"] == [{"currency": "INR", "amount": 150, "refunds": 2}]
    assert [(line["currency"], sum(line["volume"])) for line in series] == [("INR", 50_000), ("JPY", 900)]


async def test_periods_end_at_the_same_time_of_day(caller: Caller, api_engine: AsyncEngine) -> None:
    """A payment of yesterday that came later in the day than now is not compared with today."""
    now = datetime.now(UTC)
    minute = timedelta(minutes=1)
    yesterday, week = now - timedelta(days=1), now - timedelta(days=7)
    moments = [yesterday - minute, yesterday + 10 * minute, week - minute, week + 10 * minute]
    await made(api_engine, caller, {}, *({"created_at": each} for each in moments))

    found = await read(caller, "/statistics/overview", time_zone="UTC")

    begun = 1 if now.hour or now.minute else 0  # one minute ago was yesterday
    assert (found["today"]["created"], found["yesterday"]["created"], found["last_week"]["created"]) == (
        *(1, begun, begun),
    )


async def test_a_series_has_every_bucket(caller: Caller, api_engine: AsyncEngine) -> None:
    """Hours without payments are zeros; days begin at the midnight of the zone; bounds hold."""
    at = [NOON, NOON + timedelta(minutes=59), NOON + timedelta(hours=2), NOON + timedelta(hours=3)]
    await made(api_engine, caller, *({"created_at": each} for each in at), {"created_at": NOON - timedelta(seconds=1)})
    period = {"since": NOON.isoformat(), "until": (NOON + timedelta(hours=3)).isoformat()}

    hours = await read(caller, "/statistics/series", interval="hour", **period)
    days = await read(caller, "/statistics/series", time_zone="Asia/Kolkata", **period)

    assert hours["buckets"] == [f"2026-03-05T{hour}:00:00.000000Z" for hour in (12, 13, 14)]
    [line] = hours["series"]
    assert (line["created"], line["success_rate"]) == ([2, 0, 1], [1.0, None, 1.0])
    assert (days["buckets"], days["series"][0]["created"]) == (["2026-03-04T18:30:00.000000Z"], [3])


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("method", {"card": 1, "upi": 2}),
        ("status", {"failed": 2, "success": 1}),
        ("reason", {"insufficient_funds": 1, None: 1}),
    ],
)
async def test_a_series_is_divided(
    caller: Caller, api_engine: AsyncEngine, by: str, groups: dict[str | None, int]
) -> None:
    """By reason there are only failed payments, also those without a code."""
    failed = {"status": "failed", "captured_minor": 0}
    await made(api_engine, caller, {}, failed | {"error_code": "insufficient_funds"}, failed | {"method": "card"})

    found = await read(caller, "/statistics/series", by=by)
    assert {line["group"]: sum(line["created"]) for line in found["series"]} == groups


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"since": NOON.isoformat(), "until": NOON.isoformat()}, "statistics_period_invalid"),
        ({"time_zone": "Mars/Olympus"}, "validation_error"),
        ({"by": "customer"}, "validation_error"),
    ],
)
async def test_what_cannot_be_read_is_refused(caller: Caller, asked: dict[str, str], code: str) -> None:
    """A wrong period, zone or division is a 422 that names it."""
    answer = await caller.http.get("/statistics/series", params=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_figures_that_take_too_long_are_not_waited_for(
    caller: Caller, api_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement is cancelled, and the answer says that payments are not affected."""
    monkeypatch.setattr(statistics, "STATEMENT_TIMEOUT_MS", 50)
    async with api_engine.begin() as connection:
        await connection.execute(text("LOCK TABLE payments IN ACCESS EXCLUSIVE MODE"))
        answer = await caller.http.get("/statistics/overview")
    assert (answer.status_code, answer.json()["code"]) == (503, "statistics_too_slow")


async def test_a_period_with_too_many_payments_is_refused_with_a_shorter_one(
    caller: Caller, api_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more payments are added up than the limit; the refusal names the period that is answered, and it is right."""
    monkeypatch.setattr(statistics, "SUMMED_MAX", 2)
    days = [NOON - timedelta(days=back) for back in (0, 1, 2, 3)]
    await made(api_engine, caller, *({"created_at": each} for each in days))
    period = {"until": (NOON + timedelta(hours=1)).isoformat(), "time_zone": "UTC"}

    refused = await caller.http.get("/statistics/series", params={"since": days[-1].isoformat(), **period})
    assert (refused.status_code, refused.json()["code"]) == (422, "statistics_period_invalid")
    assert "more than 2 payments" in refused.json()["detail"]
    assert "may begin at 2026-03-04T00:00:00+00:00." in refused.json()["detail"]
    found = await read(caller, "/statistics/series", since="2026-03-04T00:00:00+00:00", **period)
    assert found["series"][0]["created"] == [1, 1]

    monkeypatch.setattr(statistics, "SUMMED_MAX", 0)
    one = await caller.http.get("/statistics/series", params={"since": NOON.isoformat(), **period})
    assert "a part may be shorter than a bucket" in one.json()["detail"]


async def test_what_is_added_up_on_home_is_bounded(
    caller: Caller, api_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many of the newest payments and refunds are added up at most; the answer says where there may be more."""
    statuses = ("success", "needs_review", "needs_review", "processing", "processing")
    ids = await made(api_engine, caller, *(STATUSES[status] | {"status": status} for status in statuses))
    async with api_engine.begin() as connection:
        for payment_id in ids[:1] * 2:
            await connection.execute(insert(refunds).values(refund_row(new_id(REFUND), caller.id, payment_id)))
    whole = await read(caller, "/statistics/overview")
    assert (whole["today"]["complete"], whole["today"]["refunds_complete"]) == (True, True)
    assert (whole["today"]["created"], whole["now"]["payments_open"]) == (5, 2)
    assert whole["now"]["counted_max"] == statistics.WAITING_MAX

    monkeypatch.setattr(statistics, "SUMMED_MAX", 2)
    monkeypatch.setattr(statistics, "WAITING_MAX", 1)
    found = await read(caller, "/statistics/overview")
    today, now = found["today"], found["now"]

    assert (today["created"], today["open"], today["complete"]) == (2, 2, False), "the newest are counted"
    assert (today["refunds"][0]["refunds"], today["refunds_complete"]) == (2, False)
    assert (today["webhooks"]["deliveries"], today["webhooks"]["complete"]) == (0, True)
    assert (now["payments_open"], now["payments_in_review"], now["refunds_in_review"]) == (1, 1, 0)
    assert now["counted_max"] == 1
    assert found["yesterday"]["complete"], "nothing was made then"


async def test_nobody_sees_the_figures_of_another(
    caller: Caller, new_caller: NewCaller, api_engine: AsyncEngine
) -> None:
    """Every figure, and every customer, is of the merchant alone."""
    await made(api_engine, caller, {"customer": {"id": "c-1"}, "status": "needs_review", "captured_minor": 0})
    other = await new_caller()

    found = await read(other, "/statistics/overview")
    assert (found["today"]["created"], found["now"]["payments_in_review"]) == (0, 0)
    assert (await read(other, "/statistics/series"))["series"] == []
    assert (await other.http.get("/customers", params={"id": "c-1"})).json()["code"] == "customer_not_found"


async def test_a_customer_is_found_by_email_or_id(caller: Caller, api_engine: AsyncEngine) -> None:
    """What they paid is summed up by currency, and the newest payment says who they are."""
    ada = {"id": "c-1", "email": "Ada@Shop.Example", "name": "Ada"}
    first, second, _ = await made(
        api_engine,
        caller,
        {"customer": {"email": "ada@shop.example"}, "refunded_minor": 500},
        {"customer": ada, "status": "failed", "captured_minor": 0},
        {"customer": {"email": "bob@shop.example", "id": "c-2"}},
    )

    by_email = await read(caller, "/customers", email="ADA@shop.example")
    by_id = await read(caller, "/customers", id="c-1")

    assert (by_email["id"], by_email["name"], by_email["payments"], by_email["succeeded"]) == ("c-1", "Ada", 2, 1)
    assert by_email["volume"] == [{"currency": "INR", "amount": 50_000, "payments": 1}]
    assert by_email["refunded"] == [{"currency": "INR", "amount": 500}]
    assert (by_id["payments"], by_id["volume"]) == (1, [])
    listed = await read(caller, "/payments", customer=" ada@shop.example ")
    assert [each["id"] for each in listed["data"]] == [second, first]


async def test_a_customer_with_very_many_payments_is_summed_up_in_part(
    caller: Caller, api_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest payments are added up, the answer says so, and the times of the first and last are of all."""
    ada = {"customer": {"id": "c-1"}}
    at = [NOON + timedelta(hours=hour) for hour in range(3)]
    await made(api_engine, caller, *({**ada, "created_at": each, "captured_minor": 100} for each in at))

    whole = await read(caller, "/customers", id="c-1")
    assert (whole["complete"], whole["payments"], whole["volume"][0]["amount"]) == (True, 3, 300)
    monkeypatch.setattr(customers, "SUMMED_MAX", 3)
    assert await read(caller, "/customers", id="c-1") == whole
    monkeypatch.setattr(customers, "SUMMED_MAX", 2)
    part = await read(caller, "/customers", id="c-1")
    assert (part["complete"], part["payments"], part["volume"][0]["amount"]) == (False, 2, 200)
    assert [part[name] for name in ("first_payment_at", "last_payment_at")] == [
        whole[name] for name in ("first_payment_at", "last_payment_at")
    ]


@pytest.mark.parametrize("asked", [{}, {"id": "c-1", "email": "ada@shop.example"}])
async def test_exactly_one_customer_is_named(caller: Caller, asked: dict[str, str]) -> None:
    """Nobody, or two, is a 422."""
    answer = await caller.http.get("/customers", params=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "customer_not_named")


async def test_several_statuses_are_one_list(caller: Caller, api_engine: AsyncEngine) -> None:
    """A repeated `status` means one of them, newest first over all, and pages do not repeat or leave out."""
    ids = await made(api_engine, caller, *(each | {"status": status} for status, each in STATUSES.items()), {})
    wanted = [ids[0], ids[2], ids[3], ids[7]]
    asked: dict[str, Any] = {"status": ["success", "failed", "expired"], "limit": 2}

    first = await read(caller, "/payments", **asked)
    second = await read(caller, "/payments", **asked, cursor=first["next_cursor"])

    assert [each["id"] for each in first["data"] + second["data"]] == wanted[::-1]
    assert second["next_cursor"] is None
    assert (await read(caller, "/payments", **asked, method="wallet"))["data"] == []


async def test_a_list_is_filtered_by_gateway_and_found_by_reference(caller: Caller, api_engine: AsyncEngine) -> None:
    """`gateway_id` filters; `search` finds a gateway's reference and a customer's id."""
    [paid] = await made(api_engine, caller, {"gateway_reference": "ch_Abc123", "customer": {"id": "c-9"}})
    mine = (await read(caller, "/gateways"))["data"][0]["id"]

    assert [each["id"] for each in (await read(caller, "/payments", gateway_id=mine))["data"]] == [paid]
    assert (await read(caller, "/payments", gateway_id="gw_other"))["data"] == []
    for term in ("ch_Abc123", "c-9"):
        assert [each["id"] for each in (await read(caller, "/payments", search=term))["data"]] == [paid]


async def test_days_begin_where_the_merchant_says(caller: Caller) -> None:
    """The time zone of the settings is the default of both; a request may name another."""
    assert (await read(caller, "/statistics/overview"))["time_zone"] == "UTC"
    await caller.http.patch("/settings", json={"time_zone": "Asia/Kolkata"})
    overview = await read(caller, "/statistics/overview")
    assert overview["time_zone"] == "Asia/Kolkata"
    assert overview["today"]["since"].split("T")[1].startswith("18:30:00")
    series = await read(caller, "/statistics/series")
    assert series["time_zone"] == "Asia/Kolkata"
    assert all(bucket.split("T")[1].startswith("18:30:00") for bucket in series["buckets"])
    assert (await read(caller, "/statistics/series", time_zone="UTC"))["time_zone"] == "UTC"
