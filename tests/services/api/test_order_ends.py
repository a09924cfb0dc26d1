"""Orders that are cancelled or expire: nobody can pay them afterwards, and a page at the gateway is closed first."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.maintenance import MaintenanceActivities
from clearway.db.tables import orders
from clearway.durable.deliveries import TemporalDeliveries
from clearway.settings import Settings
from tests.services.api.conftest import Caller, Payer
from tests.services.gateways.running import Simulator


def moment(**after: float) -> str:
    """Return a moment from now, as requests have it."""
    return (datetime.now(UTC) + timedelta(**after)).isoformat()


async def make_over(engine: AsyncEngine, order_id: str) -> None:
    """Let the end of an order be a moment ago."""
    async with engine.begin() as connection:
        ended = datetime.now(UTC) - timedelta(seconds=1)
        await connection.execute(update(orders).where(orders.c.id == order_id).values(expires_at=ended))


class TestEnds:
    """What a merchant may ask for, and what an order is afterwards."""

    async def test_an_order_may_have_an_end(self, caller: Caller) -> None:
        """The end comes back in the answer; without one it is null."""
        at = moment(hours=1)
        made = await caller.http.post("/orders", json={"amount": 100, "currency": "INR", "expires_at": at})
        assert made.status_code == 201
        assert datetime.fromisoformat(made.json()["expires_at"]) == datetime.fromisoformat(at)
        assert (await caller.http.get(f"/orders/{await caller.order()}")).json()["expires_at"] is None

    @pytest.mark.parametrize("after", [{"seconds": 10}, {"days": -1}, {"days": 181}])
    async def test_an_end_is_bounded(self, caller: Caller, after: dict[str, float]) -> None:
        """One minute to 180 days: what is outside is named, and nothing is created."""
        refused = await caller.http.post(
            "/orders", json={"amount": 100, "currency": "INR", "expires_at": moment(**after)}
        )
        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == ["expires_at"]
        assert (await caller.http.get("/orders")).json()["data"] == []

    async def test_a_cancelled_order_says_so(self, caller: Caller) -> None:
        """The order is `cancelled`, found by that status, and has its event; a second cancellation changes nothing."""
        order_id = await caller.order()
        for key in ("first", "first", "second"):
            answer = await caller.http.post(
                f"/orders/{order_id}/cancel", json={"reason": "out of stock"}, headers={"Idempotency-Key": key}
            )
            assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        found = (await caller.http.get("/orders", params={"status": "cancelled"})).json()["data"]
        assert [order["id"] for order in found] == [order_id]
        [event] = (await caller.http.get("/events", params={"type": "order.cancelled"})).json()["data"]
        assert event["data"]["id"] == order_id

    async def test_an_order_of_another_merchant_is_unknown(self, caller: Caller, new_caller) -> None:
        """Nobody cancels another's order, or learns that it is there."""
        order_id = await caller.order()
        other = await new_caller()
        for unknown in (order_id, "order_01k9w2e3r4t5y6q7w8e9r0t1y2", "nonsense"):
            answer = await other.http.post(f"/orders/{unknown}/cancel")
            assert (answer.status_code, answer.json()["code"]) == (404, "order_not_found")
        assert (await caller.http.get(f"/orders/{order_id}")).json()["status"] == "created"


