"""Businesses that somebody else spies on: by another merchant's key, by another account's session, by a mere viewer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Final

from tests.fire.gauntlet.businesses import BusinessKind, Purchase, draw_with
from tests.fire.gauntlet.client import Client
from tests.fire.gauntlet.instruments import approved_value


async def trespasses(purchase: Purchase) -> None:
    """Another merchant asks about this one's things and uses this one's keys: they must never meet."""
    exchange = await purchase.pay()
    if exchange is None or not exchange.is_success:
        return
    payment, rival = exchange.answer, purchase.rival
    path = f"/payments/{payment['id']}"
    for method, asked in (
        *(("GET", path), ("GET", f"{path}/history"), ("GET", f"{path}/webhooks")),
        *(("GET", f"/orders/{payment['order_id']}"), ("POST", f"{path}/capture"), ("POST", f"{path}/cancel")),
        ("POST", f"{path}/refunds"),
    ):
        await rival.send(method, asked, {} if method == "POST" else None, stranger=True)
    own = await purchase.order(rival, name="pay-order")
    stolen = purchase.body(payment["order_id"], "stolen")
    await rival.send("POST", "/payments", stolen, stranger=True)
    if own:
        key = purchase.key("pay")  # the very key that the first merchant used
        await rival.insist("/payments", purchase.body(own, key), key=key)
    await rival.send("GET", "/payments?limit=20")


async def trespasses_signed_in(purchase: Purchase) -> None:
    """The owner of another account tries, for their own merchant and for this one; a viewer tries to act."""
    exchange = await purchase.pay()
    if exchange is None or not exchange.is_success:
        return
    payment, own = exchange.answer, purchase.client.shop
    rival, viewer = purchase.rival.shop.by_owner, own.by_viewer
    assert rival is not None
    assert viewer is not None
    intruder, looker = purchase.client.of(rival), purchase.client.of(viewer)
    await asyncio.gather(*(_intrude(intruder, payment, merchant_id) for merchant_id in (None, own.merchant_id)))
    for method, path in _about(payment):
        await looker.send(method, path, {} if method == "POST" else None, denied=method == "POST")


async def _intrude(intruder: Client, payment: dict[str, Any], merchant_id: str | None) -> None:
    for method, path in _about(payment):
        await intruder.send(method, path, {} if method == "POST" else None, stranger=True, merchant_id=merchant_id)


def _about(payment: dict[str, Any]) -> Iterator[tuple[str, str]]:
    path = f"/payments/{payment['id']}"
    yield from (("GET", path), ("GET", f"{path}/ledger"), ("GET", f"/orders/{payment['order_id']}"))
    yield from (("POST", f"{path}/{act}") for act in ("capture", "cancel", "refunds"))


KINDS: Final[tuple[BusinessKind, ...]] = (
    BusinessKind("trespasses", 3, trespasses, draw_with(approved_value), payments=2),
    BusinessKind("trespasses signed in", 3, trespasses_signed_in, draw_with(approved_value)),
)
