"""How three gateways fall ill at once, and how the shops go on paying until every circuit breaker is closed again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tests.fire.gauntlet.businesses import Purchase, visit_page
from tests.fire.gauntlet.client import Shop
from tests.fire.gauntlet.instruments import PAYPAL_FIRST
from tests.fire.gauntlet.plan import Terms
from tests.fire.gauntlet.restore import forgetting
from tests.fire.gauntlet.site import Site

FIRST_NUMBER: Final = 10**6
AFTERWARDS: Final = 10**6
"""Businesses of this module have numbers that no plan has: their keys differ."""
WAYS: Final[Mapping[str, Terms]] = {
    "paypal": {"method": "wallet", "value": "paypal", "notes": PAYPAL_FIRST},
    "stripe": {"method": "card", "value": "4242424242424242"},
    "simulator": {"method": "upi", "value": "success@razorpay"},
}
CUSTOMERS: Final = 8
"""So many pay by PayPal at once while it is ill: their calls open the circuit breaker (10 within a minute)."""
WELL_WITHIN_S: Final = 60.0
"""A breaker that opened several times in a row stays open for longer than a run can wait."""
TRIED_BY_NO_PAYMENT: Final = frozenset({"stripe"})
"""It takes cards only, and a card cannot go on to another gateway: it tries a half-open breaker after 300 seconds."""
LOOK_S: Final = 1.0
BEFORE_COPY_S: Final = 1.5
"""From the first payments to the copy: they are recorded, and a payment fails over after 3 seconds."""
ILL: Final[tuple[Mapping[str, Any], ...]] = (
    {"operation": "authorise", "fault": "executed_then_timeout", "delay_s": 20, "match": {"gateway": "stripe"}},
    *(
        {"operation": operation, "fault": "error_before", "match": {"gateway": "paypal"}}
        for operation in ("prepare", "authorise")
    ),
    {"operation": "authorise", "fault": "slow", "delay_s": 2, "match": {"gateway": "simulator"}},
)
"""Stripe executes and does not answer, PayPal answers errors, the simulator is slow: all at once."""


async def fall_ill(site: Site, terms: Terms) -> None:
    """Let every gateway misbehave in its own way for a while, while customers of one shop go on paying by PayPal."""
    handle = await site.faults.add(*ILL)
    try:
        await asyncio.gather(
            asyncio.sleep(terms["for_s"]), _pay(site, terms["shop"], terms["draw"], "paypal", CUSTOMERS)
        )
    finally:
        await site.faults.remove(handle)


def ill(chance: random.Random) -> Terms:
    """Draw how long, and whose customers pay meanwhile."""
    return {"for_s": round(chance.uniform(20, 26), 1), "shop": chance.randrange(3), "draw": chance.randrange(10**6)}


async def forget_failovers(site: Site, terms: Terms, revive: Callable[[Site, str], Any]) -> None:
    """Put the database back to a moment at which payments were under way that have failed over since.

    The gateway that was ill is well again by then: a run that sent it the payment once more would charge twice.
    """
    operations = ("prepare", "authorise")
    down = [{"operation": each, "fault": "error_before", "match": {"gateway": terms["gateway"]}} for each in operations]
    handle = await site.faults.add(*down)
    paying = asyncio.create_task(_pay(site, terms["shop"], terms["draw"], terms["gateway"], CUSTOMERS))
    try:
        await asyncio.sleep(BEFORE_COPY_S)
        async with forgetting(site, revive):
            await asyncio.sleep(terms["age_s"] / 2)
            await site.faults.remove(handle)
            await asyncio.sleep(terms["age_s"] / 2)
    finally:
        await site.faults.remove(handle)
    await paying


def failing_over(chance: random.Random) -> Terms:
    """Draw the gateway that is ill, whose customers pay meanwhile, and the age of the copy."""
    gateway = chance.choice(("paypal", "stripe"))
    age_s = round(chance.uniform(20, 30), 1)
    return {"gateway": gateway, "shop": chance.randrange(3), "age_s": age_s, "draw": chance.randrange(10**6)}


async def get_well(site: Site, say: Callable[[str], None]) -> None:
    """Go on paying until every breaker has closed by itself that payments can close in time; close the others by hand.

    A run in which none closed by itself proves nothing of breakers, and its verdict says so.
    """
    deadline, number = time.time() + WELL_WITHIN_S, 0
    while time.time() < deadline:
        broken = [each for each in await _every_broken(site) if each.can_close_by(deadline)]
        if not broken:
            break
        say(f"waiting for {len(broken)} breakers to close")
        for each in broken:
            number += 1
            await _pay(site, each.shop.number, AFTERWARDS + number, each.kind)
        await asyncio.sleep(LOOK_S)
    for each in await _every_broken(site):
        say(f"the breaker of {each.kind} of shop {each.shop.number} stays open: it is closed by hand")
        await each.shop.apis[0].post(f"/gateways/{each.gateway_id}/breaker/reset")


@dataclass(frozen=True)
class _Broken:
    """A gateway of a shop that new payments avoid. open_until: in Unix seconds."""

    shop: Shop
    kind: str
    gateway_id: str
    open_until: float

    def can_close_by(self, deadline: float) -> bool:
        """Tell whether payments can try it before the deadline."""
        return self.kind not in TRIED_BY_NO_PAYMENT and self.open_until < deadline


async def _every_broken(site: Site) -> list[_Broken]:
    return [each for shop in site.shops for each in await _broken(shop)]


async def _broken(shop: Shop) -> list[_Broken]:
    found = []
    for gateway in (await shop.apis[0].get("/gateways")).raise_for_status().json()["data"]:
        breakers = (await shop.apis[0].get(f"/gateways/{gateway['id']}/breaker")).raise_for_status().json()["data"]
        for each in breakers:
            if each["operation"] == "authorise" and each["state"] != "closed":
                open_until = datetime.fromisoformat(each["open_until"]).timestamp()
                found.append(_Broken(shop, gateway["kind"], gateway["id"], open_until))
    return found


async def _pay(site: Site, shop: int, draw: int, kind: str, customers: int = 1) -> None:
    """Let customers of a shop pay at once at a kind of gateway, and approve on the page if they are sent to one."""
    number = FIRST_NUMBER + draw
    terms = {"amount": 1_000 + draw, "currency": "INR", "button": "approve/balance", **WAYS[kind]}
    purchase = Purchase(site.client(shop, number), site.shops, number, terms)
    await asyncio.gather(*(visit_page(purchase, f"customer-{each}") for each in range(customers)))