class TestMoney:
    """Nothing is charged for an order that has ended."""

    async def test_a_cancelled_order_cannot_be_paid(self, payer: Payer) -> None:
        """A payment is refused with words about the money, by the merchant and by the customer."""
        order_id = await payer.order()
        assert (await payer.http.post(f"/orders/{order_id}/cancel")).status_code == 200
        for path in ("/payments", "/payments/public"):
            refused = await payer.http.post(path, json={"order_id": order_id, "method": "upi"})
            assert (refused.status_code, refused.json()["code"]) == (409, "order_closed")
            assert "Nothing was charged" in refused.json()["detail"]

    async def test_the_page_at_the_gateway_is_closed_with_the_order(
        self, payer: Payer, api_simulator: Simulator
    ) -> None:
        """A customer who has the code of the order on their phone cannot pay it once the order is cancelled."""
        order_id = await payer.order()
        waiting = await payer.payment(order_id, until="requires_action", vpa=None)
        answer = await payer.http.post(f"/orders/{order_id}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        [reference] = parse_qs(urlsplit(waiting["next_action"]["url"]).query)["tr"]
        await api_simulator.http.post(f"/upi/{reference}/complete")
        assert await api_simulator.charges(waiting["id"]) == 0
        assert (await payer.http.get(f"/payments/{waiting['id']}")).json()["status"] == "cancelled"

    @pytest.mark.parametrize(("capture", "status"), [("automatic", "success"), ("manual", "authorized")])
    async def test_money_that_is_held_or_taken_keeps_its_order(self, payer: Payer, capture: str, status: str) -> None:
        """An order with such a payment is not cancelled; the refusal names what to do instead."""
        order_id = await payer.order()
        payment = await payer.payment(order_id, until=status, capture_method=capture)
        refused = await payer.http.post(f"/orders/{order_id}/cancel")
        assert (refused.status_code, refused.json()["code"]) == (409, "order_not_cancellable")
        assert "efund" in refused.json()["detail"]
        assert (await payer.http.get(f"/payments/{payment['id']}")).json()["status"] == status

    async def test_an_order_that_is_over_takes_no_payment_at_once(self, payer: Payer, api_engine: AsyncEngine) -> None:
        """The end counts from its second on, before housekeeping has recorded it."""
        order_id = await payer.order()
        await make_over(api_engine, order_id)
        refused = await payer.post_payment(order_id)
        assert (refused.status_code, refused.json()["code"]) == (409, "order_closed")

    async def test_a_payment_that_began_in_time_pays_the_order(
        self, payer: Payer, api_engine: AsyncEngine, api_simulator: Simulator, housekeeping: MaintenanceActivities
    ) -> None:
        """Its customer pays after the end: the order is paid, and it does not expire. A repeat gets its answer."""
        order_id = await payer.order()
        made = await payer.post_payment(order_id, key="in-time", vpa=None)
        waiting = await payer.payment_in(made.json()["id"], "requires_action")
        await make_over(api_engine, order_id)
        await ActivityEnvironment().run(housekeeping.expire_orders)
        again = await payer.post_payment(order_id, key="in-time", vpa=None)
        assert again.json() == made.json()
        [reference] = parse_qs(urlsplit(waiting["next_action"]["url"]).query)["tr"]
        await api_simulator.http.post(f"/upi/{reference}/complete")
        await payer.payment_in(waiting["id"], "success")
        assert (await payer.http.get(f"/orders/{order_id}")).json()["status"] == "paid"

    async def test_housekeeping_ends_what_is_over(
        self, payer: Payer, api_engine: AsyncEngine, housekeeping: MaintenanceActivities
    ) -> None:
        """The order becomes `expired` with its event, once, after its payment has failed too."""
        untouched, attempted = await payer.order(), await payer.order()
        await payer.payment(attempted, until="failed", vpa="failure@razorpay")
        for order_id in (untouched, attempted):
            await make_over(api_engine, order_id)
        for _ in range(2):
            await ActivityEnvironment().run(housekeeping.expire_orders)
        told = (await payer.http.get("/events", params={"type": "order.expired"})).json()["data"]
        assert sorted(event["data"]["id"] for event in told) == sorted([untouched, attempted])
        assert {event["data"]["status"] for event in told} == {"expired"}
        refused = await payer.http.post(f"/orders/{untouched}/cancel")
        assert (refused.status_code, refused.json()["code"]) == (409, "order_not_cancellable")

    async def test_payments_race_with_a_cancellation(self, payer: Payer, api_simulator: Simulator) -> None:
        """Whatever comes first: a cancelled order has no payment that took money or still may."""
        for _ in range(4):
            order_id = await payer.order()
            *paying, cancelled = await asyncio.gather(
                *(payer.post_payment(order_id, vpa=None) for _ in range(3)),
                payer.http.post(f"/orders/{order_id}/cancel"),
            )
            assert {answer.status_code for answer in paying} <= {201, 409}
            payments = (await payer.http.get("/payments", params={"order_id": order_id})).json()["data"]
            if cancelled.status_code == 200:
                assert {payment["status"] for payment in payments} <= {"cancelled", "failed", "expired"}
                assert not [payment for payment in payments if await api_simulator.charges(payment["id"])]


@pytest.fixture
def housekeeping(api_engine: AsyncEngine, temporal: Client, api_settings: Settings) -> MaintenanceActivities:
    """Return the housekeeping of the installation."""
    deliveries = TemporalDeliveries(temporal, api_settings.webhook_retry_intervals_s)
    return MaintenanceActivities(api_engine, deliveries, api_settings)
