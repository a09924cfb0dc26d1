"""Opening an order in its customer's browser: by the id of the order and the public half of a key of its merchant.

Neither is a secret of the merchant. The id cannot be guessed, and the key says which shop sent the customer. An unknown
order, an unknown or revoked key, and a key of another merchant are the same error, so that nobody learns which exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.checkout.stages import Stage, stage_of
from clearway.db import across_merchants, merchants
from clearway.db.across_merchants import PayableOrder
from clearway.db.payments import reading
from clearway.domain.api_key import KEY_ID_FORM
from clearway.domain.errors import NotFoundError
from clearway.domain.ids import ORDER, is_id
from clearway.domain.resources import PaymentResource
from clearway.services import Services

NOT_OPENED: Final = "There is no such order of this merchant, or the key is not valid. Nothing was charged."


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order as its customer sees it. latest: the payment that holds the order, or the last one that ended.

    at: when it was opened.
    """

    payable: PayableOrder
    key_id: str
    merchant_name: str
    latest: PaymentResource | None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def stage(self) -> Stage:
        """What the page shows."""
        return stage_of(self.payable.resource, self.latest, self.at)


async def open_order(services: Services, order_id: str, key_id: str) -> OpenOrder:
    """Return the order. Raises NotFoundError."""
    if not is_id(ORDER, order_id) or not KEY_ID_FORM.fullmatch(key_id):
        raise NotFoundError("order_not_found", NOT_OPENED)
    async with services.reader.connect() as connection:
        opened = await _open(connection, order_id, key_id)
    if opened is None:
        raise NotFoundError("order_not_found", NOT_OPENED)
    structlog.contextvars.bind_contextvars(merchant_id=opened.payable.merchant_id, order_id=order_id)
    return opened


async def _open(connection: AsyncConnection, order_id: str, key_id: str) -> OpenOrder | None:
    payable = await across_merchants.find_payable(connection, order_id)
    key = await across_merchants.find_key(connection, key_id)
    if payable is None or key is None or not key.usable or key.merchant_id != payable.merchant_id:
        return None
    latest = await reading.latest_of_order(connection, payable.merchant_id, order_id)
    name = await merchants.merchant_name(connection, payable.merchant_id)
    return OpenOrder(payable, key_id, name or "", latest)
