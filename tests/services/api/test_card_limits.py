"""The limits of the card networks, as a merchant meets them. The suite allows two declines of a Visa card."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db import across_merchants
from clearway.db.tables import card_declines, payments
from clearway.domain.merchant import Mode
from clearway.domain.money import Money
from clearway.domain.payment import PersonalData
from clearway.gateways.contract import Operation, OperationKind, OutcomeKind
from clearway.payments.card_limits import NO_LIMIT, CardLimits
from clearway.settings import Settings
from tests.services.api.conftest import NewCaller, Payer, changed
from tests.services.gateways.running import Simulator

NO_REASON = "4000000000000002"
WITHOUT_FUNDS = "4000000000009995"
LOST = "4000000000009987"
GOOD = "4242424242424242"


def by_card(number: str, **more: object) -> dict[str, Any]:
    """Return the fields of a payment by this card."""
    card = {"number": number, "expiry_month": 12, "expiry_year": 2031, "cvv": "123"}
    return {"method": "card", "card": card, **more}


async def declined(payer: Payer, number: str, **more: Any) -> dict[str, Any]:
    """Create a payment by a card, which fails."""
    order = await payer.order(more.pop("amount", 50_000))
    return await payer.payment(order, until="failed", **by_card(number, **more))


async def was_sent(simulator: Simulator, payment: dict[str, Any]) -> bool:
    """Return whether the gateway knows the payment's first attempt."""
    asked = Operation(OperationKind.AUTHORISE, f"{payment['id']}:authorise:1", payment["id"], 50_000, "INR")
    return (await simulator.gateway.recover(asked)).kind is not OutcomeKind.NOT_FOUND


async def test_a_card_beyond_its_limit_is_not_sent(payer: Payer, api_simulator: Simulator) -> None:
    """After the last decline that is allowed, a payment of the amount fails by itself and the gateway hears nothing."""
    for _ in range(2):
        sent = await declined(payer, NO_REASON)
        assert (sent["error_code"], await was_sent(api_simulator, sent)) == ("card_declined", True)
    held = await declined(payer, NO_REASON)
    assert held["error_code"] == "card_retry_limit"
    assert "declined 2 times within 30 days" in held["error_description"]
    assert not await was_sent(api_simulator, held)
    (attempt,) = (await payer.http.get(f"/payments/{held['id']}/attempts")).json()["data"]
    assert (attempt["status"], attempt["executed"], attempt["error_code"]) == ("failed", "no", "card_retry_limit")
    assert (await declined(payer, NO_REASON, amount=50_001))["error_code"] == "card_declined"
    await payer.payment(await payer.order(), **by_card(GOOD))


async def test_the_limit_holds_over_all_gateways_and_for_one_merchant(payer: Payer, new_caller: NewCaller) -> None:
    """A lost card is not tried again, at another gateway neither; another merchant's declines do not count."""
    second = {"kind": "simulator", "name": "Second", "priority": 200, "test": False}
    gateway_id = (await payer.http.post("/gateways", json=second)).json()["id"]
    assert (await declined(payer, LOST))["error_code"] == "lost_card"
    held = await declined(payer, LOST, gateway_id=gateway_id, amount=100)
    assert (held["error_code"], held["gateway_id"]) == ("card_retry_limit", gateway_id)
    other = await new_caller()
    theirs = Payer(other.id, other.credentials, other.http)
    assert (await declined(theirs, LOST))["error_code"] == "lost_card"


async def test_a_card_is_recognised_by_the_merchants_name_of_it(payer: Payer) -> None:
    """With `card_reference` a card has one count, whatever its token or number at a gateway is; only cards have one."""
    assert (await declined(payer, LOST, card_reference="card of 7"))["error_code"] == "lost_card"
    held = await declined(payer, GOOD, card_reference="card of 7")
    assert held["error_code"] == "card_retry_limit"
    await payer.payment(await payer.order(), **by_card(GOOD, card_reference="card of 8"))
    refused = await payer.post_payment(card_reference="card of 7")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "card_reference")


async def test_no_retry_is_planned_beyond_the_limit(payer: Payer) -> None:
    """The decline that reaches the limit plans no scheduled retry, and says why; one by hand is not sent either."""
    retries = {"scheduled": 3}
    before = await payer.payment(until="retrying", **by_card(WITHOUT_FUNDS, retries=retries))
    assert before["next_attempt_at"] is not None
    paid = await payer.payment(until="retrying", **by_card(WITHOUT_FUNDS, retries=retries))
    assert paid["next_attempt_at"] is None
    assert paid["error_code"] == "insufficient_funds"
    assert "not tried again: it was declined 2 times" in paid["error_description"]
    again = await payer.http.post(f"/payments/{paid['id']}/retry")
    assert again.status_code == 200, again.text
    attempts: list[dict[str, Any]] = []
    while not attempts or attempts[-1]["status"] == "pending":
        attempts = (await payer.http.get(f"/payments/{paid['id']}/attempts")).json()["data"]
    assert [each["error_code"] for each in attempts] == ["insufficient_funds", "card_retry_limit"]
    other = {"instrument": by_card(GOOD)}
    assert (await payer.http.post(f"/payments/{paid['id']}/retry", json=other)).status_code == 200
    await payer.payment_in(paid["id"], "success")


async def test_what_is_kept_of_a_card_is_a_keyed_hash_for_thirty_days(payer: Payer, api_engine: AsyncEngine) -> None:
    """The payment loses its fingerprint when it ends, a decline is deleted when no limit counts it any more."""
    failed = await declined(payer, NO_REASON)
    mine = card_declines.c.merchant_id == payer.id
    async with api_engine.begin() as connection:
        (row,) = (await connection.execute(select(card_declines).where(mine))).all()
        kept = await connection.scalar(select(payments.c.card_fingerprint).where(payments.c.id == failed["id"]))
        old = {"id": "old", "declined_at": datetime.now(UTC) - timedelta(days=31)}
        await connection.execute(insert(card_declines).values(row._asdict() | old))
        assert await across_merchants.forget_card_declines(connection) >= 1
        left = (await connection.execute(select(card_declines.c.id).where(mine))).scalars().all()
    assert (kept, row.brand, NO_REASON in str(row), left) == (None, "visa", False, [row.id])


async def test_test_merchants_have_no_limits_unless_an_installation_wants_them(
    payer: Payer, api_engine: AsyncEngine, api_settings: Settings
) -> None:
    """Test cards are meant to be declined often, so the limits hold for live merchants; without any, for nobody."""
    await declined(payer, LOST)
    async with api_engine.connect() as connection:
        mine = select(card_declines.c.fingerprint).where(card_declines.c.merchant_id == payer.id)
        personal = PersonalData("token", card=(str(await connection.scalar(mine)),))
    money = Money(100, "INR")

    def limits(**changes: object) -> CardLimits:
        return CardLimits(api_engine, changed(api_settings, **changes))

    live_only = limits(card_limits_in_test_mode=False)
    assert await live_only.standing(payer.id, Mode.TEST, personal, money) is NO_LIMIT
    assert (await live_only.standing(payer.id, Mode.LIVE, personal, money)).refusal() is not None
    assert await limits(card_limits="").standing(payer.id, Mode.LIVE, personal, money) is NO_LIMIT
