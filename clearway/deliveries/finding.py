"""Finding a merchant's delivery by its id."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from clearway.db.deliveries import reading
from clearway.domain.errors import NotFoundError
from clearway.domain.ids import DELIVERY, is_id
from clearway.services import Services


async def find(services: Services, merchant_id: str, delivery_id: str) -> Row[Any]:
    """Return the delivery as `reading.find_delivery` does. Raises NotFoundError."""
    async with services.reader.connect() as connection:
        known = is_id(DELIVERY, delivery_id)
        row = await reading.find_delivery(connection, merchant_id, delivery_id) if known else None
    if row is None:
        raise NotFoundError("webhook_not_found", f"You have no webhook delivery {delivery_id!r}.")
    return row
