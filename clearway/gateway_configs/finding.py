"""Find a merchant's own gateway configuration, or raise an error."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from clearway.db import gateways
from clearway.domain.errors import NotFoundError
from clearway.domain.ids import GATEWAY, is_id
from clearway.services import Services


def gateway_not_found(gateway_id: str) -> NotFoundError:
    """Return the error for an unknown or deleted configuration of this merchant."""
    return NotFoundError("gateway_not_found", f"You have no gateway {gateway_id!r}.")


async def find(services: Services, merchant_id: str, gateway_id: str) -> Row[Any]:
    """Return the merchant's configuration. Raises NotFoundError."""
    async with services.reader.connect() as connection:
        row = await gateways.find(connection, merchant_id, gateway_id) if is_id(GATEWAY, gateway_id) else None
    if row is None:
        raise gateway_not_found(gateway_id)
    return row
