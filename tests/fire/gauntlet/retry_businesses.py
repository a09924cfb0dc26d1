"""Customers whose payment is declined and kept open: the merchant retries it by hand, or lets it end."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from tests.fire.gauntlet.businesses import DECIDED, BusinessKind, Purchase, draw_with, one_in
from tests.fire.gauntlet.instruments import RETRIED_WITH, RETRIES, instrument, soft_decline

POLICY: Final = {"scheduled": 1, "within_s": 60}


async def retries_by_hand(purchase: Purchase) -> None:
    """Pay with what is declined, then retry: with one key twice, with two keys at once, here or at another gateway."""
    exchange = await purchase.pay(retries=POLICY)
    if exchange is None or not exchange.is_success:
        return
    path = f"/payments/{exchange.answer['id']}"
    payment = await purchase.client.follow(path, {"retrying", *DECIDED})
    method = purchase.terms["method"]
    for number, approved in enumerate(purchase.terms["approved"], 1):
        if payment.get("status") != "retrying":
            return
        body: dict[str, Any] = {"instrument": instrument(method, RETRIED_WITH[method][approved])}
        if purchase.terms["elsewhere"]:
            body |= await _elsewhere(purchase, payment)
        keys = [purchase.key(f"retry-{number}{tab}") for tab in purchase.terms["tabs"]]
        await asyncio.gather(*(purchase.client.insist(f"{path}/retry", body, key=key) for key in keys))
        payment = await purchase.client.follow(path, {"retrying", *DECIDED})


async def _elsewhere(purchase: Purchase, payment: dict[str, Any]) -> dict[str, str]:
    """Name another gateway that takes cards, if the payment is by card and the shop has one."""
    if purchase.terms["method"] != "card":
        return {}
    listed = (await purchase.client.read("/gateways")).answer.get("data", [])
    others = [each for each in listed if each["kind"] != "paypal" and each["id"] != payment["gateway_id"]]
    return {"gateway_id": others[0]["id"]} if others else {}


async def leaves_it_declined(purchase: Purchase) -> None:
    """Nobody retries: the payment fails when the time of its policy is over."""
    await purchase.pay(retries=POLICY)


KINDS: Final[tuple[BusinessKind, ...]] = (
    BusinessKind(
        "retries by hand",
        5,
        retries_by_hand,
        draw_with(
            soft_decline,
            approved=lambda chance: chance.choice(RETRIES),
            tabs=lambda chance: chance.choice((("",), ("", ""), ("a", "b"))),
            elsewhere=one_in(2),
        ),
    ),
    BusinessKind("leaves it declined", 2, leaves_it_declined, draw_with(soft_decline), early=True),
)
