"""`/fx`: rates from their providers, and quotes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db import fx
from clearway.db.engine import create_engine
from clearway.db.tables import fx_quotes, fx_rates, ledger_entries
from clearway.domain.fx import RateSet, converted, share
from clearway.domain.ids import FX_QUOTE, new_id
from clearway.domain.money import Money
from clearway.fx import rates
from clearway.fx.providers import RatesUnavailableError, read_ecb, read_frankfurter
from clearway.settings import Settings
from tests.services.api.conftest import Caller, NewCaller, Payer, changed
from tests.services.gateways.running import Simulator

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)


@pytest.fixture
async def lone(settings: Settings, fresh_database_url: str) -> AsyncIterator[AsyncEngine]:
    """Connect to a database that no other test sees."""
    engine = create_engine(changed(settings, database_url=fresh_database_url), application_name="fx")
    yield engine
    await engine.dispose()


@pytest.fixture
async def feeds(api_simulator: Simulator) -> AsyncIterator[Simulator]:
    """Give a test the stand-ins of the feeds with their usual rates."""
    await api_simulator.http.put("/exchange_rates/rates", json={})
    yield api_simulator
    await api_simulator.http.put("/exchange_rates/rates", json={})


def at(settings: Settings, simulator: Simulator, provider: str, path: str, **more: Any) -> Settings:
    """Return settings with this feed of the simulator."""
    return changed(
        settings,
        fx_provider=provider,
        fx_url=f"{simulator.url}{path}",
        webhook_allowed_networks=("127.0.0.0/8",),
        **more,
    )


@pytest.mark.parametrize(
    ("provider", "path"),
    [
        ("frankfurter", "/exchange_rates/v2/rates"),
        ("frankfurter", "/exchange_rates/v1/latest"),
        ("ecb", "/exchange_rates/eurofxref-daily.xml"),
    ],
)
async def test_rates_come_from_the_feed_with_their_source_and_day(
    lone: AsyncEngine, settings: Settings, feeds: Simulator, provider: str, path: str
) -> None:
    """Each form of feed gives the same exact rates, kept with source and day; a second fetch adds nothing."""
    await feeds.http.put("/exchange_rates/rates", json={"day": "2026-11-25"})
    there = at(settings, feeds, provider, path)

    await rates.refresh(lone, there, NOW)
    found = await rates.newest(lone, there)
    again = await rates.refresh(lone, there, datetime.now(UTC) + timedelta(hours=2))

    assert (found.source, found.base, found.as_of) == (provider, "EUR", datetime(2026, 11, 25, tzinfo=UTC))
    assert found.rates["GBP"] == Decimal("0.85430")
    assert found.rates["KWD"] == Decimal("0.33412")
    assert again == 0


async def test_a_feed_is_not_asked_more_often_than_wanted(
    lone: AsyncEngine, settings: Settings, feeds: Simulator
) -> None:
    """Within the time nothing is fetched; after it, a corrected rate of the same day is a further row and counts."""
    there = at(settings, feeds, "ecb", "/exchange_rates/eurofxref-daily.xml", fx_refresh_s=3_600)
    await rates.refresh(lone, there, NOW)
    await feeds.http.put("/exchange_rates/rates", json={"rates": {"USD": "1.1"}})
    assert await rates.refresh(lone, there, datetime.now(UTC)) == 0

    assert await rates.refresh(lone, there, datetime.now(UTC) + timedelta(hours=2)) == 1
    assert (await rates.newest(lone, there)).rates["USD"] == Decimal("1.1")


async def test_without_a_feed_the_seed_counts(lone: AsyncEngine, settings: Settings, feeds: Simulator) -> None:
    """A feed that never answered leaves the seed, with its day; one that fails later leaves its last rates."""
    there = at(settings, feeds, "ecb", "/exchange_rates/eurofxref-daily.xml")
    await feeds.http.put("/exchange_rates/rates", json={"status": 503})
    with pytest.raises(RatesUnavailableError, match="503"):
        await rates.refresh(lone, there, NOW)
    seed = await rates.newest(lone, there)
    assert (seed.source, seed.base) == ("seed", "EUR")
    assert seed.as_of >= datetime(2026, 10, 30, tzinfo=UTC)
    assert seed.rates["USD"] > 0
    assert "DEM" not in seed.rates

    await feeds.http.put("/exchange_rates/rates", json={})
    await rates.refresh(lone, there, NOW)
    await feeds.http.put("/exchange_rates/rates", json={"status": 500})
    with pytest.raises(RatesUnavailableError):
        await rates.refresh(lone, there, datetime.now(UTC) + timedelta(hours=2))
    assert (await rates.newest(lone, there)).source == "ecb"


async def test_a_feed_on_a_private_address_is_not_asked(
    lone: AsyncEngine, settings: Settings, feeds: Simulator
) -> None:
    """Feeds go through the guarded egress: without an exception for it, loopback is refused."""
    there = changed(at(settings, feeds, "ecb", "/exchange_rates/eurofxref-daily.xml"), webhook_allowed_networks=())
    with pytest.raises(RatesUnavailableError, match="ConnectError"):
        await rates.refresh(lone, there, NOW)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"base":"EUR","date":"yesterday","rates":{"USD":1}}',
        b'{"base":"EUR","date":"2026-11-25","rates":{"USD":-1}}',
        b'{"base":"EUR","date":"2026-11-25","rates":{"USD":"1.1"}}',
        b'[{"base":"EUR","date":"2026-11-25","quote":"USD","rate":1},{"base":"USD","date":"2026-11-25","quote":"EUR","rate":1}]',
        b"[" * 100_000,
    ],
)
def test_what_is_no_feed_is_refused(content: bytes) -> None:
    """An answer that is not of the form gives no rates at all."""
    with pytest.raises(RatesUnavailableError):
        read_frankfurter("frankfurter", content)
    with pytest.raises(RatesUnavailableError):
        read_ecb("ecb", content)


def test_xml_with_entities_is_refused() -> None:
    """A document type is refused before anything of it is expanded."""
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>'
    with pytest.raises(RatesUnavailableError, match="document type"):
        read_ecb("ecb", bomb)


async def test_rates_are_append_only(lone: AsyncEngine) -> None:
    """A rate that was used can be shown for ever."""
    async with lone.begin() as connection:
        await fx.add_rates(connection, RateSet("test", "EUR", NOW, {"USD": Decimal("1.1")}))
    for statement in (text("UPDATE fx_rates SET rate = 2"), delete(fx_rates)):
        with pytest.raises(IntegrityError, match="append-only"):
            async with lone.begin() as connection:
                await connection.execute(statement)
    async with lone.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(fx_rates)) == 1


async def quoted(caller: Caller, order_id: str, currency: str, **more: object) -> dict[str, Any]:
    """Quote an order."""
    made = await caller.http.post("/fx/quotes", json={"order_id": order_id, "currency": currency} | more)
    assert made.status_code == 201, made.text
    return dict(made.json())


async def test_a_quote_says_what_the_customer_pays_and_why(caller: Caller) -> None:
    """A new installation quotes from the seed: amounts, rate with its digits, markup, source, day and expiry."""
    order_id = await caller.order(amount=10_000, currency="USD")
    made = await quoted(caller, order_id, "JPY", markup_bps=150)

    rate, mid = Decimal(made["rate"]), Decimal(made["mid_rate"])
    assert (made["settlement"], made["order_id"]) == ({"amount": 10_000, "currency": "USD"}, order_id)
    wanted = converted(Money(10_000, "USD"), "JPY", rate).money
    assert made["presentment"] == {"amount": wanted.amount_minor, "currency": "JPY"}
    assert abs(rate / mid - Decimal("1.015")) < Decimal("1e-12")
    assert len(rate.as_tuple().digits) >= 10
    assert (made["source"], made["expired"]) == ("seed", False)
    assert date.fromisoformat(made["as_of"][:10]) >= date(2026, 10, 30)
    lasts = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert lasts == timedelta(seconds=300)
    assert (await caller.http.get(f"/fx/quotes/{made['id']}")).json() == made
    shown = (await caller.http.get("/fx/rates")).json()
    assert (shown["source"], shown["base"]) == ("seed", "EUR")
    assert shown["age_s"] > 0


async def test_a_repeated_request_gets_the_same_quote(caller: Caller) -> None:
    """With an Idempotency-Key there is one quote, byte for byte."""
    order_id = await caller.order(amount=10_000, currency="USD")
    body = {"order_id": order_id, "currency": "EUR"}
    answers = [await caller.http.post("/fx/quotes", json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert answers[0].content == answers[1].content


async def test_what_cannot_be_quoted_says_why(caller: Caller, new_caller: NewCaller, live_caller: Caller) -> None:
    """The same currency, one without a rate, a foreign order, and rates too old for live payments."""
    order_id = await caller.order(amount=10_000, currency="USD")

    async def refusal(who: Caller, **body: object) -> tuple[int, str]:
        answer = await who.http.post("/fx/quotes", json={"order_id": order_id} | body)
        return answer.status_code, answer.json()["code"]

    assert await refusal(caller, currency="USD") == (422, "fx_pair_invalid")
    assert await refusal(caller, currency="KWD") == (422, "fx_pair_invalid")
    other = await new_caller()
    assert await refusal(other, currency="EUR") == (404, "order_not_found")
    quote_id = (await quoted(caller, order_id, "EUR"))["id"]
    assert (await other.http.get(f"/fx/quotes/{quote_id}")).status_code == 404
    live_order = await live_caller.order(amount=10_000, currency="USD")
    assert await refusal(live_caller, order_id=live_order, currency="EUR") == (409, "fx_rates_stale")


async def booked(engine: AsyncEngine, merchant_id: str) -> dict[tuple[str, str], int]:
    """Return the sum of each account of the merchant, by account and currency."""
    entry = ledger_entries.c
    query = (
        select(entry.account, entry.currency, func.sum(entry.amount_minor))
        .where(entry.account.like(f"merchant/{merchant_id}/%"))
        .group_by(entry.account, entry.currency)
    )
    async with engine.connect() as connection:
        rows = await connection.execute(query)
        return {(account.rpartition("/")[2], currency): int(amount) for account, currency, amount in rows if amount}


async def test_an_order_is_paid_in_another_currency(payer: Payer, api_engine: AsyncEngine) -> None:
    """The customer pays the quoted amount, the order is paid, and the merchant is owed the order's amount.

    Refunds are in the customer's currency, at the rate of the quote, and in the end take back all of it.
    """
    order_id = await payer.order(amount=10_001, currency="USD")
    quote = await quoted(payer, order_id, "INR")
    paid = quote["presentment"]["amount"]

    made = await payer.payment(order_id, quote_id=quote["id"])

    assert (made["amount"], made["currency"], made["amount_captured"]) == (paid, "INR", paid)
    assert made["settlement"] == {
        "amount": 10_001,
        "currency": "USD",
        "amount_refunded": 0,
        "rate": quote["rate"],
        "quote_id": quote["id"],
    }
    assert (await payer.http.get(f"/orders/{order_id}")).json()["status"] == "paid"
    assert await booked(api_engine, payer.id) == {
        ("payable", "USD"): -10_001,
        ("fx_position", "USD"): 10_001,
        ("fx_position", "INR"): -paid,
    }
    for amount in (paid // 3, paid // 3, None):
        body = {} if amount is None else {"amount": amount}
        refund = await payer.http.post(f"/payments/{made['id']}/refunds", json=body)
        assert refund.status_code == 201, refund.text
        assert refund.json()["currency"] == "INR"
        await payer.refund_in(refund.json()["id"], "processed")
    assert (await payer.http.get(f"/payments/{made['id']}")).json()["settlement"]["amount_refunded"] == 10_001
    assert await booked(api_engine, payer.id) == {}


async def test_a_quote_is_used_once(payer: Payer) -> None:
    """Of many payments at once with one quote, one is recorded; a quote is used up even when its payment failed."""
    order_id = await payer.order(amount=10_000, currency="USD")
    quote = await quoted(payer, order_id, "INR")
    fields = {"quote_id": quote["id"], "vpa": "failure@razorpay"}

    answers = await asyncio.gather(*(payer.post_payment(order_id, **fields) for _ in range(5)))

    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201, 409, 409, 409, 409]
    (made,) = (answer.json() for answer in answers if answer.status_code == 201)
    await payer.payment_in(made["id"], "failed")
    again = await payer.post_payment(order_id, quote_id=quote["id"])
    assert (again.status_code, again.json()["code"]) == (409, "fx_quote_used")
    fresh = await quoted(payer, order_id, "INR")
    assert (await payer.payment(order_id, quote_id=fresh["id"]))["status"] == "success"


async def test_a_quote_is_bound(payer: Payer, new_caller: NewCaller, api_engine: AsyncEngine) -> None:
    """Another order, an expired quote and a foreign one are refused, and nothing is charged."""
    order_id, other_order = [await payer.order(amount=10_000, currency="USD") for _ in range(2)]
    quote = await quoted(payer, order_id, "INR")

    async def refusal(order: str, quote_id: str) -> str:
        return str((await payer.post_payment(order, quote_id=quote_id)).json()["code"])

    assert await refusal(other_order, quote["id"]) == "fx_quote_invalid"
    other = await new_caller()
    foreign = await quoted(other, await other.order(amount=10_000, currency="USD"), "INR")
    assert await refusal(order_id, foreign["id"]) == "fx_quote_not_found"
    async with api_engine.begin() as connection:
        row = (await connection.execute(select(fx_quotes).where(fx_quotes.c.id == quote["id"]))).one()
        expired = {**row._mapping, "id": new_id(FX_QUOTE), "expires_at": datetime.now(UTC) - timedelta(seconds=1)}
        await connection.execute(insert(fx_quotes).values(expired))
    assert await refusal(order_id, expired["id"]) == "fx_quote_expired"
    shown = (await payer.http.get("/payments", params={"order_id": order_id})).json()["data"]
    assert shown == []


async def test_partial_captures_settle_their_share(payer: Payer, api_engine: AsyncEngine) -> None:
    """A payment that is captured in part settles that part of the order, rounded once."""
    order_id = await payer.order(amount=10_001, currency="USD")
    quote = await quoted(payer, order_id, "INR")
    card = {"number": "4242424242424242", "expiry_month": 12, "expiry_year": 2040, "cvv": "123"}
    asked = {"quote_id": quote["id"], "method": "card", "card": card, "capture_method": "manual"}
    made = await payer.payment(order_id, until="authorized", **asked)

    captured = await payer.http.post(f"/payments/{made['id']}/capture", json={"amount": made["amount"] // 2})
    assert captured.status_code == 200, captured.text

    await payer.payment_in(made["id"], "success")
    half = share(made["amount"] // 2, made["amount"], 10_001)
    assert (await booked(api_engine, payer.id))["payable", "USD"] == -half
