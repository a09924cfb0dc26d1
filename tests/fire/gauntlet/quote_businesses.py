"""Customers who pay an order in another currency, by a quote."""

from __future__ import annotations

import asyncio
from typing import Final

from tests.fire.gauntlet.businesses import (
    DECIDED,
    REFUND_SHARES,
    BusinessKind,
    Purchase,
    capture_in_parts,
    draw_with,
    one_in,
    refund,
)
from tests.fire.gauntlet.instruments import quoted_value


async def pays_by_quote(purchase: Purchase) -> None:
    """Quote an order, pay it by the quote; perhaps in two tabs at once, and perhaps use the quote once more."""
    order_id = await purchase.order()
    if order_id is None:
        return
    asked = {"order_id": order_id, "currency": purchase.terms["pays_in"]}
    quote = await purchase.client.insist("/fx/quotes", asked, key=purchase.key("quote"))
    if not quote.is_success:
        return
    keys = [purchase.key(f"tab-{tab}") for tab in purchase.terms["tabs"]]
    bodies = [purchase.body(order_id, key, quote_id=quote.answer["id"]) for key in keys]
    answers = await asyncio.gather(
        *(purchase.client.insist("/payments", body, key=key) for key, body in zip(keys, bodies, strict=True))
    )
    for exchange in answers:
        if exchange.is_success:
            await _carry_on(purchase, exchange.answer["id"])
    again = purchase.key("again")
    if purchase.terms["again"]:
        await purchase.client.insist(
            "/payments", purchase.body(order_id, again, quote_id=quote.answer["id"]), key=again
        )


async def _carry_on(purchase: Purchase, payment_id: str) -> None:
    payment = await purchase.client.follow(f"/payments/{payment_id}", DECIDED)
    if payment.get("status") == "authorized":
        await capture_in_parts(purchase, payment, (30, 40, 100))
    elif payment.get("status") == "success" and purchase.terms["gives_back"]:
        await refund(purchase, payment)


KINDS: Final[tuple[BusinessKind, ...]] = (
    BusinessKind(
        "pays by quote",
        8,
        pays_by_quote,
        draw_with(
            quoted_value,
            currency="USD",
            tabs=lambda chance: chance.choice(((1,), (1,), (1, 2))),
            manual=one_in(4),
            again=one_in(3),
            gives_back=one_in(2),
            times=1,
            at_once=one_in(2),
            shares=lambda chance: chance.choice(REFUND_SHARES),
        ),
    ),
)
