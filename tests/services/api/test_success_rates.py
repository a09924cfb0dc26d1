"""Routing by success rate: what issuers decided of real payments changes the order of gateways, and is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.domain.success_rate import SuccessRate
from clearway.routing.success_rates import SuccessRates
from tests.services.api.conftest import Caller, Payer
from tests.services.api.test_routing import activated, first_gateway, gateway, saved

PAYMENTS = 20
RATES = {"success_rate": {"samples_min": PAYMENTS, "explore_percent": 20}}
UPI = {"method": "upi", "currency": "INR", "amount": 50_000}


async def broken_and_working(payer: Payer) -> tuple[str, str]:
    """Return a gateway whose issuers decline everything, and after it one whose issuers approve everything."""
    first, second = await first_gateway(payer), await gateway(payer, "Second", priority=900)
    await asyncio.gather(
        *(payer.payment(vpa="failure@razorpay", until="failed", gateway_id=first) for _ in range(PAYMENTS)),
        *(payer.payment(gateway_id=second) for _ in range(PAYMENTS)),
    )
    return first, second


async def explained(caller: Caller, **more: Any) -> dict[str, Any]:
    """Return the decision for a payment that is not made."""
    answer = await caller.http.post("/routing/explain", json=UPI | more)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_breakdown_changes_the_order_and_a_share_explores(payer: Payer) -> None:
    """New payments go to the other gateway; some try the broken one still; each decision shows rates and reasons."""
    first, second = await broken_and_working(payer)
    before = await explained(payer)
    await activated(payer, {"rules": []} | RATES)

    made = [await payer.payment() for _ in range(3)]
    decisions = [(await payer.http.get(f"/payments/{each['id']}/routing")).json() for each in made]
    imagined = [await explained(payer) for _ in range(60)]

    assert (before["gateways"], before["success_rate"]) == ([first, second], None)
    for payment, decision in zip(made, decisions, strict=True):
        by_rate = decision["success_rate"]
        exploring = by_rate["explored"] == first
        assert payment["gateway_id"] == decision["gateways"][0] == (first if exploring else second)
        shown = {each["gateway_id"]: each for each in by_rate["gateways"]}
        assert (shown[first]["rate"], shown[first]["samples"], shown[first]["put_last"]) == (0.0, PAYMENTS, True)
        assert shown[first]["reason"] == f"0.0 % of its payments were approved in 3600 s, and 100.0 % at {second}"
        assert (shown[second]["rate"], shown[second]["put_last"]) == (1.0, False)
    explored = [each for each in imagined if each["success_rate"]["explored"]]
    assert 0 < len(explored) < 30
    assert all(each["gateways"][0] == each["success_rate"]["explored"] == first for each in explored)
    assert "clearway_routing_put_last 1.0" in (await payer.http.get("http://api.test/metrics")).text


async def test_a_customer_who_gives_up_counts_for_nothing(payer: Payer) -> None:
    """Wrong data and cancelled payments are no samples: they say nothing about the gateway."""
    first = await first_gateway(payer)
    card = {"number": "4000000000000127", "expiry_month": 12, "expiry_year": 2040, "cvv": "123"}
    wrong = await payer.payment(method="card", card=card, until="failed")
    number = await saved(payer, {"rules": []} | RATES)

    assert wrong["error_code"] == "incorrect_cvc"
    assert (await explained(payer, method="card", version=number))["success_rate"]["gateways"] == []
    await payer.payment(vpa="failure@razorpay", until="failed")
    shown = (await explained(payer, version=number))["success_rate"]["gateways"]
    assert [(each["gateway_id"], each["samples"]) for each in shown] == [(first, 1)]


@contextmanager
def statements(engine: AsyncEngine) -> Iterator[list[str]]:
    """Collect the statements that are sent to the database."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine.sync_engine, "before_cursor_execute", note)


async def test_many_payments_cost_one_query(caller: Caller, api_engine: AsyncEngine) -> None:
    """Payments at once wait for the same reading, later ones for none; other terms are read at once."""
    rates, terms = SuccessRates(api_engine), SuccessRate()
    with statements(api_engine) as sent:
        await asyncio.gather(*(rates.of_merchant(caller.id, terms) for _ in range(50)))
        for _ in range(50):
            await rates.of_merchant(caller.id, terms)
        once = len(sent)
        other = await rates.of_merchant(caller.id, SuccessRate(drop=50))
        off = await rates.of_merchant(caller.id, None)

    assert (once, len(sent)) == (1, 2)
    assert other.terms is not None
    assert other.terms.drop == 50
    assert off.terms is None


async def test_a_dry_run_does_not_replay_rates(caller: Caller) -> None:
    """A version is tried in the order in which its gateways are written, and the answer says so."""
    number = await saved(caller, {"rules": []} | RATES)

    trial = (await caller.http.post(f"/routing/versions/{number}/dry_run")).json()

    assert trial["not_asked"] == ["success_rate"]


async def test_terms_have_bounds(caller: Caller) -> None:
    """A drop or a number of samples that noise would reach is refused, with the place."""
    program = {"rules": [], "success_rate": {"samples_min": 5, "drop": 2}}

    checked = (await caller.http.post("/routing/validate", json={"program": program})).json()

    assert checked["valid"] is False
    assert [each.split(":")[0] for each in checked["problems"]] == ["success_rate.samples_min", "success_rate.drop"]
