"""Shops with three gateways of different kinds, connected over the public API, as a merchant does it.

Cards go to Stripe or the simulator first, PayPal's wallet to PayPal or the simulator: rules of the shop decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from clearway.dev import stand_ins
from tests.fire.gauntlet.client import Shop
from tests.fire.gauntlet.instruments import PAYPAL_FIRST, SIMULATOR_FIRST


async def connect(shop: Shop, simulator: httpx.AsyncClient) -> None:
    """Connect a shop, which has the simulator, to the stand-ins of Stripe and PayPal; activate its routing rules."""
    api = shop.apis[0]
    account = f"gauntlet_shop_{shop.number}"
    ids = {"simulator": (await api.get("/gateways")).raise_for_status().json()["data"][0]["id"]}
    for stand_in in (stand_ins.stripe(account), stand_ins.paypal(account)):
        ids[stand_in.kind] = (await stand_ins.connect(api, simulator, stand_in))["id"]
    body = {"program": {"rules": list(_rules(ids)), "gateways_max": 2}}
    made = (await api.post("/routing/versions", json=body)).raise_for_status().json()
    (await api.post(f"/routing/versions/{made['number']}/activate")).raise_for_status()


def _rules(ids: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    def condition(field: str, *values: str, **more: str) -> list[dict[str, Any]]:
        return [{"conditions": [{"field": field, "is": "one_of", "value": values, **more}]}]

    def order(*kinds: str) -> list[str]:
        return [ids[kind] for kind in kinds]

    cards = [(60, order("stripe", "simulator")), (40, order("simulator", "stripe"))]
    shares = [{"percent": percent, "gateways": gateways} for percent, gateways in cards]
    yield {
        "name": "Cards",
        "statements": condition("method", "card"),
        "output": {"type": "split", "shares": shares},
    }
    for notes, gateways in ((PAYPAL_FIRST, ("paypal", "simulator")), (SIMULATOR_FIRST, ("simulator", "paypal"))):
        [(key, value)] = notes.items()
        yield {
            "name": f"Wallet {value}",
            "statements": condition("note", value, key=key),
            "output": {"type": "priority", "gateways": order(*gateways)},
        }
