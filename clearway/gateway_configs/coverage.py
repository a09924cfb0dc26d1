"""Currencies that a merchant's orders have and that no enabled gateway takes."""

from __future__ import annotations

from clearway.db import orders
from clearway.gateways.declared import capabilities_of
from clearway.services import Services


async def without_route(services: Services, merchant_id: str) -> tuple[str, ...]:
    """Return the currencies of the newest orders that no enabled gateway takes, in alphabetical order."""
    configs = [each for each in await services.gateways.of_merchant(merchant_id, fresh=True) if each.enabled]
    taken = [capabilities_of(each).currencies for each in configs]
    if None in taken:
        return ()
    known = frozenset().union(*(each for each in taken if each is not None))
    async with services.reader.connect() as connection:
        used = await orders.currencies(connection, merchant_id)
    return tuple(sorted(used - known))


async def warnings(services: Services, merchant_id: str) -> tuple[str, ...]:
    """Return a warning for each currency without a route."""
    missing = await without_route(services, merchant_id)
    return tuple(
        f"No enabled gateway takes {currency}, and you have orders in it: their payments are refused."
        for currency in missing
    )
